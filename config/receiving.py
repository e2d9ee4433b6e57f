"""The settings of what takes mail in and files it: doors, limits, intake, DNS, authenticity, mailboxes."""

from ipaddress import ip_address
from typing import Literal

from pydantic import Field, field_validator, model_validator

from config.values import Section, SettingsPath, checked_networks

_SYSTEMD = "systemd"


class ListenerSettings(Section):
    """One socket on which mail is taken."""

    address: str = Field(
        "127.0.0.1:2525",
        description="HOST:PORT, unix:PATH, or systemd (systemd:NAME) for the sockets that it hands over; a port above 1023 needs no root.",
    )
    protocol: Literal["smtp", "lmtp"] = Field(
        "smtp", description="lmtp (RFC 2033) for a mail server in front of us: one reply a recipient."
    )
    tls_certificate: SettingsPath | None = Field(
        None, description="PEM file with the chain; without it STARTTLS is not offered."
    )
    tls_key: SettingsPath | None = Field(None, description="PEM file with the private key of tls_certificate.")
    tls: Literal["starttls", "implicit"] = Field(
        "starttls", description="implicit: TLS from the first byte (RFC 8314); senders on port 25 use STARTTLS."
    )
    require_tls: bool = Field(
        False, description="Refuse MAIL without TLS; off, since the open internet's mail would bounce (RFC 3207)."
    )
    proxy_from: tuple[str, ...] = Field(
        (), description="Networks whose connections begin with a PROXY header; it is believed from nobody else."
    )

    @field_validator("address")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        if value == _SYSTEMD or value.startswith((f"{_SYSTEMD}:", "unix:/")):
            return value
        host, _, port = value.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError(
                "must be HOST:PORT, like 127.0.0.1:2525 or [::]:25, or unix:/PATH, or systemd, or systemd:NAME"
            )
        return value

    @field_validator("proxy_from")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return checked_networks(value)

    @model_validator(mode="after")
    def _both_or_none(self) -> "ListenerSettings":
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        if self.tls_certificate is None and (self.require_tls or self.tls == "implicit"):
            raise ValueError("TLS needs tls_certificate and tls_key")
        if self.proxy_from and self.tls == "implicit":
            raise ValueError('a PROXY header comes before TLS: use tls = "starttls" with proxy_from')
        return self

    @property
    def is_handed(self) -> bool:
        """Whether its sockets come from the service manager."""
        return self.address.partition(":")[0] == _SYSTEMD

    @property
    def handed_name(self) -> str:
        """The FileDescriptorName= of its sockets; empty: all that no other listener names."""
        return self.address.partition(":")[2] if self.is_handed else ""

    @property
    def host(self) -> str:
        """The host without the brackets of an IPv6 literal."""
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self.address.rpartition(":")[2])


class LimitSettings(Section):
    """What one peer or one mail may cost. 0 means no limit."""

    message_bytes: int = Field(
        52_428_800, ge=0, description="50 MiB: twice what the large providers send (RFC 1870 SIZE)."
    )
    recipients: int = Field(100, ge=0, description="RFC 5321 section 4.5.3.1.8 asks for 100.")
    hops: int = Field(
        50, ge=0, description="More Received lines than this is a loop (RFC 5321 section 6.3); Exchange adds many."
    )
    connections: int = Field(1000, ge=0, description="In all; each costs some 20 KB.")
    connections_per_network: int = Field(
        50, ge=0, description="Per IPv4 address or IPv6 /64; forwarders deliver in parallel."
    )
    connections_per_minute: int = Field(600, ge=0, description="Per network; half a forwarder's mails come one each.")
    mails_per_minute: int = Field(
        600,
        ge=0,
        description="Per recipient and per network, then 451; never per reverse-path, which forwarders share.",
    )
    burst_minutes: float = Field(
        10, gt=0, description="What was not used so long may come at once: a Monday's backlog of 10,000 mails passes."
    )
    trusted_networks: tuple[str, ...] = Field(
        (), description="Exempt from the limits per network, like the company's own mail server."
    )
    header_bytes: int = Field(262_144, ge=0, description="256 KiB; the largest honest headers have a tenth of it.")
    in_flight_bytes: int = Field(
        268_435_456,
        ge=0,
        description="All mails that are being received at once; beyond it 452, so that memory is bounded.",
    )
    free_bytes: int = Field(
        157_286_400, ge=0, description="Less free space than this (three largest mails): 452 before the disk is full."
    )
    unknown_recipients: int = Field(
        10, ge=0, description="After so many unknown recipients a session is closed with 421."
    )
    unknown_undelayed: int = Field(
        3, ge=0, description="So many unknown recipients are answered at once; honest senders mistype one."
    )
    unknown_delay_seconds: float = Field(1, ge=0, description="What each further unknown recipient costs a harvester.")
    errors: int = Field(20, ge=0, description="After so many bad commands a session is closed with 421.")
    idle_seconds: float = Field(300, ge=0, description="RFC 5321 section 4.5.3.2.7: at least five minutes.")
    session_seconds: float = Field(1800, ge=0, description="Nobody needs more than half an hour for one connection.")
    data_bytes_per_second: int = Field(
        500, ge=0, description="The slowest DATA that is honest, after data_grace_seconds."
    )
    data_grace_seconds: float = Field(30, ge=0, description="How long DATA may be slower than data_bytes_per_second.")
    greeting_delay_seconds: float = Field(
        0, ge=0, description="Who talks before our greeting is closed with 554; waiting for it costs every connection."
    )
    handshake_seconds: float = Field(30, gt=0, description="How long a TLS handshake or a PROXY header may take.")
    lookup_seconds: float = Field(
        15, gt=0, description="How long a recipient may wait for the database before it hears 451."
    )
    commit_seconds: float = Field(60, gt=0, description="How long the peer waits for our commit before it hears 451.")
    drain_seconds: float = Field(30, ge=0, description="How long running transactions may go on after SIGTERM.")

    @field_validator("trusted_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return checked_networks(value)


class IntakeSettings(Section):
    """How accepted mail is read and filed."""

    workers: int = Field(1, ge=1, description="Processes that file; on SQLite one writes at a time, so one is enough.")
    batch: int = Field(50, ge=1, le=500, description="Mails to one commit; filing them takes some 10 ms.")
    lease_seconds: float = Field(300, gt=0, description="A worker that is silent for so long has lost its claim.")
    attempts: int = Field(3, ge=1, description="A mail whose worker died without an explanation is tried so often.")
    memory_bytes: int = Field(
        536_870_912, ge=67_108_864, description="What reading one mail may use, beyond the bare process."
    )
    cpu_seconds: float = Field(8, gt=0, description="CPU time that reading one mail may use.")
    wall_seconds: float = Field(10, gt=0, description="Time that reading one mail may take.")
    new_tickets_per_sender: int = Field(
        20, ge=0, description="More new tickets of one author in the window are held, not lost."
    )
    new_tickets_window_minutes: int = Field(120, ge=1, description="The window of new_tickets_per_sender.")
    same_mail_per_hour: int = Field(
        3, ge=0, description="The same subject or the same text of one author more often than this an hour is held."
    )
    agents_by_mail: bool = Field(
        False,
        description="Agents may answer notices by mail, where DKIM or DMARC proves them; a stolen mailbox could then write too.",
    )
    subject_layers: int = Field(
        3,
        ge=0,
        description="A subject that robots have answered so often, [#2] Undeliverable: [#1], is held; 0: never.",
    )
    storm_quiet_minutes: int = Field(
        60,
        ge=0,
        description="After so long without more of it, new_tickets_per_sender of what was held go on; 0: a person must say.",
    )
    unknown_held_days: int = Field(
        30,
        ge=0,
        description="Mail of unknown people to a queue for known contacts is kept so long for a release; 0: for ever.",
    )
    held_digest_hour: int = Field(
        7,
        ge=-1,
        le=23,
        description="From this hour on managers are told once a day what is held or quarantined, if anything; -1: never.",
    )
    inline_raw_bytes: int = Field(
        16_384, ge=0, description="Raw mail larger than this waits in a pack, and becomes a blob when it is filed."
    )


class DnsSettings(Section):
    """Who is asked for the DNS records by which mail is authenticated."""

    nameservers: tuple[str, ...] = Field(
        (), description="IP addresses, or IP:PORT; empty: those of the host, which should validate and keep answers."
    )
    timeout_seconds: float = Field(
        5, ge=0, le=60, description="For all questions about one mail, after it was accepted; 0: DNS is never asked."
    )

    @field_validator("nameservers")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            cls.host_and_port(text)
        return value

    @staticmethod
    def host_and_port(text: str) -> tuple[str, int]:
        """The address and the port of a server; an IPv6 address with a port stands in brackets."""
        host, _, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", "53")
        if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"{text!r} is no IP address or IP:PORT, like 127.0.0.1:5353 or [::1]:53")
        return str(ip_address(host.strip("[]"))), int(port)


class AuthenticitySettings(Section):
    """Whose word about the authenticity of a mail is believed."""

    authserv_id: str = Field(
        "",
        description="Our name in Authentication-Results (RFC 8601): foreign ones that bear it are forged; empty: hostname.",
    )
    trusted_sealers: tuple[str, ...] = Field(
        (),
        description="Domains whose ARC seal may vouch for an author (RFC 8617), like that of the company's own mail provider.",
    )


class ForwardingSettings(Section):
    """How forwards of inboxes are watched."""

    canary_hours: float = Field(
        0, ge=0, description="A test mail goes round each named inbox so often; 0: never, since people see it there."
    )
    silence_mails: int = Field(
        10,
        ge=0,
        description="Alarm when a queue gets none in hours that brought so many in each of the last weeks; 0: never.",
    )


class MailboxSettings(Section):
    """How connected mailboxes are read."""

    batch: int = Field(50, ge=1, le=500, description="Mails to one commit, 16 MiB at most.")
    poll_seconds: float = Field(
        60, gt=0, description="How often a server is asked that cannot tell of new mail by itself (IDLE)."
    )
    idle_seconds: float = Field(
        540, gt=0, le=1700, description="RFC 2177 allows 29 minutes; firewalls forget a silent connection sooner."
    )
    timeout_seconds: float = Field(60, gt=0, description="How long a server may take for an answer.")
    retry_seconds: tuple[float, ...] = Field(
        (5, 30, 120, 600, 1800),
        min_length=1,
        description="Waits after each failure; the last one repeats, and follows a sign-in refused twice: it locks accounts.",
    )
