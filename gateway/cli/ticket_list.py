"""`gateway ticket list`: which tickets there are, by filters that an agent can keep under a name."""

from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from config.clock import now
from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson, Limit, limit_of, moment_of, taking, word_of
from gateway.cli.printing import Colored, answer, complain, local_time, say, say_json, table

if TYPE_CHECKING:
    from storage.overview import TicketRow, Wanted
    from storage.saved_filters import SavedFilter


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


@dataclass(frozen=True, slots=True)
class Keeping:
    """What to do with a filter beside using it."""

    save: Annotated[str | None, typer.Option(metavar="NAME", help="Keep these options as a filter of mine.")] = None
    forget: Annotated[bool, typer.Option("--forget", help="Forget the filter NAME.")] = False
    saved: Annotated[bool, typer.Option("--saved", help="List my filters instead.")] = False


@taking(Filters, Keeping)
def list_(
    ctx: typer.Context,
    filters: Filters,
    keeping: Keeping,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="A filter that I have saved; options go over it.")] = "",
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List tickets, the one that moved last first; those that are done only when asked."""
    with open_desk(ctx) as desk:
        if keeping.saved:
            _print_saved(desk, as_json)
            return
        if keeping.forget:
            _forget(desk, name, as_json)
            return
        filters = _with_saved(desk, name, filters)
        # Before it is kept: a filter that names no queue of ours is none.
        wanted = _wanted(desk, filters)
        if keeping.save:
            _save(desk, keeping.save, filters)
        most = limit_of(limit, as_json)
        # One more than is shown tells that there are more.
        rows = _rows(desk, wanted, most + 1)
        print_rows(desk, rows[:most], as_json)
        if as_json:
            return
        say(_footer(desk))
        if len(rows) > most:
            complain(f"note: only the first {most} are shown; ask for more with --limit")


@dataclass(frozen=True, slots=True)
class SavedView:
    """A saved filter as it is shown."""

    name: str
    options: dict[str, object]


def _given(filters: Filters) -> dict[str, object]:
    """The options that narrow or order."""
    return {name: value for name, value in asdict(filters).items() if value}


def _with_saved(desk: Desk, name: str, filters: Filters) -> Filters:
    """A saved filter with the options of this time over it."""
    if not name:
        return filters
    from storage.saved_filters import find_filter

    with desk.reading() as session:
        options = find_filter(session, desk.agent(session).id or 0, name).options
    known = {field.name for field in fields(Filters)}
    options = {key: value for key, value in (options | _given(filters)).items() if key in known}
    return replace(filters, **options)  # type: ignore[arg-type]  # they were fields of this very class


def _save(desk: Desk, name: str, filters: Filters) -> None:
    from storage.saved_filters import save_filter

    with desk.writing() as session:
        saved = save_filter(session, desk.agent(session).id or 0, name, _given(filters))
        complain(f"Saved: `gateway ticket list {saved.name}`")


def _forget(desk: Desk, name: str, as_json: bool) -> None:
    from storage.saved_filters import find_filter, forget_filter

    with desk.writing() as session:
        agent = desk.agent(session).id or 0
        view = _saved_view(find_filter(session, agent, name))
        forget_filter(session, agent, name)
    answer(view, as_json, f"The filter {view.name} is forgotten.")


def _print_saved(desk: Desk, as_json: bool) -> None:
    from storage.saved_filters import saved_filters

    with desk.reading() as session:
        views = [_saved_view(saved) for saved in saved_filters(session, desk.agent(session).id or 0)]
    if as_json:
        say_json(views)
        return
    empty = "No saved filter yet: `gateway ticket list --mine --status open --save NAME`"
    table(("NAME", "OPTIONS"), [(view.name, _words(view.options)) for view in views], empty=empty)


def _saved_view(saved: "SavedFilter") -> SavedView:
    return SavedView(saved.name, saved.options)


def _words(options: dict[str, object]) -> str:
    """As somebody would type them."""
    words = []
    for name, value in options.items():
        option = "--all" if name == "everything" else f"--{name}"
        words += (
            [option]
            if value is True
            else [f"{option} {one}" for one in (value if isinstance(value, list) else [value])]
        )
    return " ".join(words)


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
