"""What is done to tickets without writing to anybody: verbs of `gateway ticket`, for one ticket or several."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from config.errors import AskedWrongly
from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson, moment_of, word_of
from gateway.cli.printing import say, say_json

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.agents import Agent
    from storage.overview import TicketRow
    from storage.tickets import Ticket

    Change: TypeAlias = Callable[[Session, Ticket, Agent], None]

Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The ticket's number.")]
Numbers = Annotated[list[int], typer.Argument(metavar="N...", min=1, help="The tickets' numbers.")]
_NOBODY = ("nobody", "none", "-")


def assign(
    ctx: typer.Context,
    numbers: Numbers,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="An agent, `me` or `nobody`.")],
    as_json: AsJson = False,
) -> None:
    """Make an agent responsible for tickets."""

    def change(session: "Session", ticket: "Ticket", agent: "Agent") -> None:
        from storage.agents import find_agent
        from storage.tickets import assign as assign_ticket

        who = None if email in _NOBODY else agent if email == "me" else find_agent(session, email)
        assign_ticket(session, ticket, who.id if who else None, by=agent.email, text=who.email if who else "nobody")

    change_tickets(ctx, numbers, change, as_json)


def status(
    ctx: typer.Context,
    numbers: Numbers,
    to: Annotated[str, typer.Argument(metavar="new|open|pending|solved|closed", help="The new status.")],
    until: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Pending until then: 3d, 2h, 2026-03-01, '2026-03-01 14:00'.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set the status of tickets."""
    from storage.ticket_time import put_off
    from storage.tickets import Status, set_status

    new = word_of(Status, to, "status")
    if until and new is not Status.PENDING:
        raise AskedWrongly("--until is for the status pending")
    with open_desk(ctx) as desk:
        due = moment_of(until, desk.settings.time_zone) if until else None

        def change(session: "Session", ticket: "Ticket", agent: "Agent") -> None:
            if due:
                put_off(session, ticket, due, by=agent.email)
            else:
                set_status(session, ticket, new, by=agent.email)

        _change(desk, numbers, change, as_json)


def priority(
    ctx: typer.Context,
    numbers: Numbers,
    to: Annotated[str, typer.Argument(metavar="low|normal|high|urgent", help="How much it presses.")],
    as_json: AsJson = False,
) -> None:
    """Say how much tickets press."""
    from storage.tickets import Priority, set_priority

    new = word_of(Priority, to, "priority")
    change_tickets(
        ctx, numbers, lambda session, ticket, agent: set_priority(session, ticket, new, by=agent.email), as_json
    )


def tag(
    ctx: typer.Context,
    numbers: Numbers,
    add: Annotated[list[str] | None, typer.Option("--add", metavar="TAG", help="May be given again.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", metavar="TAG", help="May be given again.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give tickets tags, or take tags away."""
    words = [*(add or []), *(f"-{one}" for one in remove or [])]
    if not words:
        raise AskedWrongly("Say which: --add TAG or --remove TAG")

    def change(session: "Session", ticket: "Ticket", agent: "Agent") -> None:
        from storage.tags import change_tags

        change_tags(session, ticket, words, by=agent.email)

    change_tickets(ctx, numbers, change, as_json)


def revoke(ctx: typer.Context, numbers: Numbers, as_json: AsJson = False) -> None:
    """Make the reply addresses and Message-IDs of tickets worthless, after one has leaked.

    Who takes part still answers into them; anybody else who uses an old one gets a ticket of his own.
    """

    def change(session: "Session", ticket: "Ticket", agent: "Agent") -> None:
        from storage.whereabouts import revoke_marks

        revoke_marks(session, ticket, by=agent.email)

    change_tickets(ctx, numbers, change, as_json)


def move(
    ctx: typer.Context,
    numbers: Numbers,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="Where it belongs.")],
    as_json: AsJson = False,
) -> None:
    """Put tickets into another queue; mail that belongs to them still finds them."""

    def change(session: "Session", ticket: "Ticket", agent: "Agent") -> None:
        from storage.queues import find_queue
        from storage.tickets import move_to_queue

        move_to_queue(session, ticket, find_queue(session, queue), by=agent.email)

    change_tickets(ctx, numbers, change, as_json)


def via(
    ctx: typer.Context,
    numbers: Numbers,
    channel: Annotated[
        str, typer.Argument(metavar="CHANNEL", help="`default`: the default servers; `-`: as address and queue say.")
    ],
    as_json: AsJson = False,
) -> None:
    """Say through which channel the answers of tickets leave, whatever their address and queue say."""

    def change(session: "Session", ticket: "Ticket", agent: "Agent") -> None:
        from storage.channels import channel_id_of
        from storage.outbox import DEFAULT_WAY
        from storage.tickets import note

        ticket.way = None if channel == "-" else channel_id_of(session, channel) or DEFAULT_WAY
        session.add(ticket)
        note(session, ticket, "via", by=agent.email, text=channel)

    change_tickets(ctx, numbers, change, as_json)


def spam(ctx: typer.Context, numbers: Numbers, as_json: AsJson = False) -> None:
    """Close tickets as spam, and ignore their writers from now on."""

    def change(session: "Session", ticket: "Ticket", agent: "Agent") -> None:
        from storage.contacts import Contact
        from storage.tags import change_tags
        from storage.tickets import Status, set_status

        change_tags(session, ticket, ["spam"], by=agent.email)
        set_status(session, ticket, Status.CLOSED, by=agent.email, why="spam")
        contact = session.get(Contact, ticket.contact_id) if ticket.contact_id else None
        if contact:
            contact.blocked = True
            session.add(contact)

    change_tickets(ctx, numbers, change, as_json)


def customer(
    ctx: typer.Context,
    number: Number,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="To whom answers go from now on.")],
    as_json: AsJson = False,
) -> None:
    """Make somebody else the customer of a ticket."""

    def change(session: "Session", ticket: "Ticket", agent: "Agent") -> None:
        from storage.participants import change_customer

        change_customer(session, ticket, email, by=agent.email)

    change_tickets(ctx, [number], change, as_json)


def participant(
    ctx: typer.Context,
    number: Number,
    action: Annotated[str, typer.Argument(metavar="add|confirm|remove", help="What to do.")],
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Whose address.")],
    name: Annotated[str, typer.Option(help="His name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Copy somebody in, confirm somebody who wrote, or take somebody out."""
    if action not in ("add", "confirm", "remove"):
        raise AskedWrongly(f"{action!r} is none of add, confirm, remove")

    def change(session: "Session", ticket: "Ticket", agent: "Agent") -> None:
        from storage import participants

        if action == "add":
            participants.add_participant(session, ticket, email, name, by=agent.email)
        elif action == "confirm":
            participants.confirm_participant(session, ticket, email, by=agent.email)
        else:
            participants.remove_participant(session, ticket, email, by=agent.email)

    change_tickets(ctx, [number], change, as_json)


def change_tickets(ctx: typer.Context, numbers: list[int], change: "Change", as_json: bool) -> None:
    """Change tickets, all or none of them, and say what they are now."""
    with open_desk(ctx) as desk:
        _change(desk, numbers, change, as_json)


def _change(desk: Desk, numbers: list[int], change: "Change", as_json: bool) -> None:
    from storage.tickets import get_ticket

    with desk.writing() as session:
        agent = desk.agent(session)
        for number in numbers:
            change(session, get_ticket(session, number), agent)
    print_changed(desk, numbers, as_json)


def print_changed(desk: Desk, numbers: list[int], as_json: bool) -> None:
    """What tickets are now: one whole for programs, of several each."""
    from storage.overview import Wanted, ticket_rows
    from storage.ticket_view import view_ticket
    from storage.tickets import Status

    with desk.reading() as session:
        if as_json:
            views = [view_ticket(session, number) for number in numbers]
            say_json(views[0] if len(views) == 1 else views)
            return
        rows = ticket_rows(session, Wanted(list(Status), numbers=numbers), len(numbers))
    for row in sorted(rows, key=lambda row: numbers.index(row.number)):
        say(_line(row))


def _line(row: "TicketRow") -> str:
    who = row.assignee.email if row.assignee else "nobody"
    customer = row.contact.email if row.contact else "no customer"
    more = "".join(f", {word}" for word in (row.priority if row.priority != "normal" else "", *row.tags) if word)
    return f"#{row.number} {row.subject}: {row.status}, {row.queue}, assigned to {who}, customer {customer}{more}"
