"""`gateway status`: how much waits, and where."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson
from gateway.cli.printing import facts, say, say_json, table

if TYPE_CHECKING:
    from gateway.doctor import Listening
    from storage.overview import QueueCounts

EXAMPLE = "Example: gateway status"


@dataclass(frozen=True, slots=True)
class Whole:
    """What waits at the moment."""

    queues: "list[QueueCounts]"
    spool: dict[str, int]
    outbox: dict[str, int]
    listeners: "list[Listening]"


def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show what waits: tickets by queue, mail to file, mail to send, and whether the listener answers."""
    with open_desk(ctx) as desk:
        whole = _whole(desk)
    if as_json:
        say_json(whole)
        return
    table(
        ("QUEUE", "NEW", "OPEN", "PENDING", "UNASSIGNED", "HELD"),
        [(q.queue, str(q.new), str(q.open), str(q.pending), str(q.unassigned), str(q.held)) for q in whole.queues],
        empty="No queue yet: make one with `gateway queue new NAME`",
    )
    say()
    facts(
        [
            ("mail to file", str(whole.spool["pending"])),
            ("mail held", str(whole.spool["held"])),
            ("mail quarantined", str(whole.spool["quarantined"])),
            *[(f"outgoing {state}", str(count)) for state, count in whole.outbox.items() if count and state != "sent"],
            *[(f"listener {found.address}", "answers" if found.answers else "silent") for found in whole.listeners],
        ]
    )


def _whole(desk: Desk) -> Whole:
    from gateway.doctor import who_listens
    from storage.outbox import DeliveryState, count_states
    from storage.overview import count_by_queue, count_waiting
    from storage.spool import SpoolState, count_fates

    with desk.reading() as session:
        fates, outgoing = count_fates(session), count_states(session)
        return Whole(
            queues=count_by_queue(session),
            spool={
                "pending": count_waiting(session),
                "held": fates.get(SpoolState.HELD, 0),
                "quarantined": fates.get(SpoolState.QUARANTINED, 0),
            },
            outbox={str(state): outgoing.get(state, 0) for state in DeliveryState},
            listeners=[who_listens(listener) for listener in desk.settings.listener],
        )
