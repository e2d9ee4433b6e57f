"""How much mail came to each queue, hour by hour, and whether one that usually gets mail gets none.

Counted is what came to a creation address or into a connected mailbox: answers to signed addresses come by themselves,
also when the forward of an inbox is dead. Five weeks are kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from storage.columns import UtcDateTime, table_of
from storage.ids import Counter, first_id, time_of
from storage.mailboxes import ways_in
from storage.queues import Queue
from storage.spool import Acceptance, Spool, SpoolState

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_WEEK = timedelta(days=7)
_WEEKS = 4  # that a silence is compared with
_FEWEST_WEEKS = 2
_KEPT = _WEEK * (_WEEKS + 1)
# What is older than this when it comes is mail of the past: an import, or a backlog.
_FRESH = timedelta(days=1)
# The counter that holds the first hour that is not counted for good.
_CURSOR = "silence"
# Hours in one transaction: other writers wait.
_AT_ONCE = 24
# Plumbing comes also when customers' mail does not.
_PLUMBING = (SpoolState.SETUP, SpoolState.LOOP, SpoolState.REPORT)


class QueueHour(SQLModel, table=True):
    """How many mails a queue got in an hour; none: there is no row."""

    __tablename__ = "queue_hour"

    queue_id: int = Field(foreign_key="queue.id", primary_key=True)
    hour: datetime = Field(sa_type=UtcDateTime, primary_key=True)  # its beginning
    mails: int


@dataclass(frozen=True, slots=True)
class SilentQueue:
    """A queue that gets no mail although it usually does."""

    queue: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Silence:
    """How long it lasts, and how much the queue got in the same hours of the weeks before."""

    since: datetime
    before: tuple[int, ...]

    def is_unusual(self, mails: int) -> bool:
        """So many mails in the mean, and at least half of it in every week: a feast or a quiet week is no alarm."""
        count = len(self.before)
        return count >= _FEWEST_WEEKS and sum(self.before) >= mails * count and min(self.before) * 2 >= mails


def count_hours(session: Session, at: datetime) -> bool:
    """Count what came since the last count, in portions; False while more is left of a long past."""
    current = _hour_of(at)
    cursor = session.get(Counter, _CURSOR) or Counter(name=_CURSOR)
    first = max(current - _KEPT, _EPOCH + cursor.value * _HOUR)
    session.exec(sa.delete(QueueHour).where(col(QueueHour.hour) < current - _KEPT))
    for _ in range(_AT_ONCE):
        found = session.exec(select(sa.func.min(Spool.id)).where(col(Spool.id) >= first_id(first))).one()
        first = min(_hour_of(time_of(found)), current) if found else current
        _count(session, first)
        if first >= current:
            break
        first += _HOUR
    # The newest hours are counted again: they were not over, or a slow commit has come since.
    cursor.value = (min(first, current - _HOUR) - _EPOCH) // _HOUR
    session.add(cursor)
    session.flush()
    return first >= current


def _count(session: Session, hour: datetime) -> None:
    session.exec(sa.delete(QueueHour).where(col(QueueHour.hour) == hour))
    counted = sorted(_counted(session, hour).items())
    rows = [{"queue_id": queue, "hour": hour, "mails": mails} for queue, mails in counted]
    if rows:
        session.connection().execute(sa.insert(table_of(QueueHour)), rows)


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _counted(session: Session, hour: datetime) -> Mapping[int, int]:
    """The mails of one hour, by queue."""
    came = (
        select(Spool.recipient, sa.func.count().label("mails"))
        .join(Acceptance, col(Acceptance.id) == Spool.acceptance_id)
        .where(col(Spool.id) >= first_id(hour), col(Spool.id) < first_id(hour + _HOUR))
        .where(col(Spool.state).not_in(_PLUMBING), col(Acceptance.received_at) >= hour - _FRESH)
        .group_by(col(Spool.recipient))
        .subquery()
    )
    ways = ways_in()
    query = (
        sa.select(ways.c.queue_id, sa.func.sum(came.c.mails))
        .join(came, came.c.recipient == ways.c.address)
        .group_by(ways.c.queue_id)
    )
    return {queue: int(mails) for queue, mails in session.connection().execute(query)}


def silence_of(session: Session, queue: Queue, at: datetime) -> Silence | None:
    """Since when the queue gets no mail; None where it never got any, or got some just now."""
    query = select(QueueHour).where(QueueHour.queue_id == queue.number).order_by(col(QueueHour.hour))
    hours = list(session.exec(query).all())
    end = _hour_of(at)
    if not hours or hours[-1].hour >= end:
        return None
    since = hours[-1].hour + _HOUR
    start = max(since, end - _WEEK)
    weeks = [_WEEK * week for week in range(1, _WEEKS + 1) if hours[0].hour < start - _WEEK * week]
    return Silence(since, tuple(_between(hours, start - week, end - week) for week in weeks))


def _between(hours: Sequence[QueueHour], start: datetime, end: datetime) -> int:
    return sum(one.mails for one in hours if start <= one.hour < end)


def silent_queues(session: Session) -> list[SilentQueue]:
    """The queues whose silence was told, and lasts."""
    query = select(Queue).where(col(Queue.silent_since).is_not(None), col(Queue.archived_at).is_(None))
    found = session.exec(query.order_by(col(Queue.key))).all()
    return [SilentQueue(one.name, one.silent_since) for one in found if one.silent_since]
