"""Authors whose mail is never held as a storm: a monitoring system, a shop, a colleague who clears his desk.

They pass the counting checks and nothing else: a blocked contact stays blocked, and who wants known contacts only
still does.
"""

from datetime import datetime

from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from config.errors import NotFound
from storage.columns import UtcDateTime, table_of
from storage.patterns import canonical_pattern, patterns_about


class Allowed(SQLModel, table=True):
    """A pattern that somebody allowed, in the forms of the block list."""

    pattern: str = Field(primary_key=True)
    by: str = ""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


def allow(session: Session, pattern: str, by: str) -> Allowed:
    """Put a pattern on the list; twice is once."""
    canonical = canonical_pattern(pattern)
    allowed = session.get(Allowed, canonical) or Allowed(pattern=canonical, by=by)
    session.add(allowed)
    session.flush()
    return allowed


def disallow(session: Session, pattern: str) -> Allowed:
    """Take a pattern off the list. Raises NotFound."""
    allowed = session.get(Allowed, canonical_pattern(pattern))
    if allowed is None:
        raise NotFound(f"{pattern} is not on the allow list as a pattern of its own: see `gateway allow list`")
    session.delete(allowed)
    session.flush()
    return allowed


def list_allowed(session: Session) -> list[Allowed]:
    """The list, in the order of the alphabet."""
    return list(session.exec(select(Allowed).order_by(col(Allowed.pattern))).all())


def allowed_by(session: Session, address: str) -> str:
    """The pattern that lets a canonical address pass; empty when there is none."""
    return patterns_about(session, table_of(Allowed).c.pattern, [address]).match(address)
