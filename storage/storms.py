"""Mail that was held because its author sent too much of it, and how it goes on by itself.

A storm is over when its author has been quiet for a while. What was held then goes on in portions, the oldest first:
released all at once it would be the storm again. A person may release or drop it sooner.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlmodel import Field, Session, SQLModel, col, select

from storage.allowlist import allowed_by
from storage.columns import UtcDateTime, insert_or_skip
from storage.spool import Spool, SpoolState, release

_MOST_AUTHORS = 100
_MOST_AT_ONCE = 10_000


class Storm(SQLModel, table=True):
    """An author some of whose mail is held."""

    author: str = Field(primary_key=True)  # canonical
    last_at: datetime = Field(sa_type=UtcDateTime, index=True)  # when his last mail was held, or a portion released


def note_storms(session: Session, authors: Collection[str], at: datetime) -> None:
    """Mail of these authors is held from now on, or still."""
    connection = session.connection()
    for author in sorted(authors):
        storm = session.get(Storm, author)
        if storm is None:
            connection.execute(insert_or_skip(connection, Storm), [{"author": author, "last_at": at}])
        else:
            storm.last_at = at
            session.add(storm)
    session.flush()


def release_quiet(session: Session, at: datetime, quiet: timedelta, portion: int) -> list[str]:
    """Let the held mail of authors go on who have been quiet for so long, `portion` mails each; returns its ids."""
    query = select(Storm).where(Storm.last_at <= at - quiet).order_by(col(Storm.last_at)).limit(_MOST_AUTHORS)
    released: list[str] = []
    for storm in session.exec(query.with_for_update(skip_locked=True)).all():
        rows = _held_of(session, storm.author, portion + 1)
        released += _release(session, rows[:portion])
        if len(rows) > portion:
            storm.last_at = at
            session.add(storm)
        else:
            session.delete(storm)
    session.flush()
    return released


def release_allowed(session: Session) -> list[str]:
    """Let all held mail of authors go on whom somebody has allowed meanwhile; returns its ids."""
    released: list[str] = []
    for storm in session.exec(select(Storm).limit(_MOST_AT_ONCE)).all():
        if allowed_by(session, storm.author):
            released += _release(session, _held_of(session, storm.author, _MOST_AT_ONCE))
            session.delete(storm)
    session.flush()
    return released


def _held_of(session: Session, author: str, limit: int) -> list[Spool]:
    # A person's own decision, and what is held for another reason, is none of a storm's business.
    query = select(Spool).where(Spool.state == SpoolState.HELD, Spool.storm_of == author)
    return list(session.exec(query.order_by(col(Spool.id)).limit(limit).with_for_update()).all())


def _release(session: Session, rows: list[Spool]) -> list[str]:
    for row in rows:
        release(session, row)
    session.flush()
    return [row.id for row in rows]
