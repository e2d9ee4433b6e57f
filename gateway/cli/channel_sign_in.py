"""`gateway channel sign-in`: let a person sign in to an account at Microsoft, with a code in his browser. RFC 8628."""

from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly
from gateway.cli.account_sign_in import APPLICATION, sign_in_to
from gateway.cli.channel_view import view_channel
from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson
from gateway.cli.printing import say, say_json

if TYPE_CHECKING:
    from storage.accounts import Account
    from storage.channels import Channel

Name = Annotated[str, typer.Argument(metavar="NAME", help="A channel of kind office365.")]


def sign_in(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Sign in to the account of a channel: shows a code for the browser, and waits until it was used."""
    with open_desk(ctx) as desk:
        words = sign_in_now(desk, name)
        if not as_json:
            say(words)
            return
        from storage.channels import find_channel

        with desk.reading() as session:
            say_json(view_channel(session, find_channel(session, name)))


def sign_in_now(desk: Desk, name: str) -> str:
    """Sign in, and say what came of it. Raises Refused."""
    from outbound.tokens import Purpose
    from storage.channels import Via

    channel, account = _account(desk, name)
    who = sign_in_to(desk, account.number, Purpose.GRAPH if channel.via is Via.GRAPH else Purpose.SMTP)
    _go_on(desk, channel)
    other = "" if who in (account.user, APPLICATION) else f"; it may need Send As rights for {account.user}"
    return f"Signed in as {who}{other}. Try it: gateway channel test {name}"


def _account(desk: Desk, name: str) -> "tuple[Channel, Account]":
    from storage.accounts import Account
    from storage.channels import find_channel

    with desk.reading() as session:
        channel = find_channel(session, name)
        if channel.account_id is None:
            raise AskedWrongly(
                f"The channel {channel.name} signs in with a password, or not at all: nothing to do here"
            )
        return channel, session.get_one(Account, channel.account_id)


def _go_on(desk: Desk, channel: "Channel") -> None:
    """What waits for this channel is tried again at once."""
    from storage.channels import ChannelState, mark_channel
    from storage.dispatch import hurry_channel
    from storage.waking import wake

    with desk.writing() as session:
        mark_channel(session, channel.number, ChannelState.OK)
        hurry_channel(session, channel.number)
    wake(desk.settings.data_dir, "relay")
