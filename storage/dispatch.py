"""Who sends which mail of the outbox: claims under a lease, and the marker that stands before the final dot.

A worker that dies before its marker loses nothing but time; after it nobody knows what became of the mail. A
delivery belongs to the worker whose name and attempt stand in its row: whoever comes too late changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from config.clock import now
from storage.columns import table_of
from storage.due import IS_SENT_NOW, WAITS, Wanted, find_due, lease_is_over, next_moment
from storage.outbox import Delivery, DeliveryState, Outcome, Outgoing, record

_DELIVERY = table_of(Delivery)
_CLAIMED_BYTES = 67_108_864  # of one claim, in memory
# Statements are made once: SQLAlchemy takes longer to build one than the database to run it.
_OURS = (
    sa.select(_DELIVERY.c.id)
    .where(
        _DELIVERY.c.state == DeliveryState.SENDING,
        _DELIVERY.c.lease_owner == sa.bindparam("owner"),
        sa.tuple_(_DELIVERY.c.id, _DELIVERY.c.attempts).in_(sa.bindparam("mine", expanding=True)),
    )
    .with_for_update()
)
_MARK = (
    sa.update(_DELIVERY)
    .where(_DELIVERY.c.id.in_(sa.bindparam("marked", expanding=True)))
    .values(dot_at=sa.bindparam("at"), lease_until=sa.bindparam("until"))
)
_SENT = (
    sa.update(_DELIVERY)
    .where(_DELIVERY.c.id == sa.bindparam("of"))
    .values(
        state=DeliveryState.SENT,
        last_reply=sa.bindparam("reply"),
        server=sa.bindparam("by"),
        updated_at=sa.bindparam("at"),
        lease_owner="",
        lease_until=None,
        dot_at=None,
    )
)
_TAKE = (
    sa.update(_DELIVERY)
    .where(_DELIVERY.c.id.in_(sa.bindparam("taken", expanding=True)))
    .values(
        state=DeliveryState.SENDING,
        lease_owner=sa.bindparam("owner"),
        lease_until=sa.bindparam("until"),
        updated_at=sa.bindparam("at"),
        attempts=_DELIVERY.c.attempts + 1,
    )
)
_TAKEN: "Select[Delivery, Outgoing]" = (
    select(Delivery, Outgoing)
    .join(Outgoing, col(Outgoing.id) == Delivery.outgoing_id)
    .where(col(Delivery.id).in_(sa.bindparam("taken", expanding=True)))
    .order_by(col(Delivery.next_attempt), col(Delivery.id))
)


@dataclass(frozen=True, slots=True)
class Job:
    """A mail that this worker sends now, to those of its recipients who are due."""

    outgoing: Outgoing
    deliveries: tuple[Delivery, ...]


def next_due(session: Session) -> datetime | None:
    """When the next delivery wants attention: it is due, or the lease of its worker ends."""
    return next_moment(session.connection(), now())


@dataclass(frozen=True, slots=True)
class Claim:
    """Who claims, for how long, and what; a slow way or domain holds up nobody else."""

    owner: str
    lease_seconds: float
    wanted: Wanted


def claim_due(session: Session, claim: Claim) -> list[Job]:
    """Take deliveries that are due, or whose worker was lost before the dot, under a lease."""
    at = now()
    connection = session.connection()
    numbers = _within_budget(find_due(connection, at, claim.wanted))
    if not numbers:
        return []
    until = at + timedelta(seconds=claim.lease_seconds)
    values = {"until": until, "at": at, "owner": claim.owner, "taken": numbers}
    connection.execute(_TAKE, values)
    jobs: dict[str, Job] = {}
    # What this session has seen before the claim is read again.
    found = session.exec(_TAKEN, params={"taken": numbers}, execution_options={"populate_existing": True}).all()
    for delivery, outgoing in found:
        before = jobs[outgoing.id].deliveries if outgoing.id in jobs else ()
        jobs[outgoing.id] = Job(outgoing, (*before, delivery))
    return list(jobs.values())


def _within_budget(found: "Sequence[sa.Row[datetime, int, int]]") -> list[int]:
    """As many as may be in memory at once, and one at least."""
    numbers: list[int] = []
    size = 0
    for _, number, mail_bytes in found:
        size += mail_bytes
        if numbers and size > _CLAIMED_BYTES:
            break
        numbers.append(number)
    return numbers


def mark_dot(session: Session, held: Sequence[Delivery], lease_seconds: float) -> bool:
    """Note that the final dot is sent next: from here a lost connection means uncertain.

    False, and nothing noted, when one of them is no longer ours: then the dot must not be sent.
    """
    return mark_dots(session, [held], lease_seconds)[0]


def mark_dots(session: Session, mails: Sequence[Sequence[Delivery]], lease_seconds: float) -> list[bool]:
    """`mark_dot` for several mails at once."""
    ours = still_held(session, [one for held in mails for one in held])
    whole = [all(one.id in ours for one in held) for held in mails]
    marked = [one.id for held, is_ours in zip(mails, whole, strict=True) if is_ours for one in held]
    if marked:
        at = now()
        values = {"at": at, "until": at + timedelta(seconds=lease_seconds), "marked": marked}
        session.connection().execute(_MARK, values)
    return whole


def still_held(session: Session, held: Sequence[Delivery]) -> set[int]:
    """Those of these claimed deliveries that nobody has taken over since; they stay ours until we commit."""
    found: set[int] = set()
    for owner in {one.lease_owner for one in held}:
        mine = [(one.id, one.attempts) for one in held if one.lease_owner == owner]
        found |= set(session.connection().execute(_OURS, {"owner": owner, "mine": mine}).scalars())
    return found


@dataclass(frozen=True, slots=True)
class Sent:
    """A claimed delivery that a server has taken."""

    delivery: Delivery
    reply: str
    server: str


def record_sent(session: Session, sent: Sequence[Sent]) -> set[int]:
    """Write that claimed deliveries were sent, all at once, since most are; returns those that were still ours."""
    ours = still_held(session, [one.delivery for one in sent])
    at = now()
    rows = [
        {"of": one.delivery.id, "reply": one.reply[:1000], "by": one.server, "at": at}
        for one in sent
        if one.delivery.id in ours
    ]
    if rows:
        session.connection().execute(_SENT, rows)
    return ours


def take_lost(session: Session) -> list[Delivery]:
    """Settle what lost its worker after the final dot: nobody knows whether it went out."""
    query = (
        select(Delivery)
        .where(
            IS_SENT_NOW,
            lease_is_over(now()),
            col(Delivery.dot_at).is_not(None),
        )
        .with_for_update(skip_locked=True)
    )
    lost = "the sending process was lost after the final dot"
    found = session.exec(query).all()
    return [record(session, Outcome(row.id or 0, DeliveryState.UNCERTAIN, lost)) for row in found]


def hurry_channel(session: Session, channel_id: int) -> None:
    """What was deferred on a channel is due now: somebody has just cured it."""
    is_deferred = _DELIVERY.c.state == DeliveryState.DEFERRED
    deferred = sa.update(_DELIVERY).where(WAITS, is_deferred, _DELIVERY.c.way == channel_id)
    session.connection().execute(deferred.values(next_attempt=now()))


def recover_due(session: Session, is_dead: Callable[[str], bool]) -> None:
    """End the leases of dead workers at once."""
    query = sa.select(_DELIVERY.c.lease_owner).where(IS_SENT_NOW).distinct()
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


def _is_ours(held: Sequence[Delivery]) -> sa.ColumnElement[bool]:
    mine = [(one.id, one.lease_owner, one.attempts) for one in held]
    row = sa.tuple_(_DELIVERY.c.id, _DELIVERY.c.lease_owner, _DELIVERY.c.attempts)
    return sa.and_(_DELIVERY.c.state == DeliveryState.SENDING, row.in_(mine))


def give_back_due(session: Session, owner: str) -> None:
    """End the leases of a worker that stops; what has passed the dot is left for `take_lost` to judge."""
    held = sa.update(_DELIVERY).where(IS_SENT_NOW, _DELIVERY.c.lease_owner == owner)
    session.connection().execute(held.values(lease_until=now() - timedelta(seconds=1)))
