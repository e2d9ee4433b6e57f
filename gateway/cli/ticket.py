"""`gateway ticket`: find and read tickets; its other verbs stand in `ticket_reply` and `ticket_change`."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import DatabaseUnavailable
from gateway.cli import (
    ticket_change,
    ticket_export,
    ticket_files,
    ticket_join,
    ticket_list,
    ticket_reply,
    ticket_search,
    ticket_watch,
)
from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.printing import local_time, merged, say, say_json

if TYPE_CHECKING:
    from storage.presence import PresentAgent
    from storage.ticket_view import TicketView

app = Noun("Tickets: list, read, answer, move on.")
Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The ticket's number.")]
Full = Annotated[bool, typer.Option("--full", help="Quotations and signatures too.")]
Events = Annotated[bool, typer.Option("--events", help="What was done to it, too.")]


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


app.verb("list", "gateway ticket list --queue Support --unassigned")(ticket_list.list_)
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
