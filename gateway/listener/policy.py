"""What the door allows: one short function a question, the first reply wins, the order stands in tuples.

Only what needs no DNS is decided here, and nothing that is not the sender's business to hear now:
the rest is `intake`'s, after the 250. Limits of one conversation are `server`'s.
"""

import re
from dataclasses import dataclass

from config.receiving import LimitSettings
from config.settings import Settings
from gateway.listener.accept import GroupCommit
from gateway.listener.directory import Directory
from gateway.listener.limits import DiskReserve, MailRates
from gateway.listener.paths import Path
from gateway.listener.replies import (
    BAD_RECIPIENT,
    HEADERS_TOO_LARGE,
    NO_RELAYING,
    NO_SPACE,
    NO_SUCH_ADDRESS,
    OUR_FAULT,
    TOO_MANY_HOPS,
    TOO_MUCH_MAIL,
    Reply,
)
from storage.address import canonical_address, domain_of

# Old ways to write a relay into a local part (RFC 1123 section 5.2.16); no address of ours has them.
_RELAY_SIGNS = frozenset("%!@:/\\")
_FIELDS = re.compile(rb"(?:[!-9;-~]++[ \t]*+:[^\r\n]*+\r\n(?:[ \t][^\r\n]*+\r\n)*+)*+")
_FIELD_BEGINS = re.compile(rb"[ \t]|[!-9;-~]{1,998}+[ \t]*+:")
_MANY_HEADERS = 1024 * 1024


@dataclass(frozen=True, slots=True)
class House:
    """What all conversations share."""

    settings: Settings
    directory: Directory
    commit: GroupCommit
    rates: MailRates
    disk: DiskReserve

    @property
    def limits(self) -> LimitSettings:
        """What a peer may cost."""
        return self.settings.limits


# --- MAIL -------------------------------------------------------------------------------------


def storage_works(house: House, _host: str, _path: Path) -> Reply | None:
    """After a failed write nothing is promised until the database is open again."""
    return OUR_FAULT if house.commit.is_broken else None


def disk_has_room(house: House, _host: str, path: Path) -> Reply | None:
    """Asked before the mail is sent, so that a full disk costs nobody a transfer."""
    return None if house.disk.has_room(path.size) else NO_SPACE


def peer_has_rate(house: House, host: str, _path: Path) -> Reply | None:
    """A network that sends too much waits; nothing is dropped."""
    return None if house.rates.allow_peer(host) else TOO_MUCH_MAIL


MAIL_QUESTIONS = (storage_works, disk_has_room, peer_has_rate)


def judge_sender(house: House, host: str, path: Path) -> Reply | None:
    """Why MAIL is refused, or None."""
    return next((reply for ask in MAIL_QUESTIONS if (reply := ask(house, host, path))), None)


# --- RCPT -------------------------------------------------------------------------------------


async def judge_recipient(house: House, host: str, path: Path) -> str | Reply:
    """The canonical address of a recipient of ours, or why it is refused. Raises DatabaseUnavailable."""
    own = recipient_of_ours(house.settings, path)
    if isinstance(own, Reply):
        return own
    if own != postmaster(house.settings) and not await house.directory.knows(own):
        return NO_SUCH_ADDRESS
    return own if house.rates.allow_recipient(host, own) else TOO_MUCH_MAIL


def recipient_of_ours(settings: Settings, path: Path) -> str | Reply:
    """The canonical form of an address that could be ours, or why it cannot: we relay for nobody."""
    if path.is_routed:
        return NO_RELAYING
    if path.address.lower() == "postmaster":
        return postmaster(settings)  # RFC 5321 section 4.1.1.3
    address = canonical_address(path.address)
    if address is None:
        return NO_RELAYING if _RELAY_SIGNS.intersection(path.address) else BAD_RECIPIENT
    local = address.rpartition("@")[0]
    if domain_of(address) not in settings.own_domains or not _RELAY_SIGNS.isdisjoint(local):
        return NO_RELAYING
    if len(local.encode()) > 64:
        return BAD_RECIPIENT  # RFC 5321 section 4.5.3.1.1
    return postmaster(settings) if local == "postmaster" else address


def postmaster(settings: Settings) -> str:
    """The one form of postmaster, whichever of our domains was named."""
    return f"postmaster@{settings.domain}"


# --- after the dot ----------------------------------------------------------------------------


def headers_fit(limits: LimitSettings, content: bytes) -> Reply | None:
    """A header block beyond measure is an attack on whoever must read it."""
    most = limits.header_bytes
    if not most or len(content) <= most or content.startswith(b"\r\n"):
        return None
    if content.find(b"\r\n\r\n", 0, most + 4) >= 0:
        return None
    # No end in sight. A body without headers is no header block, however long its lines are.
    fields = _FIELDS.match(content, 0, most)
    return HEADERS_TOO_LARGE if fields and _FIELD_BEGINS.match(content, fields.end()) else None


def hops_are_few(limits: LimitSettings, content: bytes) -> Reply | None:
    """RFC 5321 section 6.3: a mail that has been everywhere runs in a circle."""
    if not limits.hops or content.startswith(b"\r\n"):
        return None
    most = limits.header_bytes or _MANY_HEADERS
    end = content.find(b"\r\n\r\n", 0, most + 4)
    block = content[: end if end >= 0 else most].lower()
    count = block.count(b"\r\nreceived:") + block.startswith(b"received:")
    return TOO_MANY_HOPS if count > limits.hops else None


CONTENT_QUESTIONS = (headers_fit, hops_are_few)


def judge_content(limits: LimitSettings, content: bytes) -> Reply | None:
    """Why a mail is refused after its dot, or None."""
    return next((reply for ask in CONTENT_QUESTIONS if (reply := ask(limits, content))), None)
