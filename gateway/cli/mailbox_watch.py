"""`gateway mailbox watch`: how far the backlog of a mailbox is, until all of it is here."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import Refused
from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson
from gateway.cli.printing import complain, say, say_json
from gateway.cli.progress import progress

if TYPE_CHECKING:
    from storage.mailboxes import Mailbox

_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Watched:
    """What came while somebody watched."""

    address: str
    state: str
    last_error: str
    fetched: int  # meanwhile
    waiting: int
    done: bool  # all that was there when it was first opened


def watch(
    ctx: typer.Context,
    named: Annotated[str, typer.Argument(metavar="ADDRESS", help="The mailbox's address or number.")],
    seconds: Annotated[int, typer.Option("--seconds", min=1, help="How long to watch at most.")] = 86_400,
    as_json: AsJson = False,
) -> None:
    """Watch the backlog of a mailbox being fetched, to its end: `gateway serve` does it, this only looks.

    Exit status 1 when the mailbox fails, or the time is over.
    """
    with open_desk(ctx) as desk:
        watched = _watch(desk, named, seconds, is_quiet=as_json)
    if as_json:
        say_json(watched)
    if watched.state != "connected":
        raise Refused(f"{watched.address} is {watched.state}: {watched.last_error or 'see `gateway mailbox enable`'}")
    if not watched.done:
        raise Refused(f"{watched.address}: not all has come yet. Is `gateway serve` running?")
    if not as_json:
        say(f"{watched.address}: {watched.fetched} mails came meanwhile, and no older mail waits there.")


def _watch(desk: Desk, named: str, seconds: int, *, is_quiet: bool) -> Watched:
    end = time.monotonic() + seconds
    first = now = _look(desk, named)
    if not first.uid_validity and not is_quiet:
        complain("It was not opened yet: `gateway serve` does that.")
    with progress(f"fetching {first.address}", first.waiting, is_quiet=is_quiet, is_awaited=True) as show:
        while now.state == "connected" and now.has_backlog and time.monotonic() < end:
            time.sleep(_LOOK_SECONDS)
            now = _look(desk, named)
            came = now.fetched - first.fetched
            show(came, came + now.waiting)
    is_done = not now.has_backlog
    return Watched(now.address, now.state, now.last_error, now.fetched - first.fetched, now.waiting, is_done)


def _look(desk: Desk, named: str) -> "Mailbox":
    from storage.mailboxes import find_mailbox

    with desk.reading() as session:
        return find_mailbox(session, named)
