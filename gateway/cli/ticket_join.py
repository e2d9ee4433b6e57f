"""Merge, split and link tickets: verbs of `gateway ticket`."""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.desk import open_desk
from gateway.cli.options import AsJson
from gateway.cli.ticket_change import Number, Numbers, change_tickets, print_changed

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.agents import Agent
    from storage.tickets import Ticket


def merge(
    ctx: typer.Context,
    numbers: Numbers,
    into: Annotated[int, typer.Option("--into", metavar="N", min=1, help="The ticket that goes on.")],
    as_json: AsJson = False,
) -> None:
    """Move all messages of tickets into another one; their numbers lead to it. Their customers are only named there."""
    with open_desk(ctx) as desk:
        from storage.ids import lock_filing
        from storage.joining import merge_tickets
        from storage.tickets import get_ticket

        with desk.writing() as session:
            lock_filing(session)
            agent = desk.agent(session)
            for number in numbers:
                merge_tickets(session, get_ticket(session, number), get_ticket(session, into), by=agent.email)
        print_changed(desk, [into], as_json)


def split(
    ctx: typer.Context,
    number: Number,
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="The first one that goes, like 12.3.")],
    as_json: AsJson = False,
) -> None:
    """Make a new ticket of a message and all later ones."""
    with open_desk(ctx) as desk:
        from storage.ids import lock_filing
        from storage.joining import split_ticket
        from storage.messages import find_message
        from storage.tickets import get_ticket

        with desk.writing() as session:
            lock_filing(session)
            found = find_message(session, message)
            made = split_ticket(session, get_ticket(session, number), found, by=desk.agent(session).email).id
        print_changed(desk, [made], as_json)


def link(
    ctx: typer.Context,
    number: Number,
    other: Annotated[int, typer.Argument(metavar="OTHER", min=1, help="The ticket that it has to do with.")],
    undo: Annotated[bool, typer.Option("--undo", help="They have nothing to do with each other.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say that two tickets belong together; it shows in both."""

    def change(session: "Session", ticket: "Ticket", agent: "Agent") -> None:
        from storage.tickets import LinkKind, get_ticket, note, unlink
        from storage.tickets import link as link_tickets

        second = get_ticket(session, other)
        if undo:
            unlink(session, ticket.id, second.id)
        else:
            link_tickets(session, ticket.id, second.id, LinkKind.RELATED)
        note(session, ticket, "unlinked" if undo else "linked", by=agent.email, text=str(second.id))

    change_tickets(ctx, [number], change, as_json)
