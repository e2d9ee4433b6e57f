"""What a channel is made of: the options of `channel add` and `channel edit`, checked and put into its row."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly, Refused
from gateway.cli.desk import Desk
from gateway.cli.options import word_of

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.channels import Channel


@dataclass(frozen=True, slots=True)
class Way:
    """What a channel is made of. What is given is changed."""

    host: Annotated[str | None, typer.Option(help="The mail server.")] = None
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="587 for submission, 465 for TLS.")] = None
    security: Annotated[str | None, typer.Option(metavar="starttls|tls|none", help="Default: starttls.")] = None
    from_address: Annotated[
        str | None, typer.Option("--from", metavar="EMAIL", help="The address that it sends as.")
    ] = None
    user: Annotated[str | None, typer.Option(help="For signing in. Default for accounts: the From address.")] = None
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input; it is stored sealed.")
    ] = False
    sign_in: Annotated[
        str | None,
        typer.Option(
            metavar="device|application",
            help="Of kind office365: a person signs in once, or the registration's own secret. Default: device.",
        ),
    ] = None
    via: Annotated[
        str | None,
        typer.Option(metavar="smtp|graph", help="Of kind office365: how mail is handed over. Default: smtp."),
    ] = None
    connections: Annotated[int | None, typer.Option(min=0, help="Connections at a time; 0: as in the settings.")] = None
    mails_per_minute: Annotated[
        int | None, typer.Option(min=0, help="Not more than the server takes; 0: no limit.")
    ] = None
    folder: Annotated[
        Path | None, typer.Option(help="Of kind folder: where .eml files go; else `outgoing` in data_dir.")
    ] = None
    after_dot: Annotated[
        str | None,
        typer.Option(
            metavar="hold|retry_once", help="When it is unknown whether a mail went out: wait for you, or retry."
        ),
    ] = None


def read_password(*, asked: bool) -> str:
    """The password on standard input, hidden in a terminal; empty when none is asked for."""
    if not asked:
        return ""
    if sys.stdin.isatty():
        from getpass import getpass

        password = getpass("Password: ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise AskedWrongly("--password-stdin: there is no password on standard input")
    return password


def new_channel(name: str, kind: str) -> "Channel":
    """A channel with what its kind has where nothing else is said."""
    from storage.channels import PRESETS, Channel, ChannelKind

    chosen = word_of(ChannelKind, kind, "--kind")
    preset = PRESETS[chosen]
    return Channel(
        name=name,
        key="",
        kind=chosen,
        host=preset.host,
        port=preset.port,
        security=preset.security,
        connections=preset.connections,
        mails_per_minute=preset.mails_per_minute,
    )


def apply_way(desk: Desk, session: "Session", channel: "Channel", way: Way, password: str) -> None:
    """Put what was given into the row, or raise AskedWrongly or Refused."""
    from storage.channels import AfterDot, ChannelKind

    for column in ("host", "port", "security", "user", "connections", "mails_per_minute"):
        value = getattr(way, column)
        if value is not None:
            setattr(channel, column, value)
    if way.from_address is not None:
        channel.from_address = _address("--from", way.from_address)
    if way.after_dot is not None:
        channel.after_dot = word_of(AfterDot, way.after_dot.replace("-", "_"), "--after-dot")
    if channel.kind is ChannelKind.FOLDER:
        default = Path(channel.folder) if channel.folder else desk.settings.data_dir / "outgoing"
        channel.folder = str((way.folder or default).absolute())
    if channel.kind in (ChannelKind.GMAIL, ChannelKind.OFFICE365):
        channel.user = channel.user or channel.from_address
        channel.from_address = channel.from_address or _address("--user", channel.user)
    if channel.kind is ChannelKind.OFFICE365:
        _apply_account(desk, session, channel, way, password)
    elif way.sign_in or way.via:
        raise AskedWrongly("--sign-in and --via belong to channels of kind office365")
    _check(channel, password or channel.secret)


def _address(option: str, text: str) -> str:
    from storage.address import canonical_address

    address = canonical_address(text)
    if address is None:
        raise AskedWrongly(f"{option}: {text!r} is no mail address")
    return address


def _apply_account(desk: Desk, session: "Session", channel: "Channel", way: Way, password: str) -> None:
    from outbound.tokens import check_registration
    from storage.accounts import Account, Grant, account_for
    from storage.channels import Via

    if password:
        raise AskedWrongly("Microsoft takes no password from a program: leave --password-stdin out")
    if way.via is not None:
        channel.via = word_of(Via, way.via, "--via")
    account = session.get(Account, channel.account_id) if channel.account_id else None
    grant = account.grant if account else Grant.DEVICE
    if way.sign_in is not None:
        grant = word_of(Grant, way.sign_in, "--sign-in")
    check_registration(desk.settings.office365, grant)
    channel.account_id = account_for(session, _address("--user", channel.user), grant).number


def _check(channel: "Channel", password: str) -> None:
    from config.values import LOOPBACK
    from storage.channels import ChannelKind

    if channel.security not in ("starttls", "tls", "none"):
        raise AskedWrongly(f"--security: {channel.security!r} is none of starttls, tls, none")
    if channel.kind is ChannelKind.FOLDER:
        return
    if not channel.host:
        raise AskedWrongly("A channel of kind smtp needs --host")
    if not channel.from_address:
        raise AskedWrongly("A channel needs --from: the address that its account may send as")
    if channel.kind is ChannelKind.GMAIL and not password:
        raise AskedWrongly(
            "A channel of kind gmail needs --password-stdin with an app password: make one at "
            "https://myaccount.google.com/apppasswords (2-step verification must be on)"
        )
    if channel.security == "none" and (password or channel.account_id) and channel.host not in LOOPBACK:
        raise Refused("--security none would send the password in clear: use starttls or tls")


def seal_password(desk: Desk, session: "Session", channel: "Channel", password: str) -> None:
    """Store the row, with its password sealed when a new one was given."""
    if password:
        from config.secrets import Seal
        from storage.channels import ChannelKind

        if channel.kind is ChannelKind.GMAIL:
            password = password.replace(" ", "")  # Google shows it in groups of four
        channel.secret = Seal(desk.settings.key_file).close(password, channel.secret_purpose)
    session.add(channel)
    session.flush()
