"""`gateway channel`: the ways out beside the default servers of the settings."""

import sys
from typing import Annotated

import typer

from gateway.cli import channel_sign_in, channel_try
from gateway.cli.channel_sign_in import sign_in_now
from gateway.cli.channel_view import ChannelView, limits_of, server_of, view_channel, view_channels
from gateway.cli.channel_way import Way, apply_way, new_channel, read_password, seal_password
from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson, taking
from gateway.cli.printing import facts, say, say_json, state_cell, table

app = Noun("Channels: ways out beside the default servers.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The channel's name.")]


@app.verb("add", "gateway channel add Acme --kind smtp --host smtp.acme.example --from support@acme.example")
@taking(Way)
def add(
    ctx: typer.Context,
    name: Name,
    way: Way,
    kind: Annotated[str, typer.Option(metavar="smtp|gmail|office365|folder", help="How it sends.")] = "smtp",
    as_json: AsJson = False,
) -> None:
    """Add a channel. One of kind office365 wants a sign-in next."""
    with open_desk(ctx) as desk:
        from storage.channels import add_channel

        password = read_password(asked=way.password_stdin)
        with desk.writing() as session:
            channel = new_channel(name, kind)
            apply_way(desk, session, channel, way, password)
            add_channel(session, channel)
            seal_password(desk, session, channel, password)
            view = view_channel(session, channel)
        _print(view, as_json, f"Channel {view.name} is there. {_next_step(view)}")
        _sign_in_if_somebody_is_there(desk, view, as_json)


def _next_step(view: ChannelView) -> str:
    verb = "sign-in" if view.state == "needs-sign-in" else "test"
    return f"{'Sign in' if verb == 'sign-in' else 'Try it'}: gateway channel {verb} {view.name}"


def _sign_in_if_somebody_is_there(desk: Desk, view: ChannelView, as_json: bool) -> None:
    if view.state == "needs-sign-in" and not as_json and sys.stdin.isatty() and sys.stdout.isatty():
        say(sign_in_now(desk, view.name))


@app.verb("edit", "gateway channel edit Acme --port 465 --security tls")
@taking(Way)
def edit(ctx: typer.Context, name: Name, way: Way, as_json: AsJson = False) -> None:
    """Change a channel; what is not named stays. Mail that waits for it is tried again at once."""
    with open_desk(ctx) as desk:
        from storage.channels import ChannelState, find_channel
        from storage.dispatch import hurry_channel
        from storage.waking import wake

        password = read_password(asked=way.password_stdin)
        with desk.writing() as session:
            channel = find_channel(session, name)
            apply_way(desk, session, channel, way, password)
            # What it failed at may be cured; the next attempt tells.
            channel.state, channel.last_error = ChannelState.OK, ""
            seal_password(desk, session, channel, password)
            hurry_channel(session, channel.number)
            view = view_channel(session, channel)
        wake(desk.settings.data_dir, "relay")
        _print(view, as_json, f"Channel {view.name} is changed.")


@app.verb("list", "gateway channel list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the channels, and the default servers of the settings."""
    with open_desk(ctx) as desk:
        views = view_channels(desk)
        if as_json:
            say_json(views)
            return
        table(
            ("CHANNEL", "KIND", "SERVER", "FROM", "STATE", "ORIGIN"),
            [(v.name, v.kind, server_of(v), v.from_, state_cell(v.state), v.origin) for v in views],
            empty="No channel.",
        )


@app.verb("show", "gateway channel show Acme")
def show(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show a channel; its password is never shown."""
    with open_desk(ctx) as desk:
        from storage.channels import find_channel

        with desk.reading() as session:
            view = view_channel(session, find_channel(session, name))
        if as_json:
            say_json(view)
            return
        say(view.name)
        facts(
            [
                ("kind", view.kind),
                ("server", server_of(view)),
                ("user", view.user),
                ("password", "stored, sealed" if view.has_password else ""),
                ("from", view.from_),
                ("sign-in", view.sign_in),
                ("via", view.via),
                ("limits", limits_of(view)),
                ("after the dot", view.after_dot),
                ("state", view.state),
                ("last error", view.last_error),
            ]
        )


@app.verb("remove", "gateway channel remove Acme")
def remove(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Take a channel out of use; its password is forgotten."""
    with open_desk(ctx) as desk:
        from storage.channels import remove_channel

        with desk.writing() as session:
            view = view_channel(session, remove_channel(session, name))
        _print(view, as_json, f"Channel {view.name} is removed.")


def _print(view: ChannelView, as_json: bool, words: str) -> None:
    if as_json:
        say_json(view)
    else:
        say(words)


app.verb("test", "gateway channel test Acme --send-to me@acme.example")(channel_try.try_)
app.verb("sign-in", "gateway channel sign-in Acme")(channel_sign_in.sign_in)
