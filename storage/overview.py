"""Tickets as rows of a list, each with the names that people read, in one query."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.agents import Agent
from storage.contacts import Contact
from storage.queues import Queue
from storage.tags import TicketTag, tags_by_ticket
from storage.tickets import Priority, Status, Ticket

ACTIVE = (Status.NEW, Status.OPEN, Status.PENDING)
_OWED = (Status.NEW, Status.OPEN)
_NEWEST = 2000


@dataclass(frozen=True, slots=True)
class Named:
    """A name and an address."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A ticket in a list."""

    number: int
    queue: str
    subject: str
    status: Status
    assignee: Named | None
    contact: Named | None
    created: datetime
    updated: datetime
    messages: int
    priority: Priority
    tags: list[str]
    pending_until: datetime | None
    color: str  # of its queue


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tickets to list; nothing given: those that are not done."""

    statuses: Sequence[Status] = ACTIVE
    queue_id: int | None = None
    assignee_id: int | None = None
    unassigned: bool = False
    contact_id: int | None = None
    numbers: Sequence[int] | None = None
    tags: Sequence[str] = ()  # all of them
    priorities: Sequence[Priority] = ()  # one of them
    updated_before: datetime | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """What waits in a queue."""

    queue: str
    new: int
    open: int
    pending: int
    unassigned: int  # of new, open and pending ones
    held: int  # mails
    oldest_waiting: datetime | None = None  # since when the oldest new or open one waits
    last_mail: datetime | None = None  # of the newest mails; None: not among them


def ticket_rows(session: Session, wanted: Wanted, limit: int) -> list[TicketRow]:
    """Tickets, the one that moved last first unless the oldest is wanted first."""
    order = (col(Ticket.updated_at), col(Ticket.id))
    query = (
        select(Ticket, Queue, Agent, Contact)
        .join(Queue, col(Queue.id) == Ticket.queue_id)
        .join(Agent, col(Agent.id) == Ticket.assignee_id, isouter=True)
        .join(Contact, col(Contact.id) == Ticket.contact_id, isouter=True)
        .where(*_conditions(wanted))
        .order_by(*(order if wanted.oldest_first else [column.desc() for column in order]))
        .limit(limit)
    )
    found = session.exec(query).all()
    tags = tags_by_ticket(session, [row[0].id for row in found])
    return [_row(*row, tags=tags.get(row[0].id, [])) for row in found]


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [col(Ticket.status).in_(wanted.statuses)]
    if wanted.queue_id is not None:
        conditions.append(col(Ticket.queue_id) == wanted.queue_id)
    if wanted.assignee_id is not None:
        conditions.append(col(Ticket.assignee_id) == wanted.assignee_id)
    if wanted.unassigned:
        conditions.append(col(Ticket.assignee_id).is_(None))
    if wanted.contact_id is not None:
        conditions.append(col(Ticket.contact_id) == wanted.contact_id)
    if wanted.numbers is not None:
        conditions.append(col(Ticket.id).in_(wanted.numbers))
    if wanted.priorities:
        conditions.append(col(Ticket.priority).in_(wanted.priorities))
    if wanted.updated_before is not None:
        conditions.append(col(Ticket.updated_at) < wanted.updated_before)
    for tag in wanted.tags:
        conditions.append(col(Ticket.id).in_(select(TicketTag.ticket_id).where(TicketTag.tag == tag)))
    return conditions


def _row(ticket: Ticket, queue: Queue, agent: Agent | None, contact: Contact | None, *, tags: list[str]) -> TicketRow:
    return TicketRow(
        number=ticket.id,
        queue=queue.name,
        subject=ticket.subject,
        status=ticket.status,
        assignee=Named(agent.name, agent.email) if agent else None,
        contact=Named(contact.name if contact else "", ticket.customer_address) if ticket.customer_address else None,
        created=ticket.created_at,
        updated=ticket.updated_at,
        messages=ticket.messages,
        priority=ticket.priority,
        tags=tags,
        pending_until=ticket.pending_until,
        color=queue.color,
    )


def numbers_after(session: Session, last: int, limit: int) -> list[int]:
    """The numbers of the next tickets after one, in their order."""
    query = select(Ticket.id).where(col(Ticket.id) > last).order_by(col(Ticket.id)).limit(limit)
    return list(session.exec(query).all())


def next_ticket(session: Session, agent_id: int | None) -> int | None:
    """The ticket that waits longest for an answer of ours: the agent's own, then nobody's; what presses first."""
    pressing = sa.case({priority: place for place, priority in enumerate(reversed(Priority))}, value=Ticket.priority)
    query = (
        select(Ticket.id)
        .where(col(Ticket.status).in_(_OWED))
        .where(sa.or_(col(Ticket.assignee_id) == agent_id, col(Ticket.assignee_id).is_(None)))
        .order_by(col(Ticket.assignee_id).is_(None), pressing, col(Ticket.updated_at), col(Ticket.id))
        .limit(1)
    )
    return session.exec(query).first()


def count_by_queue(session: Session) -> list[QueueCounts]:
    """What waits, queue by queue."""
    query = (
        select(Ticket.queue_id, Ticket.status, col(Ticket.assignee_id).is_(None), sa.func.count())
        .where(col(Ticket.status).in_(ACTIVE))
        .group_by(col(Ticket.queue_id), col(Ticket.status), col(Ticket.assignee_id).is_(None))
    )
    counted = [(queue, Status(status), bool(free), count) for queue, status, free, count in session.exec(query).all()]
    held, waiting, last = held_by_queue(session), _oldest_by_queue(session), _last_mail_by_queue(session)
    queues = session.exec(select(Queue).where(col(Queue.archived_at).is_(None)).order_by(col(Queue.key))).all()
    return [
        replace(
            _counts(queue, [c[1:] for c in counted if c[0] == queue.id], held),
            oldest_waiting=waiting.get(queue.number),
            last_mail=last.get(queue.number),
        )
        for queue in queues
    ]


def _oldest_by_queue(session: Session) -> dict[int, datetime]:
    query = select(Ticket.queue_id, sa.func.min(Ticket.updated_at)).where(col(Ticket.status).in_(_OWED))
    return dict(session.exec(query.group_by(col(Ticket.queue_id))).all())


def _last_mail_by_queue(session: Session) -> dict[int, datetime]:
    """Among the newest mails only: a queue that got none for so long is told by its silence."""
    from storage.mailboxes import ways_in
    from storage.spool import Acceptance, Spool  # slow, as below

    ways = ways_in()
    newest = select(Spool.recipient, Spool.acceptance_id).order_by(col(Spool.id).desc()).limit(_NEWEST).subquery()
    query = (
        select(ways.c.queue_id, sa.func.max(Acceptance.received_at))
        .join(newest, newest.c.recipient == ways.c.address)
        .join(Acceptance, col(Acceptance.id) == newest.c.acceptance_id)
        .group_by(ways.c.queue_id)
    )
    return dict(session.exec(query).all())


def _counts(queue: Queue, counted: Sequence[tuple[Status, bool, int]], held: dict[int, int]) -> QueueCounts:
    def of(status: Status) -> int:
        return sum(count for found, _, count in counted if found is status)

    return QueueCounts(
        queue=queue.name,
        new=of(Status.NEW),
        open=of(Status.OPEN),
        pending=of(Status.PENDING),
        unassigned=sum(count for _, free, count in counted if free),
        held=held.get(queue.number, 0),
    )


def held_by_queue(session: Session) -> dict[int, int]:
    """How many mails are held, by the queue to whose address they came."""
    from storage.mailboxes import ways_in
    from storage.spool import Spool, SpoolState  # slow (0.1 s), and a list of tickets does without

    ways = ways_in()
    query = (
        select(ways.c.queue_id, sa.func.count())
        .join(Spool, col(Spool.recipient) == ways.c.address)
        .where(col(Spool.state) == SpoolState.HELD)
        .group_by(ways.c.queue_id)
    )
    return dict(session.exec(query).all())


def count_waiting(session: Session) -> int:
    """How many mails are accepted and not yet filed."""
    from storage.spool import Spool

    # Written out, so that both databases see that the partial index serves.
    waiting = sa.text("state IN ('received', 'failed')")
    return session.exec(select(sa.func.count()).select_from(Spool).where(waiting)).one()
