"""Who sends which mail of the outbox: claims under a lease, and the marker that stands before the final dot.

A worker that dies before its marker loses nothing but time; after it nobody knows what became of the mail. A
delivery belongs to the worker whose name and attempt stand in its row: whoever comes too late changes nothing.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from config.clock import now
from storage.columns import table_of
from storage.outbox import Delivery, DeliveryState, Outcome, Outgoing, record

_DELIVERY, _OUTGOING = table_of(Delivery), table_of(Outgoing)
# Written out, so that both databases see that the partial index serves.
_PENDING = sa.text("delivery.state IN ('waiting', 'deferred', 'sending')")
# What lies further ahead than anything that we set was set by a wrong clock, and counts as over.
_LONGEST_LEASE = timedelta(days=1)
_LONGEST_WAIT = timedelta(days=30)
_NEXT_DUE = sa.select(
    sa.select(sa.func.min(_DELIVERY.c.next_attempt))
    .where(_PENDING, _DELIVERY.c.state != DeliveryState.SENDING)
    .scalar_subquery(),
    sa.select(sa.func.min(_DELIVERY.c.lease_until))
    .where(_PENDING, _DELIVERY.c.state == DeliveryState.SENDING)
    .scalar_subquery(),
)


@dataclass(frozen=True, slots=True)
class Job:
    """A mail that this worker sends now, to those of its recipients who are due."""

    outgoing: Outgoing
    deliveries: tuple[Delivery, ...]


def next_due(session: Session) -> datetime | None:
    """When the next delivery wants attention: it is due, or the lease of its worker ends."""
    at = now()
    furthest = (at + _LONGEST_WAIT, at + _LONGEST_LEASE)
    found = zip(session.connection().execute(_NEXT_DUE).one(), furthest, strict=True)
    return min((moment if moment <= limit else at for moment, limit in found if moment), default=None)


def claim_due(
    session: Session, owner: str, limit: int, lease_seconds: float, busy: Collection[int | None] = ()
) -> list[Job]:
    """Take deliveries that are due, or whose worker was lost before the dot, under a lease.

    What goes through a channel of `busy` is left (None: the default servers), so that a slow one holds up nobody else.
    """
    at = now()
    rows = session.exec(_claimable(at, limit, busy)).all()
    if not rows:
        return []
    until = at + timedelta(seconds=lease_seconds)
    taken = sa.update(_DELIVERY).where(_DELIVERY.c.id.in_([delivery.id for delivery, _ in rows]))
    attempt = _DELIVERY.c.attempts + 1
    session.connection().execute(
        taken.values(state=DeliveryState.SENDING, lease_owner=owner, lease_until=until, updated_at=at, attempts=attempt)
    )
    jobs: dict[str, Job] = {}
    for delivery, outgoing in rows:
        # The rows are written already; what is handed on must not be written again.
        session.expunge(delivery)
        delivery.state, delivery.lease_owner, delivery.attempts = DeliveryState.SENDING, owner, delivery.attempts + 1
        before = jobs[outgoing.id].deliveries if outgoing.id in jobs else ()
        jobs[outgoing.id] = Job(outgoing, (*before, delivery))
    return list(jobs.values())


def _claimable(at: datetime, limit: int, busy: Collection[int | None]) -> "Select[Delivery, Outgoing]":
    wanted = sa.or_(_DELIVERY.c.next_attempt <= at, _DELIVERY.c.next_attempt > at + _LONGEST_WAIT)
    due = sa.or_(
        sa.and_(_DELIVERY.c.state != DeliveryState.SENDING, wanted),
        sa.and_(_DELIVERY.c.state == DeliveryState.SENDING, _is_over(at), _DELIVERY.c.dot_at.is_(None)),
    )
    query = (
        select(Delivery, Outgoing)
        .join(Outgoing, col(Outgoing.id) == Delivery.outgoing_id)
        .where(_PENDING, due)
        .order_by(col(Delivery.next_attempt), col(Delivery.id))
        .limit(limit)
        .with_for_update(skip_locked=True, of=Delivery)
    )
    for channel_id in busy:
        query = query.where(_OUTGOING.c.channel_id.is_distinct_from(channel_id))
    return query


def _is_over(at: datetime) -> sa.ColumnElement[bool]:
    """Whether a lease has ended."""
    lease = _DELIVERY.c.lease_until
    return sa.or_(lease < at, lease > at + _LONGEST_LEASE)


def mark_dot(session: Session, held: Sequence[Delivery], lease_seconds: float) -> bool:
    """Note that the final dot is sent next: from here a lost connection means uncertain.

    False, and nothing noted, when one of them is no longer ours: then the dot must not be sent.
    """
    at = now()
    marked = sa.update(_DELIVERY).where(_is_ours(held))
    until = at + timedelta(seconds=lease_seconds)
    if session.connection().execute(marked.values(dot_at=at, lease_until=until)).rowcount == len(held):
        return True
    session.connection().execute(sa.update(_DELIVERY).where(_is_ours(held)).values(dot_at=None))
    return False


def still_held(session: Session, held: Sequence[Delivery]) -> set[int]:
    """Those of these claimed deliveries that nobody has taken over since; they stay ours until we commit."""
    query = sa.select(_DELIVERY.c.id).where(_is_ours(held)).with_for_update()
    return set(session.connection().execute(query).scalars())


def record_sent(session: Session, delivery: Delivery, reply: str, server: str) -> bool:
    """Write that a claimed delivery was sent, with one statement, since most are. False: it is no longer ours."""
    sent = sa.update(_DELIVERY).where(_is_ours([delivery]))
    values = {"state": DeliveryState.SENT, "last_reply": reply[:1000], "server": server, "updated_at": now()}
    free = {"lease_owner": "", "lease_until": None, "dot_at": None}
    return session.connection().execute(sent.values(values | free)).rowcount == 1


def _is_ours(held: Sequence[Delivery]) -> sa.ColumnElement[bool]:
    mine = [
        sa.and_(
            _DELIVERY.c.id == one.id, _DELIVERY.c.lease_owner == one.lease_owner, _DELIVERY.c.attempts == one.attempts
        )
        for one in held
    ]
    return sa.and_(_DELIVERY.c.state == DeliveryState.SENDING, sa.or_(*mine))


def take_lost(session: Session) -> list[Delivery]:
    """Settle what lost its worker after the final dot: nobody knows whether it went out."""
    query = (
        select(Delivery)
        .where(
            _PENDING,
            Delivery.state == DeliveryState.SENDING,
            _is_over(now()),
            col(Delivery.dot_at).is_not(None),
        )
        .with_for_update(skip_locked=True)
    )
    lost = "the sending process was lost after the final dot"
    found = session.exec(query).all()
    return [record(session, Outcome(row.id or 0, DeliveryState.UNCERTAIN, lost)) for row in found]


def hurry_channel(session: Session, channel_id: int) -> None:
    """What was deferred on a channel is due now: somebody has just cured it."""
    deferred = sa.update(_DELIVERY).where(
        _PENDING,
        _DELIVERY.c.state == DeliveryState.DEFERRED,
        _DELIVERY.c.outgoing_id.in_(sa.select(_OUTGOING.c.id).where(_OUTGOING.c.channel_id == channel_id)),
    )
    session.connection().execute(deferred.values(next_attempt=now()))


def recover_due(session: Session, is_dead: Callable[[str], bool]) -> None:
    """End the leases of dead workers at once."""
    query = sa.select(_DELIVERY.c.lease_owner).where(_PENDING, _DELIVERY.c.state == DeliveryState.SENDING).distinct()
    for owner in session.connection().execute(query).scalars().all():
        if is_dead(owner):
            give_back_due(session, owner)


def give_up_attempt(session: Session, held: Sequence[Delivery], reply: str, next_attempt: datetime) -> None:
    """End an attempt that an error of ours has ended: before the dot it is tried again at `next_attempt`.

    After the dot the lease is over, and `take_lost` judges.
    """
    at = now()
    undotted = sa.update(_DELIVERY).where(_is_ours(held), _DELIVERY.c.dot_at.is_(None))
    deferred = {"state": DeliveryState.DEFERRED, "last_reply": reply[:1000], "next_attempt": next_attempt}
    free = {"lease_owner": "", "lease_until": None, "updated_at": at}
    session.connection().execute(undotted.values(deferred | free))
    rest = sa.update(_DELIVERY).where(_is_ours(held))
    session.connection().execute(rest.values(lease_until=at - timedelta(seconds=1)))


def give_back_due(session: Session, owner: str) -> None:
    """End the leases of a worker that stops; what has passed the dot is left for `take_lost` to judge."""
    held = sa.update(_DELIVERY).where(
        _PENDING, _DELIVERY.c.lease_owner == owner, _DELIVERY.c.state == DeliveryState.SENDING
    )
    session.connection().execute(held.values(lease_until=now() - timedelta(seconds=1)))
