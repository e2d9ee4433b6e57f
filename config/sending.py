"""The settings of what leaves: acknowledgements, servers, the relay, accounts at Microsoft."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from config.values import LOOPBACK, Secret, Section, Security, SettingsPath


class AcknowledgeSettings(Section):
    """When a new ticket is acknowledged to the customer."""

    default: Literal["authenticated", "all", "never"] = Field(
        "authenticated", description="Only a proven or already answered sender: a forged one must not get mail from us."
    )
    per_address_hour: int = Field(3, ge=0, description="At most so many acknowledgements an hour to one address.")
    per_address_day: int = Field(10, ge=0, description="At most so many a day to one address.")
    per_domain_hour: int = Field(60, ge=0, description="At most so many an hour to one domain.")
    total_hour: int = Field(600, ge=0, description="At most so many an hour in all.")


class ServerSettings(Section):
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


class OutboundSettings(Section):
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


class Office365Settings(Section):
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
