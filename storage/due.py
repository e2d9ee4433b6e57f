"""Which mail of the outbox is due, looked for by the way that it takes.

A way is a channel, or 0 for the default servers. Each question is a look at one end of an index: what waits on a busy
way, or is not due, costs nothing, however much it is. Whoever takes what is found here is `storage.dispatch`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice

import sqlalchemy as sa

from storage.channels import Channel
from storage.columns import table_of
from storage.outbox import DEFAULT_WAY, Delivery, Outgoing

_DELIVERY, _OUTGOING, _CHANNEL = table_of(Delivery), table_of(Outgoing), table_of(Channel)
# Written out, so that both databases see that the partial indexes serve.
WAITS = sa.text("delivery.state IN ('waiting', 'deferred')")
IS_SENT_NOW = sa.text("delivery.state = 'sending'")
# What lies further ahead than anything that we set was set by a wrong clock, and counts as over.
_LONGEST_LEASE = timedelta(days=1)
_LONGEST_WAIT = timedelta(days=30)
_WAYS = sa.union_all(sa.select(sa.literal(DEFAULT_WAY).label("id")), sa.select(_CHANNEL.c.id)).cte("ways")


def _of_each_way(moment: sa.ColumnElement[datetime]) -> "sa.ScalarSelect[datetime]":
    return sa.select(moment).where(WAITS, _DELIVERY.c.way == _WAYS.c.id).correlate(_WAYS).scalar_subquery()


# Statements are made once: SQLAlchemy takes longer to build one than the database to run it.
_FIRST, _LAST = sa.func.min(_DELIVERY.c.next_attempt), sa.func.max(_DELIVERY.c.next_attempt)
_EDGES = sa.select(_WAYS.c.id, _of_each_way(_FIRST), _of_each_way(_LAST))
_LEASES = sa.select(sa.func.min(_DELIVERY.c.lease_until), sa.func.max(_DELIVERY.c.lease_until)).where(IS_SENT_NOW)
_FOUND = sa.select(_DELIVERY.c.next_attempt, _DELIVERY.c.id, sa.func.length(_OUTGOING.c.content)).join(
    _OUTGOING, _OUTGOING.c.id == _DELIVERY.c.outgoing_id
)
_OF_WAY = (
    _FOUND.where(WAITS, _DELIVERY.c.way == sa.bindparam("way"), _DELIVERY.c.next_attempt <= sa.bindparam("at"))
    .order_by(_DELIVERY.c.next_attempt, _DELIVERY.c.id)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True, of=_DELIVERY)
)
_PULL_BACK = (
    sa.update(_DELIVERY)
    .where(WAITS, _DELIVERY.c.way == sa.bindparam("of"), _DELIVERY.c.next_attempt > sa.bindparam("limit"))
    .values(next_attempt=sa.bindparam("at"))
)
Found = Sequence["sa.Row[datetime, int, int]"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much is wanted, and what is left alone: ways that are busy, and domains with enough under way."""

    most: int
    busy: Collection[int] = ()
    crowded: Collection[str] = ()


def next_moment(connection: sa.Connection, at: datetime) -> datetime | None:
    """When something wants attention: a delivery is due, or the lease of a worker ends."""
    moments = [at if last > at + _LONGEST_WAIT else first for _, first, last in _edges(connection)]
    first, last = connection.execute(_LEASES).one()
    if first:
        moments.append(at if last > at + _LONGEST_LEASE else first)
    return min(moments, default=None)


def find_due(connection: sa.Connection, at: datetime, wanted: Wanted) -> "list[sa.Row[datetime, int, int]]":
    """What is due, or lost its worker before the dot: moment, number and bytes of each, the earliest first."""
    found: list[Found] = [connection.execute(_abandoned(at, wanted)).all()]
    for way, first, last in _edges(connection):
        if way in wanted.busy:
            continue
        is_astray = last > at + _LONGEST_WAIT
        if is_astray:
            connection.execute(_PULL_BACK, {"of": way, "limit": at + _LONGEST_WAIT, "at": at})
        if is_astray or first <= at:
            found.append(connection.execute(_of_way(wanted), {"way": way, "at": at, "most": wanted.most}).all())
    return list(islice(merge(*found), wanted.most))


def lease_is_over(at: datetime) -> sa.ColumnElement[bool]:
    """Whether a lease has ended."""
    lease = _DELIVERY.c.lease_until
    return sa.or_(lease < at, lease > at + _LONGEST_LEASE)


def _edges(connection: sa.Connection) -> Iterator[tuple[int, datetime, datetime]]:
    """The first and the last moment of each way where something waits."""
    return ((way, first, last) for way, first, last in connection.execute(_EDGES).all() if first)


def _abandoned(at: datetime, wanted: Wanted) -> "sa.Select[datetime, int, int]":
    return (
        _FOUND.where(IS_SENT_NOW, lease_is_over(at), _DELIVERY.c.dot_at.is_(None))
        .where(_DELIVERY.c.way.not_in(wanted.busy))
        .order_by(_DELIVERY.c.next_attempt, _DELIVERY.c.id)
        .limit(wanted.most)
        .with_for_update(skip_locked=True, of=_DELIVERY)
    )


def _of_way(wanted: Wanted) -> "sa.Select[datetime, int, int]":
    query = _OF_WAY
    for domain in wanted.crowded:
        query = query.where(_DELIVERY.c.recipient.not_like(f"%@{_escaped(domain)}", escape="/"))
    return query


def _escaped(text: str) -> str:
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")
