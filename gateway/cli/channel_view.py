"""A channel as it is shown: those that were added, and the default servers of the settings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.cli.desk import Desk

if TYPE_CHECKING:
    from sqlmodel import Session

    from config.sending import ServerSettings
    from config.settings import Settings
    from storage.channels import Channel


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel as it is shown, without its secret."""

    id: int | None  # null: a default server
    name: str
    kind: str
    origin: str  # settings | database
    host: str
    port: int
    security: str
    user: str
    has_password: bool
    from_: str
    folder: str
    after_dot: str
    state: str  # ok | failing | needs-sign-in
    last_error: str
    sign_in: str = ""  # password | device | application
    via: str = ""
    connections: int = 0  # 0: as in the settings
    mails_per_minute: int = 0  # 0: no limit


def view_channels(desk: Desk) -> list[ChannelView]:
    """The default servers first."""
    from storage.channels import list_channels

    with desk.reading() as session:
        return [*_default_views(desk.settings), *(view_channel(session, channel) for channel in list_channels(session))]


def _default_views(settings: "Settings") -> list[ChannelView]:
    if settings.outbound.servers:
        return [_of_server(server) for server in settings.outbound.servers]
    folder = str(settings.data_dir / "outgoing")
    return [ChannelView(None, "default", "folder", "settings", "", 0, "", "", False, "", folder, "hold", "ok", "")]


def _of_server(server: "ServerSettings") -> ChannelView:
    return ChannelView(
        id=None,
        name="default",
        kind="smtp",
        origin="settings",
        host=server.host,
        port=server.port,
        security=server.security,
        user=server.user,
        has_password=bool(server.password.get_secret_value()),
        from_="",
        folder="",
        after_dot="hold",
        state="ok",
        last_error="",
    )


def view_channel(session: "Session", channel: "Channel") -> ChannelView:
    """One that was added. An account without a sign-in is what its state says first."""
    from storage.accounts import Account, AccountState

    account = session.get(Account, channel.account_id) if channel.account_id else None
    needs_sign_in = account is not None and account.state is AccountState.NEEDS_SIGN_IN
    return ChannelView(
        id=channel.id,
        name=channel.name,
        kind=channel.kind,
        origin="database",
        host=channel.host,
        port=channel.port if channel.host else 0,
        security=channel.security if channel.host else "",
        user=channel.user,
        has_password=bool(channel.secret),
        from_=channel.from_address,
        folder=channel.folder,
        after_dot=channel.after_dot,
        state=AccountState.NEEDS_SIGN_IN if needs_sign_in else channel.state,
        last_error=(account.last_error if account and needs_sign_in else "") or channel.last_error,
        sign_in=account.grant if account else "password" if channel.secret else "",
        via=channel.via if account else "",
        connections=channel.connections,
        mails_per_minute=channel.mails_per_minute,
    )


def server_of(view: ChannelView) -> str:
    """Where its mail goes, in one word."""
    if view.via == "graph":
        return "Microsoft Graph"
    return f"{view.host}:{view.port} ({view.security})" if view.host else view.folder


def limits_of(view: ChannelView) -> str:
    """How much it may do at a time, in words."""
    connections = f"{view.connections} connections" if view.connections else ""
    rate = f"{view.mails_per_minute} mails a minute" if view.mails_per_minute else ""
    return ", ".join(part for part in (connections, rate) if part)
