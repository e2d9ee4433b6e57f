"""What happened to tickets lately: the audit trails of all of them, as one stream."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.tickets import Event, Ticket

_MOST = 1000


@dataclass(frozen=True, slots=True)
class Happening:
    """A line of an audit trail, with its ticket."""

    id: int
    at: datetime
    ticket: int
    subject: str
    kind: str
    text: str
    by: str


def last_happening(session: Session) -> int:
    """The id of the newest line; 0 when nothing has happened yet."""
    return session.exec(select(sa.func.max(Event.id))).one() or 0


def happenings_after(
    session: Session, last: int, *, ticket_id: int | None = None, queue_id: int | None = None
) -> list[Happening]:
    """What came after a line, the oldest first."""
    query = select(Event, Ticket.subject).join(Ticket, col(Ticket.id) == Event.ticket_id).where(col(Event.id) > last)
    if ticket_id is not None:
        query = query.where(Event.ticket_id == ticket_id)
    if queue_id is not None:
        query = query.where(Ticket.queue_id == queue_id)
    rows = session.exec(query.order_by(col(Event.id)).limit(_MOST)).all()
    return [Happening(e.id or 0, e.at, e.ticket_id, subject, e.kind, e.text, e.by) for e, subject in rows]
