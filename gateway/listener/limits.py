"""What peers may cost together: connections, rates, bytes in memory, disk space. In memory of this process.

What one conversation may cost (time, errors, unknown recipients) is counted in `Conversation` itself.
"""

import os
import time
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path

from config.receiving import LimitSettings

# Above so many buckets those that are full again are forgotten: they say nothing.
_MANY_BUCKETS = 10_000


@lru_cache(maxsize=4096)
def network_of(host: str) -> str:
    """The network that counts as one peer: an IPv4 address, or an IPv6 /64, which one customer line has."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address)


class Networks:
    """A list of networks to ask."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(network) for network in networks]

    def __contains__(self, host: str) -> bool:
        if not self._networks:
            return False
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return False
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return any((mapped or address) in network for network in self._networks)


class Budget:
    """Bytes of mails that are being received, over all connections."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.used = 0

    def take(self, size: int) -> bool:
        """Whether there is room for so much more; if so it is taken."""
        if size > 0 and self._limit and self.used + size > self._limit:
            return False
        self.used += size
        return True

    def give_back(self, size: int) -> None:
        """Make room again."""
        self.used -= size


class Rates:
    """Token buckets by key. What was not used for `burst_minutes` may come at once."""

    def __init__(self, per_minute: int, burst_minutes: float) -> None:
        self._per_second = per_minute / 60
        self._full = per_minute * burst_minutes
        self._buckets: dict[str, tuple[float, float]] = {}

    def has(self, key: str) -> bool:
        """Whether one may be taken now."""
        return not self._full or self._level(key, time.monotonic()) >= 1

    def take(self, key: str) -> None:
        """Take one. The level may fall below nothing by those who asked at the same moment."""
        if not self._full:
            return
        now = time.monotonic()
        self._buckets[key] = (self._level(key, now) - 1, now)
        if len(self._buckets) > _MANY_BUCKETS:
            self._forget_full_ones(now)

    def _level(self, key: str, now: float) -> float:
        level, then = self._buckets.get(key, (self._full, now))
        return min(self._full, level + (now - then) * self._per_second)

    def _forget_full_ones(self, now: float) -> None:
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if self._level(key, now) < self._full}


class Connections:
    """How many there are, in all and by network."""

    def __init__(self, limits: LimitSettings) -> None:
        self._limits = limits
        self._rates = Rates(limits.connections_per_minute, limits.burst_minutes)
        self._trusted = Networks(limits.trusted_networks)
        self._by_network: dict[str, int] = {}
        self.total = 0

    def enter(self, host: str) -> bool:
        """Count a connection, unless there are too many. Who came in must `leave`."""
        network = network_of(host)
        count = self._by_network.get(network, 0)
        limits = self._limits
        if limits.connections and self.total >= limits.connections:
            return False
        if host not in self._trusted:
            if limits.connections_per_network and count >= limits.connections_per_network:
                return False
            if not self._rates.has(network):
                return False
            self._rates.take(network)
        self._by_network[network] = count + 1
        self.total += 1
        return True

    def leave(self, host: str) -> None:
        """A connection has ended."""
        network = network_of(host)
        self.total -= 1
        self._by_network[network] -= 1
        if not self._by_network[network]:
            del self._by_network[network]


class MailRates:
    """Mails a minute, by recipient first and then by network; never by reverse-path, which forwarders share."""

    def __init__(self, limits: LimitSettings) -> None:
        self._recipients = Rates(limits.mails_per_minute, limits.burst_minutes)
        self._networks = Rates(limits.mails_per_minute, limits.burst_minutes)
        self._trusted = Networks(limits.trusted_networks)

    def allow_peer(self, host: str) -> bool:
        """Whether this network may send one more."""
        return host in self._trusted or self._networks.has(network_of(host))

    def allow_recipient(self, host: str, recipient: str) -> bool:
        """Whether this recipient may get one more."""
        return host in self._trusted or self._recipients.has(recipient)

    def count(self, host: str, recipients: Iterable[str]) -> None:
        """A mail came in. Counted here and not at RCPT, where it would cost a stranger nothing to use up."""
        if host in self._trusted:
            return
        self._networks.take(network_of(host))
        for recipient in recipients:
            self._recipients.take(recipient)


class DiskReserve:
    """Free space where mail is kept, measured now and then and not for each mail."""

    def __init__(self, folders: Iterable[Path], reserve: int) -> None:
        self._folders = tuple(folders)
        self._reserve = reserve
        self._free = self._measure() if reserve else 0

    def measure(self) -> None:
        """Look again. May block on a network file system: call it in a thread."""
        if self._reserve:
            self._free = self._measure()

    def has_room(self, size: int) -> bool:
        """Whether a mail of this size leaves the reserve alone."""
        return not self._reserve or self._free >= self._reserve + size

    def _measure(self) -> int:
        return min((_free_bytes(folder) for folder in self._folders), default=self._reserve)


def _free_bytes(folder: Path) -> int:
    existing = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    space = os.statvfs(existing)
    return space.f_bavail * space.f_frsize
