"""`gateway ticket search`: find tickets by the words of their messages."""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import ALL_ROWS, AsJson, Limit, limit_of
from gateway.cli.printing import Colored, merged, say_json, table

if TYPE_CHECKING:
    from storage.finding import Hit
    from storage.overview import TicketRow

# A snippet needs the text of its message: nobody reads more of them.
_MOST_SNIPPETS = 1000


def search(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="WORDS",
            help='All of them; "a phrase", begin*; subject: from: file: queue: status: priority: tag: assignee: '
            "customer: before: after:",
        ),
    ],
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Find tickets by the words of their messages: in subjects first, then in names, then in texts."""
    with open_desk(ctx) as desk:
        found, rows = _search(desk, " ".join(_typed(word) for word in words), limit_of(limit, as_json))
        if as_json:
            say_json([_json(row, found[row.number]) for row in rows])
            return
        table(
            ("#", "STATUS", "QUEUE", "SUBJECT", "FOUND"),
            [
                (str(row.number), row.status, Colored(row.queue, row.color), row.subject, _found(found[row.number]))
                for row in rows
            ],
            empty="No tickets.",
        )


def _typed(word: str) -> str:
    """The shell has taken the quotes of a phrase away."""
    if " " not in word or '"' in word:
        return word
    name, colon, value = word.partition(":")
    return f'{name}:"{value}"' if colon and " " not in name else f'"{word}"'


def _json(row: "TicketRow", hits: "list[Hit]") -> object:
    return merged(row, matches=[hit.ref for hit in hits], snippets=[hit.snippet for hit in hits])


def _found(hits: "list[Hit]") -> str:
    return f"{hits[0].ref}: {hits[0].snippet}"


def _search(desk: Desk, typed: str, limit: int) -> "tuple[dict[int, list[Hit]], list[TicketRow]]":
    from storage.finding import hits, search_messages
    from storage.overview import Wanted, ticket_rows
    from storage.tickets import Status

    found: dict[int, list[Hit]] = {}
    with desk.reading() as session:
        numbers = search_messages(session, typed, min(limit, _MOST_SNIPPETS))
        for hit in hits(session, typed, numbers):
            found.setdefault(hit.ticket, []).append(hit)
        rows = ticket_rows(session, Wanted(list(Status), numbers=list(found)), ALL_ROWS)
    places = {number: place for place, number in enumerate(found)}
    return found, sorted(rows, key=lambda row: places[row.number])
