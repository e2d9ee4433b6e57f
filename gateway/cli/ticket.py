"""`gateway ticket`: find and read tickets; its other verbs stand in `ticket_reply` and `ticket_change`."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import DatabaseUnavailable
from gateway.cli import ticket_change, ticket_reply
from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import ALL_ROWS, AsJson, Limit, limit_of, word_of
from gateway.cli.printing import complain, local_time, merged, say, say_json, table

if TYPE_CHECKING:
    from storage.overview import TicketRow, Wanted
    from storage.ticket_view import TicketView

app = Noun("Tickets: list, read, answer, move on.")
Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The ticket's number.")]
Full = Annotated[bool, typer.Option("--full", help="Quotations and signatures too.")]
Events = Annotated[bool, typer.Option("--events", help="What was done to it, too.")]


@app.verb("list", "gateway ticket list --queue Support --unassigned")
def list_(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Solved and closed ones too.")] = False,
    mine: Annotated[bool, typer.Option("--mine", help="Assigned to me.")] = False,
    unassigned: Annotated[bool, typer.Option("--unassigned", help="Assigned to nobody.")] = False,
    queue: Annotated[str | None, typer.Option(metavar="QUEUE", help="Of this queue.")] = None,
    status: Annotated[
        list[str] | None, typer.Option(metavar="new|open|pending|solved|closed", help="In this status.")
    ] = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List tickets, the one that moved last first; those that are done only when asked."""
    with open_desk(ctx) as desk:
        wanted = _wanted(desk, everything, mine, unassigned, queue, status)
        most = limit_of(limit, as_json)
        # One more than is shown tells that there are more.
        rows = _rows(desk, wanted, most + 1)
        _print_rows(desk, rows[:most], as_json)
        if len(rows) > most and not as_json:
            complain(f"note: only the first {most} are shown; ask for more with --limit")


def _wanted(
    desk: Desk, everything: bool, mine: bool, unassigned: bool, queue: str | None, status: list[str] | None
) -> "Wanted":
    from storage.overview import ACTIVE, Wanted
    from storage.queues import find_queue
    from storage.tickets import Status

    statuses = [word_of(Status, word, "--status") for word in status or []]
    with desk.reading() as session:
        return Wanted(
            statuses=statuses or (list(Status) if everything else ACTIVE),
            queue_id=find_queue(session, queue).number if queue else None,
            assignee_id=desk.agent(session).id if mine else None,
            unassigned=unassigned,
        )


def _rows(desk: Desk, wanted: "Wanted", limit: int) -> "list[TicketRow]":
    from storage.overview import ticket_rows

    with desk.reading() as session:
        return ticket_rows(session, wanted, limit)


def _print_rows(desk: Desk, rows: "list[TicketRow]", as_json: bool) -> None:
    if as_json:
        say_json(rows)
        return
    zone = desk.settings.time_zone
    table(
        ("#", "STATUS", "QUEUE", "CUSTOMER", "SUBJECT", "ASSIGNEE", "UPDATED"),
        [
            (
                str(row.number),
                row.status,
                row.queue,
                (row.contact.name or row.contact.email) if row.contact else "",
                row.subject,
                (row.assignee.name or row.assignee.email) if row.assignee else "",
                local_time(row.updated, zone),
            )
            for row in rows
        ],
        empty="No tickets.",
    )


@app.verb("show", "gateway ticket show 12")
def show(
    ctx: typer.Context, number: Number, full: Full = False, events: Events = False, as_json: AsJson = False
) -> None:
    """Show a ticket with its messages."""
    with open_desk(ctx) as desk:
        _show(desk, number, full, events, as_json)


def _show(desk: Desk, number: int, full: bool, events: bool, as_json: bool) -> None:
    view = _view(desk, number)
    if as_json:
        say_json(view)
        return
    from gateway.cli.ticket_print import print_ticket

    print_ticket(view, desk.settings.time_zone, full=full, events=events)


def _view(desk: Desk, number: int) -> "TicketView":
    """The ticket; that the acting agent has seen it is remembered for his next reply."""
    from storage.ticket_view import has_seen, record_shown, view_ticket

    with desk.reading() as session:
        view = view_ticket(session, number)
        agent = desk.agent_if_any(session)
        is_news = agent is not None and not has_seen(session, agent.id or 0, view)
    if agent and is_news:
        # A database that is too busy to remember it must not keep anybody from reading.
        with suppress(DatabaseUnavailable), desk.writing() as session:
            record_shown(session, agent.id or 0, view)
    return view


@app.verb("next", "gateway ticket next")
def next_(ctx: typer.Context, full: Full = False, as_json: AsJson = False) -> None:
    """Show the ticket that waits longest for an answer: mine first, then nobody's."""
    with open_desk(ctx) as desk:
        from storage.overview import next_ticket

        with desk.reading() as session:
            agent = desk.agent_if_any(session)
            number = next_ticket(session, agent.id if agent else None)
        if number is not None:
            _show(desk, number, full, False, as_json)
        elif as_json:
            say_json(None)
        else:
            say("Nothing waits for an answer.")


@app.verb("search", "gateway ticket search invoice 4711")
def search(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="All of them; the last one may be a beginning.")],
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Find tickets by the words of their messages, the newest message first."""
    with open_desk(ctx) as desk:
        found, rows = _search(desk, " ".join(words), limit_of(limit, as_json))
        if as_json:
            say_json([merged(row, matches=found[row.number]) for row in rows])
        else:
            _print_rows(desk, rows, as_json)


def _search(desk: Desk, words: str, limit: int) -> "tuple[dict[int, list[str]], list[TicketRow]]":
    from storage.overview import Wanted, ticket_rows, tickets_of_messages
    from storage.search import search_messages
    from storage.tickets import Status

    with desk.reading() as session:
        found = tickets_of_messages(session, search_messages(session, words, limit))
        rows = ticket_rows(session, Wanted(list(Status), numbers=list(found)), ALL_ROWS)
    places = {number: place for place, number in enumerate(found)}
    return found, sorted(rows, key=lambda row: places[row.number])


app.verb("reply", "gateway ticket reply 12 -m 'It is fixed.' --status solved")(ticket_reply.reply)
app.verb("note", "gateway ticket note 12 -m 'Called her, she will send the invoice.'")(ticket_reply.note)
app.verb("new", "gateway ticket new --queue Support --to maria@client.example --subject 'Your order' -m 'Hello'")(
    ticket_reply.new
)
app.verb("assign", "gateway ticket assign 12 me")(ticket_change.assign)
app.verb("status", "gateway ticket status 12 solved")(ticket_change.status)
app.verb("move", "gateway ticket move 12 Billing")(ticket_change.move)
app.verb("customer", "gateway ticket customer 12 maria@client.example")(ticket_change.customer)
app.verb("participant", "gateway ticket participant 12 add joao@client.example")(ticket_change.participant)
app.verb("revoke", "gateway ticket revoke 12")(ticket_change.revoke)
app.verb("attachment", "gateway ticket attachment 12.3 --save Downloads")(ticket_change.attachment)
