"""Channels: the ways out that people added. The default servers stand in the settings, not here."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from config.errors import AlreadyThere, AskedWrongly, NotFound, Refused
from storage.columns import Choice, UtcDateTime

# What people write for the operator's own servers, wherever a channel can be named.
DEFAULT_SERVERS = "default"


class ChannelKind(StrEnum):
    """How a channel sends."""

    SMTP = "smtp"
    GMAIL = "gmail"  # Gmail or Workspace, with an app password
    OFFICE365 = "office365"  # with OAuth 2
    FOLDER = "folder"  # writes .eml files: for a first look, and for tests


class Via(StrEnum):
    """How a channel of kind office365 hands over its mail."""

    SMTP = "smtp"
    GRAPH = "graph"  # Microsoft Graph, over HTTPS: for tenants that allow no SMTP


@dataclass(frozen=True, slots=True)
class Preset:
    """What a kind of channel has where nothing else is said. 0: no limit of its own."""

    host: str = ""
    port: int = 587
    security: str = "starttls"  # starttls | tls | none
    connections: int = 0
    mails_per_minute: int = 0


PRESETS = {
    ChannelKind.SMTP: Preset(),
    ChannelKind.GMAIL: Preset("smtp.gmail.com"),
    # Exchange Online allows a mailbox three connections and 30 mails a minute.
    ChannelKind.OFFICE365: Preset("smtp.office365.com", connections=3, mails_per_minute=30),
    ChannelKind.FOLDER: Preset(),
}


class ChannelState(StrEnum):
    """Whether a channel works."""

    OK = "ok"
    FAILING = "failing"  # the account or server refuses us; mail waits


class AfterDot(StrEnum):
    """What to do when the connection is lost after the final dot, and nobody knows whether the mail went out."""

    HOLD = "hold"
    RETRY_ONCE = "retry_once"


class Channel(SQLModel, table=True):
    """A way out. `secret` is sealed for `channel:<id>:secret`; an account of `storage.accounts` takes its place."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    key: str = Field(unique=True)
    kind: ChannelKind = Field(sa_column=sa.Column(Choice(ChannelKind), nullable=False))
    host: str = ""
    port: int = 587
    security: str = "starttls"  # starttls | tls | none
    user: str = ""
    secret: str = ""
    account_id: int | None = Field(default=None, foreign_key="account.id")  # signs in with OAuth 2
    via: Via = Field(default=Via.SMTP, sa_column=sa.Column(Choice(Via), nullable=False))
    connections: int = 0  # at a time; 0: the setting's
    mails_per_minute: int = 0  # 0: no limit
    from_address: str = ""  # canonical
    folder: str = ""
    after_dot: AfterDot = Field(default=AfterDot.HOLD, sa_column=sa.Column(Choice(AfterDot), nullable=False))
    state: ChannelState = Field(default=ChannelState.OK, sa_column=sa.Column(Choice(ChannelState), nullable=False))
    last_error: str = ""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def number(self) -> int:
        """The id of a stored channel."""
        if self.id is None:
            raise ValueError("this channel was never stored")
        return self.id

    @property
    def secret_purpose(self) -> str:
        """What `secret` is sealed for."""
        return f"channel:{self.id}:secret"


def add_channel(session: Session, channel: Channel) -> Channel:
    """Store a new channel. Raises AlreadyThere when the name is taken."""
    channel.name = channel.name.strip()
    channel.key = channel.name.casefold()
    if not channel.key or channel.key == DEFAULT_SERVERS:
        raise AskedWrongly(f"{channel.name!r} cannot be the name of a channel")
    if any(other.key == channel.key for other in list_channels(session)):
        raise AlreadyThere(f"There is a channel {channel.name} already: change it with `gateway channel edit`")
    session.add(channel)
    session.flush()
    return channel


def find_channel(session: Session, name: str) -> Channel:
    """The channel of this name. Raises NotFound with the names that there are."""
    for channel in list_channels(session):
        if channel.key == name.strip().casefold():
            return channel
    names = ", ".join([DEFAULT_SERVERS, *(channel.name for channel in list_channels(session))])
    raise NotFound(f"There is no channel {name!r}. Channels: {names}")


def channel_id_of(session: Session, name: str) -> int | None:
    """The id behind a name that a person wrote; None for the default servers."""
    return None if name.strip().casefold() == DEFAULT_SERVERS else find_channel(session, name).number


def channel_name(session: Session, number: int | None) -> str:
    """How people name a way out; no channel is the default servers."""
    channel = session.get(Channel, number) if number else None
    return channel.name if channel else DEFAULT_SERVERS


def list_channels(session: Session) -> list[Channel]:
    """All channels that are not removed, by name."""
    query = select(Channel).where(col(Channel.removed_at).is_(None)).order_by(col(Channel.key))
    return list(session.exec(query).all())


def remove_channel(session: Session, name: str) -> Channel:
    """Take a channel out of use; its name is free again, what went through it stays."""
    channel = find_channel(session, name)
    channel.removed_at, channel.secret = now(), ""
    channel.key = f"{channel.key}#{channel.id}"
    session.add(channel)
    session.flush()
    return channel


def mark_channel(session: Session, channel_id: int, state: ChannelState, error: str = "") -> None:
    """Note whether a channel works."""
    channel = session.get_one(Channel, channel_id)
    if (channel.state, channel.last_error) != (state, error):
        channel.state, channel.last_error = state, error
        session.add(channel)
        session.flush()


def refuse_channel_address(session: Session, address: str) -> None:
    """Raise Refused when a channel sends as this canonical address: an agent cannot be what customers see."""
    for channel in list_channels(session):
        if channel.from_address and channel.from_address == address:
            raise Refused(f"{address} is the From of channel {channel.name}: an agent needs an address of his own")
