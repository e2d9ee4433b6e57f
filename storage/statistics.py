"""How much came, and how soon it was answered: day by day and queue by queue."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.columns import table_of
from storage.messages import Direction, Message
from storage.queues import Queue
from storage.tickets import Ticket

_TICKET, _MESSAGE = table_of(Ticket), table_of(Message)
# Of ten answers, nine came as soon as this.
_MOST = 0.9


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a queue."""

    day: date
    opened: int  # new tickets
    answered: int  # of them, until now
    hours: float | None  # until the first answer, the median; None: nothing was answered


@dataclass(frozen=True, slots=True)
class QueueStatistics:
    """Some days of a queue, without gaps, and what they come to."""

    queue: str
    color: str
    days: list[Day]
    opened: int
    answered: int
    hours: float | None
    slowest_hours: float | None  # nine of ten answers came sooner


def queue_statistics(session: Session, at: datetime, days: int, zone: ZoneInfo) -> list[QueueStatistics]:
    """The last days of every queue that is not archived, today included, in the days of a zone."""
    today = at.astimezone(zone).date()
    shown = [today - timedelta(days=back) for back in reversed(range(days))]
    since = datetime.combine(shown[0], datetime.min.time(), zone)
    opened = _opened(session, since, zone)
    queues = session.exec(select(Queue).where(col(Queue.archived_at).is_(None)).order_by(col(Queue.key))).all()
    return [_queue(queue, shown, opened[queue.number]) for queue in queues]


def _opened(session: Session, since: datetime, zone: ZoneInfo) -> dict[int, list[tuple[date, float | None]]]:
    """By queue: the day of each new ticket, and the hours until its first answer."""
    first = (
        sa.select(sa.func.min(_MESSAGE.c.filed_at))
        .where(_MESSAGE.c.ticket_id == _TICKET.c.id)
        .where(_MESSAGE.c.direction == Direction.OUTBOUND, _MESSAGE.c.automatic.is_(False))
        .scalar_subquery()
    )
    query = sa.select(_TICKET.c.queue_id, _TICKET.c.created_at, first).where(_TICKET.c.created_at >= since)
    opened: dict[int, list[tuple[date, float | None]]] = defaultdict(list)
    for queue_id, created, answered in session.connection().execute(query):
        hours = (answered - created).total_seconds() / 3600 if answered else None
        opened[queue_id].append((created.astimezone(zone).date(), hours))
    return opened


def _queue(queue: Queue, shown: Sequence[date], opened: Sequence[tuple[date, float | None]]) -> QueueStatistics:
    by_day: dict[date, list[float | None]] = defaultdict(list)
    for day, hours in opened:
        by_day[day].append(hours)
    answered = sorted(hours for _, hours in opened if hours is not None)
    return QueueStatistics(
        queue=queue.name,
        color=queue.color,
        days=[_day(day, by_day[day]) for day in shown],
        opened=len(opened),
        answered=len(answered),
        hours=round(median(answered), 2) if answered else None,
        slowest_hours=round(answered[int((len(answered) - 1) * _MOST)], 2) if answered else None,
    )


def _day(day: date, hours: Sequence[float | None]) -> Day:
    answered = [one for one in hours if one is not None]
    return Day(day, len(hours), len(answered), round(median(answered), 2) if answered else None)
