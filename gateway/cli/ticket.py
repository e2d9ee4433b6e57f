"""`gateway ticket`: find and read tickets; its other verbs stand in `ticket_reply` and `ticket_change`."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from config.clock import now
from config.errors import DatabaseUnavailable
from gateway.cli import (
    ticket_change,
    ticket_export,
    ticket_files,
    ticket_join,
    ticket_reply,
    ticket_search,
    ticket_watch,
)
from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson, Limit, limit_of, moment_of, taking, word_of
from gateway.cli.printing import Colored, complain, local_time, merged, say, say_json, table

if TYPE_CHECKING:
    from storage.overview import TicketRow, Wanted
    from storage.presence import PresentAgent
    from storage.ticket_view import TicketView

app = Noun("Tickets: list, read, answer, move on.")
Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The ticket's number.")]
Full = Annotated[bool, typer.Option("--full", help="Quotations and signatures too.")]
Events = Annotated[bool, typer.Option("--events", help="What was done to it, too.")]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which tickets to list; what is not given does not narrow."""

    everything: Annotated[bool, typer.Option("--all", help="Solved and closed ones too.")] = False
    mine: Annotated[bool, typer.Option("--mine", help="Assigned to me.")] = False
    unassigned: Annotated[bool, typer.Option("--unassigned", help="Assigned to nobody.")] = False
    queue: Annotated[str | None, typer.Option(metavar="QUEUE", help="Of this queue.")] = None
    status: Annotated[
        list[str] | None, typer.Option(metavar="new|open|pending|solved|closed", help="In this status.")
    ] = None
    assignee: Annotated[str | None, typer.Option(metavar="EMAIL", help="Assigned to this agent.")] = None
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="With this tag; may be given again.")] = None
    priority: Annotated[list[str] | None, typer.Option(metavar="low|normal|high|urgent", help="Pressing so.")] = None
    customer: Annotated[str | None, typer.Option(metavar="CONTACT", help="His number or address.")] = None
    older: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Nothing has happened for so long: 2h, 3d; or since a date.")
    ] = None
    oldest: Annotated[bool, typer.Option("--oldest", help="The one that waits longest first.")] = False


@app.verb("list", "gateway ticket list --queue Support --unassigned")
@taking(Filters)
def list_(ctx: typer.Context, filters: Filters, limit: Limit = None, as_json: AsJson = False) -> None:
    """List tickets, the one that moved last first; those that are done only when asked."""
    with open_desk(ctx) as desk:
        wanted = _wanted(desk, filters)
        most = limit_of(limit, as_json)
        # One more than is shown tells that there are more.
        rows = _rows(desk, wanted, most + 1)
        print_rows(desk, rows[:most], as_json)
        if as_json:
            return
        say(_footer(desk))
        if len(rows) > most:
            complain(f"note: only the first {most} are shown; ask for more with --limit")


def _wanted(desk: Desk, filters: Filters) -> "Wanted":
    from storage.agents import find_agent
    from storage.contacts import find_contact
    from storage.overview import ACTIVE, Wanted
    from storage.queues import find_queue
    from storage.tags import canonical_tag
    from storage.tickets import Priority, Status

    statuses = [word_of(Status, word, "--status") for word in filters.status or []]
    with desk.reading() as session:
        assignee = find_agent(session, filters.assignee) if filters.assignee else None
        if filters.mine:
            assignee = desk.agent(session)
        return Wanted(
            statuses=statuses or (list(Status) if filters.everything else ACTIVE),
            queue_id=find_queue(session, filters.queue).number if filters.queue else None,
            assignee_id=assignee.id if assignee else None,
            unassigned=filters.unassigned,
            contact_id=find_contact(session, filters.customer).id if filters.customer else None,
            tags=[canonical_tag(tag) for tag in filters.tag or []],
            priorities=[word_of(Priority, word, "--priority") for word in filters.priority or []],
            updated_before=_past(filters.older, desk.settings.time_zone) if filters.older else None,
            oldest_first=filters.oldest,
        )


def _past(text: str, zone: str) -> datetime:
    """A date, or so long ago."""
    at, moment = now(), moment_of(text, zone)
    return moment if moment <= at else at - (moment - at)


def _footer(desk: Desk) -> str:
    """How much waits in all, so that a narrow list does not hide it."""
    from storage.overview import count_by_queue

    with desk.reading() as session:
        queues = count_by_queue(session)
    new, opened, pending, free, held = (
        sum(getattr(q, name) for q in queues) for name in ("new", "open", "pending", "unassigned", "held")
    )
    return f"In all: {new} new, {opened} open, {pending} pending; {free} unassigned; {held} mails held."


def _rows(desk: Desk, wanted: "Wanted", limit: int) -> "list[TicketRow]":
    from storage.overview import ticket_rows

    with desk.reading() as session:
        return ticket_rows(session, wanted, limit)


def print_rows(desk: Desk, rows: "list[TicketRow]", as_json: bool) -> None:
    """Tickets below each other, each queue in its colour."""
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
                Colored(row.queue, row.color),
                (row.contact.name or row.contact.email) if row.contact else "",
                _subject(row),
                (row.assignee.name or row.assignee.email) if row.assignee else "",
                local_time(row.updated, zone),
            )
            for row in rows
        ],
        empty="No tickets.",
    )


def _subject(row: "TicketRow") -> str:
    """What it is about, with what somebody said about it in brackets."""
    marks = [row.priority if row.priority != "normal" else "", *row.tags]
    return " ".join([*(f"[{mark}]" for mark in marks if mark), row.subject])


@app.verb("show", "gateway ticket show 12")
def show(
    ctx: typer.Context, number: Number, full: Full = False, events: Events = False, as_json: AsJson = False
) -> None:
    """Show a ticket with its messages."""
    with open_desk(ctx) as desk:
        _show(desk, number, full, events, as_json)


def _show(desk: Desk, number: int, full: bool, events: bool, as_json: bool) -> None:
    view, present = _view(desk, number)
    if as_json:
        say_json(merged(view, present=present))
        return
    from gateway.cli.ticket_print import print_ticket

    print_ticket(view, desk.settings.time_zone, full=full, events=events)
    for one in present:
        does = "writes in it" if one.writes else "looks at it"
        say(f"{one.name or one.email} {does} since {local_time(one.since, desk.settings.time_zone)}.")


def _view(desk: Desk, number: int) -> "tuple[TicketView, list[PresentAgent]]":
    """The ticket and who else is at it; that the acting agent has seen it is remembered for his next reply."""
    from storage.presence import come, who_is_at
    from storage.ticket_view import record_shown, view_ticket

    with desk.reading() as session:
        view = view_ticket(session, number)
        agent = desk.agent_if_any(session)
        present = who_is_at(session, number, agent.id if agent else None)
    if agent:
        # A database that is too busy to remember it must not keep anybody from reading.
        with suppress(DatabaseUnavailable), desk.writing() as session:
            record_shown(session, agent.id or 0, view)
            come(session, number, agent.id or 0)
    return view, present


@app.verb("next", "gateway ticket next")
def next_(
    ctx: typer.Context,
    take: Annotated[bool, typer.Option("--take", help="Assign it to me.")] = False,
    full: Full = False,
    as_json: AsJson = False,
) -> None:
    """Show the ticket that waits longest for an answer: mine first, then nobody's; what presses comes first."""
    with open_desk(ctx) as desk:
        from storage.overview import next_ticket

        with desk.reading() as session:
            agent = desk.agent(session) if take else desk.agent_if_any(session)
            number = next_ticket(session, agent.id if agent else None)
        if take and number is not None:
            _take(desk, number)
        if number is not None:
            _show(desk, number, full, False, as_json)
        elif as_json:
            say_json(None)
        else:
            say("Nothing waits for an answer.")


def _take(desk: Desk, number: int) -> None:
    from storage.tickets import assign, get_ticket

    with desk.writing() as session:
        agent = desk.agent(session)
        assign(session, get_ticket(session, number), agent.id, by=agent.email, text=agent.email)


app.verb("search", "gateway ticket search invoice 4711 from:maria before:2026-03-01")(ticket_search.search)
app.verb("reply", "gateway ticket reply 12 -m 'It is fixed.' --status solved")(ticket_reply.reply)
app.verb("note", "gateway ticket note 12 -m 'Called her, she will send the invoice.'")(ticket_reply.note)
app.verb("new", "gateway ticket new --queue Support --to maria@client.example --subject 'Your order' -m 'Hello'")(
    ticket_reply.new
)
app.verb("assign", "gateway ticket assign 12 13 me")(ticket_change.assign)
app.verb("status", "gateway ticket status 12 pending --until 3d")(ticket_change.status)
app.verb("move", "gateway ticket move 12 Billing")(ticket_change.move)
app.verb("via", "gateway ticket via 12 Acme")(ticket_change.via)
app.verb("customer", "gateway ticket customer 12 maria@client.example")(ticket_change.customer)
app.verb("participant", "gateway ticket participant 12 add joao@client.example")(ticket_change.participant)
app.verb("revoke", "gateway ticket revoke 12")(ticket_change.revoke)
app.verb("attachment", "gateway ticket attachment 12.3 --save Downloads")(ticket_files.attachment)
app.verb("priority", "gateway ticket priority 12 13 high")(ticket_change.priority)
app.verb("tag", "gateway ticket tag 12 13 --add vip --remove new-client")(ticket_change.tag)
app.verb("merge", "gateway ticket merge 13 14 --into 12")(ticket_join.merge)
app.verb("split", "gateway ticket split 12 12.3")(ticket_join.split)
app.verb("link", "gateway ticket link 12 15")(ticket_join.link)
app.verb("spam", "gateway ticket spam 16 17")(ticket_change.spam)
app.verb("export", "gateway ticket export 12 --form html > ticket.html")(ticket_export.export)
app.verb("watch", "gateway ticket watch --queue Support")(ticket_watch.watch)
