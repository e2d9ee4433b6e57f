"""Addresses that get no automatic mail for a while: their server says that there is nobody, or they complained.

The block list is what people decide and holds for every mail; this is learnt, ends by itself, and an agent may
write there all the same, warned. Any mail from the address shows that somebody is there, and ends it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from storage.columns import UtcDateTime

DURATION = timedelta(days=60)
_MAX_REASON = 300


class Suppressed(SQLModel, table=True):
    """One address, and what was said about it."""

    address: str = Field(primary_key=True)  # canonical
    reason: str
    since: datetime = Field(sa_type=UtcDateTime)
    until: datetime = Field(sa_type=UtcDateTime)


# Made once: it is asked for every batch of mail.
_END = sa.delete(Suppressed).where(col(Suppressed.address).in_(sa.bindparam("addresses", expanding=True)))


def suppress(session: Session, address: str, reason: str) -> None:
    """No automatic mail goes there for a while; what is newer counts."""
    at = now()
    row = session.get(Suppressed, address) or Suppressed(address=address, reason="", since=at, until=at)
    row.reason, row.since, row.until = reason[:_MAX_REASON], at, at + DURATION
    session.add(row)
    session.flush()


def suppressed(session: Session, addresses: Collection[str]) -> dict[str, Suppressed]:
    """Those of these canonical addresses that get no automatic mail now."""
    query = select(Suppressed).where(col(Suppressed.address).in_(addresses), col(Suppressed.until) > now())
    return {row.address: row for row in session.exec(query).all()}


def list_suppressed(session: Session) -> list[Suppressed]:
    """All that are in force, the newest first."""
    query = select(Suppressed).where(col(Suppressed.until) > now()).order_by(col(Suppressed.since).desc())
    return list(session.exec(query).all())


def end_suppression(session: Session, addresses: Collection[str]) -> int:
    """Somebody is there; returns how many were believed not to be."""
    if not addresses:
        return 0
    return session.connection().execute(_END, {"addresses": list(addresses)}).rowcount
