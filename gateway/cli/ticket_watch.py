"""`gateway ticket watch`: what happens to tickets, line by line, while it happens."""

import sys
import time
from typing import Annotated

import typer

from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson
from gateway.cli.printing import local_time, say, say_json

_POLL_SECONDS = 1.0


def watch(
    ctx: typer.Context,
    number: Annotated[int | None, typer.Argument(metavar="[N]", min=1, help="Of this ticket only.")] = None,
    queue: Annotated[str | None, typer.Option(metavar="QUEUE", help="Of this queue only.")] = None,
    seconds: Annotated[float, typer.Option(min=0, help="End after so many; 0: when you stop it.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Print what happens to tickets while it happens; with --json one object a line."""
    with open_desk(ctx) as desk:
        _watch(desk, number, queue, seconds, as_json)


def _watch(desk: Desk, number: int | None, queue: str | None, seconds: float, as_json: bool) -> None:
    from storage.happenings import happenings_after, last_happening
    from storage.queues import find_queue

    with desk.reading() as session:
        queue_id = find_queue(session, queue).number if queue else None
        last = last_happening(session)
    end = time.monotonic() + seconds
    while True:
        with desk.reading() as session:
            found = happenings_after(session, last, ticket_id=number, queue_id=queue_id)
        for one in found:
            last = one.id
            if as_json:
                say_json(one)
            else:
                at = local_time(one.at, desk.settings.time_zone)
                say(f"{at}  #{one.ticket} {one.subject}: {one.kind} {one.text} ({one.by or 'gateway'})")
        sys.stdout.flush()
        if seconds and time.monotonic() >= end:
            return
        time.sleep(min(_POLL_SECONDS, max(0.0, end - time.monotonic())) if seconds else _POLL_SECONDS)
