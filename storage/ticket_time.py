"""What time does to tickets: what was put off opens, what was solved long enough ago is closed.

Intake asks between batches; whoever comes first does it.
"""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from storage.queues import Queue
from storage.tickets import Status, Ticket, note, set_status


def put_off(session: Session, ticket: Ticket, until: datetime, *, by: str) -> None:
    """Make a ticket pending; it opens by itself at that moment, or when the customer writes."""
    set_status(session, ticket, Status.PENDING, by=by)
    note(session, ticket, "pending until", by=by, text=f"{until:%Y-%m-%d %H:%M} UTC")
    ticket.pending_until = until
    session.add(ticket)
    session.flush()


def open_due(session: Session, at: datetime, limit: int = 500) -> int:
    """Open what was put off until now. Returns how many."""
    query = select(Ticket).where(col(Ticket.pending_until) <= at).limit(limit)
    due = session.exec(query).all()
    for ticket in due:
        set_status(session, ticket, Status.OPEN, by="gateway", why="its time has come")
    session.flush()
    return len(due)


def close_solved(session: Session, at: datetime, limit: int = 500) -> int:
    """Close what was solved long enough ago, by the policy of its queue. Returns how many, `limit` a queue at most."""
    closed = 0
    for queue in session.exec(select(Queue).where(Queue.close_after_days > 0)).all():
        cutoff = at - timedelta(days=queue.close_after_days)
        query = select(Ticket).where(Ticket.status == Status.SOLVED, Ticket.queue_id == queue.id).limit(limit)
        for ticket in session.exec(query.where(col(Ticket.settled_at) <= cutoff)).all():
            set_status(session, ticket, Status.CLOSED, by="gateway", why=f"solved {queue.close_after_days} days ago")
            closed += 1
    session.flush()
    return closed
