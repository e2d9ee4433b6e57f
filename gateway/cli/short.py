"""Short forms of what agents type all day: `gateway reply 12` for `gateway ticket reply 12`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

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
    number: Annotated[int, typer.Argument(metavar="N", min=1, help="The ticket's number.")],
    as_json: AsJson = False,
) -> None:
    """Close a ticket: a later mail opens a new one that is linked to it."""
    ticket_change.status(ctx, number, "closed", as_json)


COMMANDS: Mapping[str, Short] = {
    "list": Short(ticket.list_, "Example: gateway list --mine"),
    "show": Short(ticket.show, "Example: gateway show 12"),
    "reply": Short(ticket_reply.reply, "Example: gateway reply 12 -m 'It is fixed.'"),
    "assign": Short(ticket_change.assign, "Example: gateway assign 12 me"),
    "close": Short(close, "Example: gateway close 12"),
}
