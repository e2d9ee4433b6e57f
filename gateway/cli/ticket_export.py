"""`gateway ticket export`: tickets out of here, as JSON, as a mailbox or as a page."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly
from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson
from gateway.cli.printing import say_json

if TYPE_CHECKING:
    from storage.ticket_view import TicketView

_FORMS = ("json", "mbox", "html")
_PAGE = 100


def export(
    ctx: typer.Context,
    numbers: Annotated[list[int] | None, typer.Argument(metavar="[N...]", min=1, help="The tickets' numbers.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every ticket, one JSON object a line.")] = False,
    form: Annotated[str, typer.Option("--form", metavar="json|mbox|html", help="How it is written.")] = "json",
    as_json: AsJson = False,
) -> None:
    """Write whole tickets to standard output: one JSON object a line, a mailbox, or a page to print."""
    form = "json" if as_json else form
    if form not in _FORMS:
        raise AskedWrongly(f"--form: {form!r} is none of {', '.join(_FORMS)}")
    if bool(numbers) == everything:
        raise AskedWrongly("Name tickets, or say --all")
    with open_desk(ctx) as desk:
        for view in _views(desk, numbers):
            _write(desk, view, form)
            # Who reads the pipe gets each ticket as soon as it is there.
            sys.stdout.flush()


def _views(desk: Desk, numbers: list[int] | None) -> "Iterator[TicketView]":
    """Each in a transaction of its own: a long one would keep the database from tidying up."""
    from storage.overview import numbers_after
    from storage.ticket_view import view_ticket

    last = 0
    left = list(numbers or [])
    while True:
        if numbers is None:
            with desk.reading() as session:
                left = numbers_after(session, last, _PAGE)
        if not left:
            return
        for number in left:
            with desk.reading() as session:
                yield view_ticket(session, number)
        last, left = left[-1], []


def _write(desk: Desk, view: "TicketView", form: str) -> None:
    if form == "json":
        say_json(view)
        return
    from gateway.export import ticket_mbox, ticket_page

    if form == "html":
        sys.stdout.buffer.write(ticket_page(view).encode("utf-8", "replace"))
        return
    with desk.reading() as session:
        for piece in ticket_mbox(session, desk.blobs, view):
            sys.stdout.buffer.write(piece)
