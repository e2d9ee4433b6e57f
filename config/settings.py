"""The settings: a frozen tree in which every default carries its reason.

Reading them from a file is `config.files`. Settings are loaded once and handed down as the part
that is needed; nothing here is global.
"""

from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from config.receiving import (
    AuthenticitySettings,
    DnsSettings,
    ForwardingSettings,
    IntakeSettings,
    LimitSettings,
    ListenerSettings,
    MailboxSettings,
)
from config.sending import AcknowledgeSettings, Office365Settings, OutboundSettings
from config.storing import BlobSettings, DatabaseSettings
from config.values import DomainName, Section, SettingsPath


class Company(Section):
    """Who the company is, for templates."""

    name: str = Field("", description="Stands in acknowledgements; empty: the queue's name is used.")


class LogSettings(Section):
    """The mail log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="info tells the life of each mail.")
    format: Literal["console", "json"] = Field("console", description="json for log collectors.")


class Settings(Section):
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
        description="Processes that take mail on the same ports; each has limits, rates and memory of its own. On SQLite one writes at a time.",
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
