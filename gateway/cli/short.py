"""Short forms of what agents type all day: `gateway reply 12` for `gateway ticket reply 12`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import typer

from gateway.cli import ticket, ticket_change, ticket_reply
from gateway.cli.options import AsJson


@dataclass(frozen=True, slots=True)
class Short:
    """A short form and its example."""

    run: Callable[..., None]
    example: str


def close(
    ctx: typer.Context,
    numbers: ticket_change.Numbers,
    as_json: AsJson = False,
) -> None:
    """Close tickets: a later mail opens a new one that is linked to its ticket."""
    ticket_change.status(ctx, numbers, "closed", None, as_json)


COMMANDS: Mapping[str, Short] = {
    "list": Short(ticket.list_, "Example: gateway list --mine"),
    "show": Short(ticket.show, "Example: gateway show 12"),
    "reply": Short(ticket_reply.reply, "Example: gateway reply 12 -m 'It is fixed.'"),
    "assign": Short(ticket_change.assign, "Example: gateway assign 12 me"),
    "close": Short(close, "Example: gateway close 12"),
}
