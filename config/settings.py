"""The settings: a frozen tree in which every default carries its reason.

Reading them from a file is `config.files`. Settings are loaded once and handed down as the part
that is needed; nothing here is global.
"""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from config.secrets import resolve_reference

_SQLITE = "sqlite:///"
_SYSTEMD = "systemd"
_URL_PASSWORD = re.compile(r"^([a-z]+://[^:/@?]*:)[^/?]*@")
_DOMAIN = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_BUCKET = re.compile(r"s3://[a-z0-9.-]{3,63}(/[^\s?#]*)?")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class _Part(BaseModel):
    # A typo in a key must be an error, never a setting that is silently ignored.
    model_config = ConfigDict(frozen=True, extra="forbid")


def _folder(info: ValidationInfo) -> Path:
    return Path((info.context or {}).get("folder", "."))


def _beside_the_file(value: Path, info: ValidationInfo) -> Path:
    return (_folder(info) / value.expanduser()).resolve()


def _checked_networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for network in value:
        ip_network(network)  # its ValueError says what is wrong
    return value


def _plain_domain(value: str) -> str:
    """A domain as addresses compare: the capitals of a settings file must not make all mail unknown."""
    plain = value.strip().rstrip(".").lower()
    if not _DOMAIN.fullmatch(plain):
        raise ValueError(f"{value!r} is no domain; write one like in.desk.example (other letters as xn--...)")
    return plain


def _resolved(value: SecretStr, info: ValidationInfo) -> SecretStr:
    return SecretStr(resolve_reference(value.get_secret_value(), _folder(info)))


# A relative path means: relative to the settings file, whatever the working directory is.
SettingsPath = Annotated[Path, AfterValidator(_beside_the_file)]
DomainName = Annotated[str, AfterValidator(_plain_domain)]
Secret = Annotated[SecretStr, AfterValidator(_resolved)]
Security = Literal["starttls", "tls", "none"]


class Company(_Part):
    """Who the company is, for templates."""

    name: str = Field("", description="Stands in acknowledgements; empty: the queue's name is used.")


class DatabaseSettings(_Part):
    """Where tickets live."""

    url: str = Field(
        "",
        # It may hold a password.
        repr=False,
        description="sqlite:///PATH or postgresql://USER@HOST/NAME, or a reference like env:NAME; empty: gateway.db in data_dir.",
    )
    busy_seconds: float = Field(
        10,
        gt=0,
        description="How long a writer waits for the database before it says try again; a sender waits minutes.",
    )
    pool_size: int = Field(5, ge=1, description="Connections kept open per process; PostgreSQL pays for each.")
    unsafe_sqlite: bool = Field(
        False,
        description="Start although the SQLite library has the WAL-reset race (3.7.0 to 3.51.2): it can corrupt data.",
    )

    @field_validator("url")
    @classmethod
    def _known_kind(cls, value: str, info: ValidationInfo) -> str:
        value = resolve_reference(value, _folder(info))
        if value.startswith(_SQLITE):
            return f"{_SQLITE}{_beside_the_file(Path(value.removeprefix(_SQLITE)), info)}"
        if value and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return value

    @field_serializer("url", when_used="json")
    def _without_password(self, value: str) -> str:
        return _URL_PASSWORD.sub(r"\1**********@", value)


class BlobSettings(_Part):
    """Where attachments and large mails live."""

    url: str = Field(
        "",
        description="file:///PATH, or s3://BUCKET/PREFIX so that gateways on several machines share it; empty: the folder blobs in data_dir.",
    )
    endpoint: str = Field(
        "", description="Of an S3 server that is not Amazon's; https://HOST, or http:// on a loopback."
    )
    region: str = Field("us-east-1", description="Of the bucket; other servers take any.")
    access_key: Secret = Field(
        SecretStr(""),
        description="env:NAME, file:PATH or credential:NAME; empty: the usual AWS_* variables or the machine's role.",
    )
    secret_key: Secret = Field(SecretStr(""), description="As access_key.")
    timeout_seconds: float = Field(
        30, gt=0, description="For one request and its repetitions; then the mail waits for the next try."
    )

    @field_validator("url")
    @classmethod
    def _known_kind(cls, value: str) -> str:
        if value and not value.startswith("file:///") and not _BUCKET.fullmatch(value):
            raise ValueError("must begin with file:/// or be s3://BUCKET or s3://BUCKET/PREFIX")
        return value

    @field_validator("endpoint")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        host = urlsplit(value)
        if value and host.scheme != "https" and not (host.scheme == "http" and host.hostname in LOOPBACK):
            raise ValueError(
                "must begin with https://, since keys and mail go over it; http:// serves loopback hosts only"
            )
        return value


class ListenerSettings(_Part):
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
        return _checked_networks(value)

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


class LimitSettings(_Part):
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
        return _checked_networks(value)


class IntakeSettings(_Part):
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
    inline_raw_bytes: int = Field(
        16_384, ge=0, description="Raw mail larger than this moves from the database to a blob after filing."
    )


class AcknowledgeSettings(_Part):
    """When a new ticket is acknowledged to the customer."""

    default: Literal["authenticated", "all", "never"] = Field(
        "authenticated", description="Only a proven or already answered sender: a forged one must not get mail from us."
    )
    per_address_hour: int = Field(3, ge=0, description="At most so many acknowledgements an hour to one address.")
    per_address_day: int = Field(10, ge=0, description="At most so many a day to one address.")
    per_domain_hour: int = Field(60, ge=0, description="At most so many an hour to one domain.")
    total_hour: int = Field(600, ge=0, description="At most so many an hour in all.")


class ServerSettings(_Part):
    """One of the default mail servers of the operator."""

    host: str = Field(description="Host name; its certificate is checked against it.")
    port: int = Field(587, ge=1, le=65535, description="587 is submission (RFC 6409), 465 implicit TLS, 25 relay.")
    security: Security = Field("starttls", description="TLS is required unless `none` is written out.")
    user: str = Field("", description="Empty: no AUTH.")
    password: Secret = Field(
        SecretStr(""), description="env:NAME, file:PATH or credential:NAME, so that this file can be shown."
    )

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> "ServerSettings":
        if self.security == "none" and self.password.get_secret_value() and self.host not in LOOPBACK:
            raise ValueError('security = "none" with a password would send it in clear: use "starttls" or "tls"')
        return self


class OutboundSettings(_Part):
    """How answers leave."""

    servers: tuple[ServerSettings, ...] = Field(
        (), description="Tried in order; empty: mail goes to the folder outgoing in data_dir."
    )
    templates: SettingsPath | None = Field(
        None, description="Folder with templates and logos of your own; they go before the shipped ones."
    )
    retry_seconds: tuple[int, ...] = Field(
        (60, 300, 900, 3600, 3600, 7200, 14400),
        min_length=1,
        description="Waits after each deferral; the last one repeats.",
    )
    expire_seconds: int = Field(345_600, ge=60, description="Four days: RFC 5321 section 4.5.4.1 asks for 4 to 5.")
    lease_seconds: float = Field(
        900, gt=0, description="Longer than the longest SMTP time-out, the final dot's ten minutes."
    )
    undo_seconds: float = Field(10, ge=0, description="How long a reply waits so that it can be cancelled.")
    body_mark: bool = Field(
        True, description="End the text of answers with a signed mark: it finds the ticket when every header was lost."
    )
    reply_timeout_seconds: float = Field(
        600, gt=0, description="Wait for the reply after the final dot: RFC 5321 section 4.5.3.2.6."
    )
    command_timeout_seconds: float = Field(300, gt=0, description="Wait for any other reply: RFC 5321 section 4.5.3.2.")
    connections: int = Field(4, ge=1, description="Connections to one server at a time.")
    automatic_per_ticket: tuple[tuple[int, int], ...] = Field(
        ((10, 10), (30, 15), (60, 25), (180, 50), (600, 100)),
        description="Minutes and automatic mails: one person gets no more about one ticket, so that no loop feeds itself.",
    )
    automatic_per_address: tuple[tuple[int, int], ...] = Field(
        ((10, 30), (30, 60), (60, 120), (180, 240), (600, 360)),
        description="Minutes and automatic mails: one person gets no more in all, acknowledgements and notices together.",
    )


class Office365Settings(_Part):
    """The operator's own registration of an application at Microsoft, for channels and mailboxes there."""

    client_id: str = Field("", description="Application (client) ID of the registration; docs/accounts.md says how.")
    tenant: str = Field(
        "organizations", description="Directory (tenant) ID or domain; the client credentials grant needs it."
    )
    client_secret: Secret = Field(
        SecretStr(""), description="Only for the client credentials grant: env:NAME, file:PATH or credential:NAME."
    )
    authority: str = Field(
        "https://login.microsoftonline.com", description="Where tokens are got; national clouds have others."
    )
    graph: str = Field(
        "https://graph.microsoft.com/v1.0", description="Where Microsoft Graph is, for channels with --via graph."
    )

    @field_validator("authority", "graph")
    @classmethod
    def _over_tls(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError("must be an https:// address: tokens and secrets go there")
        return value.rstrip("/")


class DnsSettings(_Part):
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


class AuthenticitySettings(_Part):
    """Whose word about the authenticity of a mail is believed."""

    authserv_id: str = Field(
        "",
        description="Our name in Authentication-Results (RFC 8601): foreign ones that bear it are forged; empty: hostname.",
    )
    trusted_sealers: tuple[str, ...] = Field(
        (),
        description="Domains whose ARC seal may vouch for an author (RFC 8617), like that of the company's own mail provider.",
    )


class ForwardingSettings(_Part):
    """How forwards of inboxes are watched."""

    canary_hours: float = Field(
        0, ge=0, description="A test mail goes round each named inbox so often; 0: never, since people see it there."
    )


class MailboxSettings(_Part):
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


class LogSettings(_Part):
    """The mail log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="info tells the life of each mail.")
    format: Literal["console", "json"] = Field("console", description="json for log collectors.")


class Settings(_Part):
    """Everything that is settled before we start."""

    data_dir: SettingsPath = Field(Path("var"), validate_default=True, description="Database, blobs, keys and locks.")
    hostname: str = Field("localhost", description="The name in our banner and Received lines; must be that of the MX.")
    domain: DomainName = Field(
        "in.desk.example", description="The domain of creation addresses; its MX record points to us."
    )
    also_domains: tuple[DomainName, ...] = Field((), description="Older domains whose addresses still route.")
    postmaster_queue: str = Field("Support", description="RFC 5321 section 4.5.1: postmaster must be read by somebody.")
    time_zone: str = Field("UTC", description="For times in mails and on the screen, like Europe/Lisbon.")
    secret_key: SettingsPath | None = Field(
        None, description="Key file for stored passwords; empty: secret.key in data_dir."
    )
    company: Company = Company()
    database: DatabaseSettings = DatabaseSettings()
    blobs: BlobSettings = BlobSettings()
    listener_processes: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes that take mail, on PostgreSQL; each has limits, rates and memory of its own. On SQLite one writes at a time.",
    )
    listener: tuple[ListenerSettings, ...] = (ListenerSettings(),)
    limits: LimitSettings = LimitSettings()
    intake: IntakeSettings = IntakeSettings()
    acknowledge: AcknowledgeSettings = AcknowledgeSettings()
    outbound: OutboundSettings = OutboundSettings()
    office365: Office365Settings = Office365Settings()
    dns: DnsSettings = DnsSettings()
    authenticity: AuthenticitySettings = AuthenticitySettings()
    forwarding: ForwardingSettings = ForwardingSettings()
    mailboxes: MailboxSettings = MailboxSettings()
    log: LogSettings = LogSettings()

    @field_validator("listener")
    @classmethod
    def _handed_once(cls, value: tuple[ListenerSettings, ...]) -> tuple[ListenerSettings, ...]:
        handed = [listener.address for listener in value if listener.is_handed]
        if len(handed) > len(set(handed)):
            raise ValueError('two listeners cannot share sockets: name them, as in address = "systemd:lmtp"')
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone; write one like Europe/Lisbon") from None
        return value

    @model_validator(mode="after")
    def _processes_that_help(self) -> "Settings":
        if self.listener_processes > 1 and self.is_sqlite:
            raise ValueError(
                "listener_processes above 1 needs PostgreSQL: on SQLite they would only wait for each other"
            )
        if self.listener_processes > 1 and all(one.address.startswith("unix:") for one in self.listener):
            raise ValueError(
                "listener_processes above 1 needs a listener on a port: a Unix socket belongs to one process"
            )
        return self

    @property
    def database_url(self) -> str:
        """The URL in force."""
        return self.database.url or f"sqlite:///{self.data_dir / 'gateway.db'}"

    @property
    def is_sqlite(self) -> bool:
        """Embedded: one machine, one writer at a time."""
        return self.database_url.startswith("sqlite:")

    @property
    def blob_dir(self) -> Path | None:
        """The folder of blobs; None when they are in a bucket."""
        if self.blobs.url.startswith("s3:"):
            return None
        return Path(self.blobs.url.removeprefix("file://")) if self.blobs.url else self.data_dir / "blobs"

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where this machine keeps mail."""
        return (self.data_dir, self.blob_dir) if self.blob_dir else (self.data_dir,)

    @property
    def key_file(self) -> Path:
        """The key that seals stored passwords."""
        return self.secret_key or self.data_dir / "secret.key"

    @property
    def authserv_id(self) -> str:
        """Our name where results of authentication are named."""
        return self.authenticity.authserv_id or self.hostname

    @property
    def own_domains(self) -> tuple[str, ...]:
        """Every domain whose addresses may be ours."""
        return (self.domain, *self.also_domains)
