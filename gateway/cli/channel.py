"""`gateway channel`: the ways out beside the default servers of the settings."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly, Refused
from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson, taking, word_of
from gateway.cli.printing import facts, say, say_json, table

if TYPE_CHECKING:
    from sqlmodel import Session

    from config.settings import ServerSettings, Settings
    from outbound.doors import Door
    from storage.channels import Channel

app = Noun("Channels: ways out beside the default servers.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The channel's name.")]


@dataclass(frozen=True, slots=True)
class Way:
    """What a channel is made of. What is given is changed."""

    host: Annotated[str | None, typer.Option(help="The mail server.")] = None
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="587 for submission, 465 for TLS.")] = None
    security: Annotated[str | None, typer.Option(metavar="starttls|tls|none", help="Default: starttls.")] = None
    from_address: Annotated[
        str | None, typer.Option("--from", metavar="EMAIL", help="The address that it sends as.")
    ] = None
    user: Annotated[str | None, typer.Option(help="For signing in.")] = None
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input; it is stored sealed.")
    ] = False
    folder: Annotated[
        Path | None, typer.Option(help="Of kind folder: where .eml files go; else `outgoing` in data_dir.")
    ] = None
    after_dot: Annotated[
        str | None,
        typer.Option(
            metavar="hold|retry_once", help="When it is unknown whether a mail went out: wait for you, or retry."
        ),
    ] = None


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
    state: str
    last_error: str


@app.verb("add", "gateway channel add Acme --kind smtp --host smtp.acme.example --from support@acme.example")
@taking(Way)
def add(
    ctx: typer.Context,
    name: Name,
    way: Way,
    kind: Annotated[str, typer.Option(metavar="smtp|folder", help="How it sends.")] = "smtp",
    as_json: AsJson = False,
) -> None:
    """Add a channel."""
    with open_desk(ctx) as desk:
        from storage.channels import Channel, ChannelKind, add_channel

        password = _password(way)
        with desk.writing() as session:
            channel = Channel(name=name, key="", kind=word_of(ChannelKind, kind, "--kind"))
            _apply(desk, channel, way)
            _check(channel, password)
            add_channel(session, channel)
            _seal(desk, session, channel, password)
            view = _view(channel)
        _print(view, as_json, f"Channel {view.name} is there. Try it: gateway channel test {view.name}")


@app.verb("edit", "gateway channel edit Acme --port 465 --security tls")
@taking(Way)
def edit(ctx: typer.Context, name: Name, way: Way, as_json: AsJson = False) -> None:
    """Change a channel; what is not named stays."""
    with open_desk(ctx) as desk:
        from storage.channels import ChannelState, find_channel

        password = _password(way)
        with desk.writing() as session:
            channel = find_channel(session, name)
            _apply(desk, channel, way)
            _check(channel, password or channel.secret)
            # What it failed at may be cured; the next attempt tells.
            channel.state, channel.last_error = ChannelState.OK, ""
            _seal(desk, session, channel, password)
            view = _view(channel)
        _print(view, as_json, f"Channel {view.name} is changed.")


def _password(way: Way) -> str:
    if not way.password_stdin:
        return ""
    if sys.stdin.isatty():
        from getpass import getpass

        password = getpass("Password: ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise AskedWrongly("--password-stdin: there is no password on standard input")
    return password


def _apply(desk: Desk, channel: "Channel", way: Way) -> None:
    from storage.address import canonical_address
    from storage.channels import AfterDot, ChannelKind

    for column in ("host", "port", "security", "user"):
        value = getattr(way, column)
        if value is not None:
            setattr(channel, column, value)
    if way.from_address is not None:
        channel.from_address = canonical_address(way.from_address) or ""
        if not channel.from_address:
            raise AskedWrongly(f"--from: {way.from_address!r} is no mail address")
    if way.after_dot is not None:
        channel.after_dot = word_of(AfterDot, way.after_dot.replace("-", "_"), "--after-dot")
    if channel.kind is ChannelKind.FOLDER:
        default = Path(channel.folder) if channel.folder else desk.settings.data_dir / "outgoing"
        channel.folder = str((way.folder or default).absolute())


def _check(channel: "Channel", password: str) -> None:
    from config.settings import LOOPBACK
    from storage.channels import ChannelKind

    if channel.security not in ("starttls", "tls", "none"):
        raise AskedWrongly(f"--security: {channel.security!r} is none of starttls, tls, none")
    if channel.kind is ChannelKind.FOLDER:
        return
    if not channel.host:
        raise AskedWrongly("A channel of kind smtp needs --host")
    if not channel.from_address:
        raise AskedWrongly("A channel needs --from: the address that its account may send as")
    if channel.security == "none" and password and channel.host not in LOOPBACK:
        raise Refused("--security none would send the password in clear: use starttls or tls")


def _seal(desk: Desk, session: "Session", channel: "Channel", password: str) -> None:
    if password:
        from config.secrets import Seal

        channel.secret = Seal(desk.settings.key_file).close(password, channel.secret_purpose)
    session.add(channel)
    session.flush()


@app.verb("list", "gateway channel list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the channels, and the default servers of the settings."""
    with open_desk(ctx) as desk:
        views = _views(desk)
        if as_json:
            say_json(views)
            return
        table(
            ("CHANNEL", "KIND", "SERVER", "FROM", "STATE", "ORIGIN"),
            [(v.name, v.kind, _server(v), v.from_, v.state, v.origin) for v in views],
            empty="No channel.",
        )


def _server(view: ChannelView) -> str:
    return f"{view.host}:{view.port} ({view.security})" if view.host else view.folder


def _views(desk: Desk) -> list[ChannelView]:
    from storage.channels import list_channels

    with desk.reading() as session:
        return [*_default_views(desk.settings), *(_view(channel) for channel in list_channels(session))]


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


@app.verb("show", "gateway channel show Acme")
def show(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show a channel; its password is never shown."""
    with open_desk(ctx) as desk:
        from storage.channels import find_channel

        with desk.reading() as session:
            view = _view(find_channel(session, name))
        if as_json:
            say_json(view)
            return
        say(view.name)
        facts(
            [
                ("kind", view.kind),
                ("server", _server(view)),
                ("user", view.user),
                ("password", "stored, sealed" if view.has_password else ""),
                ("from", view.from_),
                ("after the dot", view.after_dot),
                ("state", view.state),
                ("last error", view.last_error),
            ]
        )


@app.verb("test", "gateway channel test Acme")
def try_(ctx: typer.Context, name: Name = "default", as_json: AsJson = False) -> None:
    """Connect and sign in, without sending anything; exit status 1 when that fails."""
    with open_desk(ctx) as desk:
        from outbound.probe import probe

        findings = probe(desk.settings, _door(desk, name))
    if as_json:
        say_json(findings)
    for found in [] if as_json else findings:
        said = found.tls or found.reply if found.ok else found.advice or found.reply
        say(f"{'ok  ' if found.ok else 'fail'}  {found.server}: {said}")
        facts([("signed in as", found.signed_in_as), ("said", "" if found.ok or not found.advice else found.reply)])
    # The default servers are tried in order, so one that works is enough.
    if not any(found.ok for found in findings):
        raise typer.Exit(1)


def _door(desk: Desk, name: str) -> "Door":
    from outbound.doors import channel_door, default_door
    from outbound.post_office import open_post_office
    from storage.channels import channel_id_of, find_channel

    office = open_post_office(desk.settings, desk.database)
    with desk.reading() as session:
        if channel_id_of(session, name) is None:
            return default_door(desk.settings)
        return channel_door(office, find_channel(session, name))


@app.verb("remove", "gateway channel remove Acme")
def remove(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Take a channel out of use; its password is forgotten."""
    with open_desk(ctx) as desk:
        from storage.channels import remove_channel

        with desk.writing() as session:
            view = _view(remove_channel(session, name))
        _print(view, as_json, f"Channel {view.name} is removed.")


def _print(view: ChannelView, as_json: bool, words: str) -> None:
    if as_json:
        say_json(view)
    else:
        say(words)


def _view(channel: "Channel") -> ChannelView:
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
        state=channel.state,
        last_error=channel.last_error,
    )
