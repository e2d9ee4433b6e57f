"""The way out of one mail, opened: the servers with their passwords, or the folder."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from sqlmodel import Session

from config.settings import Settings
from outbound.envelope import Server
from outbound.post_office import PostOffice
from storage.accounts import Account, Grant
from storage.channels import AfterDot, Channel, ChannelKind, ChannelState, Via
from storage.outbox import Outgoing


@dataclass(frozen=True, slots=True)
class Door:
    """Either servers or a folder; `trouble` says why there is neither."""

    servers: tuple[Server, ...] = ()
    folder: Path | None = None
    trouble: str = ""
    channel_id: int | None = None
    channel_name: str = ""
    is_failing: bool = False
    after_dot: AfterDot = AfterDot.HOLD


def open_door(session: Session, office: PostOffice, outgoing: Outgoing) -> Door:
    """The way that was chosen when the mail was queued."""
    if outgoing.channel_id is None:
        return default_door(office.settings)
    return channel_door(session, office, session.get_one(Channel, outgoing.channel_id))


def default_door(settings: Settings) -> Door:
    """The default servers; without any, mail can at least be looked at."""
    if not settings.outbound.servers:
        return Door(folder=settings.data_dir / "outgoing")
    return Door(
        servers=tuple(
            Server(one.host, one.port, one.security, one.user, one.password.get_secret_value())
            for one in settings.outbound.servers
        )
    )


def channel_door(session: Session, office: PostOffice, channel: Channel) -> Door:
    """A channel of somebody's own. Raises BadConfiguration when its password does not open."""
    if channel.removed_at is not None:
        # Never by another way: that would break SPF and DMARC alignment.
        return Door(trouble=f"the channel {channel.name} was removed", channel_id=channel.id)
    if channel.kind is ChannelKind.FOLDER:
        # A relative path means: in data_dir.
        return Door(folder=office.settings.data_dir / (channel.folder or "outgoing"), channel_id=channel.id)
    return Door(
        servers=(_graph(session, office.settings, channel) if channel.via is Via.GRAPH else _server(office, channel),),
        channel_id=channel.id,
        channel_name=channel.name,
        is_failing=channel.state is ChannelState.FAILING,
        after_dot=channel.after_dot,
    )


def _server(office: PostOffice, channel: Channel) -> Server:
    return Server(
        host=channel.host,
        port=channel.port,
        security=channel.security,
        user=channel.user,
        password=office.seal.open(channel.secret, channel.secret_purpose) if channel.secret else "",
        account_id=channel.account_id,
        connections=channel.connections,
        mails_per_minute=channel.mails_per_minute,
    )


def _graph(session: Session, settings: Settings, channel: Channel) -> Server:
    base = settings.office365.graph
    account = session.get_one(Account, channel.account_id)
    # An application has no mailbox of its own, and must name one.
    whose = f"users/{quote(channel.user)}" if account.grant is Grant.APPLICATION else "me"
    parts = urlsplit(base)
    return Server(
        host=parts.hostname or "",
        port=parts.port or 443,
        security="tls",
        user=channel.user,
        account_id=channel.account_id,
        url=f"{base}/{whose}/sendMail",
        connections=channel.connections,
        mails_per_minute=channel.mails_per_minute,
    )
