"""Tickets, the people in them, and their life."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from config.errors import AskedWrongly, NotFound
from storage.agents import NoticeKind
from storage.columns import Choice, Json, UtcDateTime, partial_index
from storage.ids import MAX_NUMBER
from storage.notices import News, tell
from storage.queues import Queue


class Status(StrEnum):
    """Agents may set any status; only the moves of `MOVES` happen by themselves."""

    NEW = "new"  # nobody of us has acted
    OPEN = "open"  # we owe something
    PENDING = "pending"  # the customer owes something
    SOLVED = "solved"
    CLOSED = "closed"


MOVES: dict[Status, frozenset[Status]] = {
    Status.NEW: frozenset({Status.PENDING, Status.OPEN, Status.SOLVED}),
    Status.OPEN: frozenset({Status.PENDING, Status.SOLVED}),
    Status.PENDING: frozenset({Status.OPEN, Status.SOLVED}),
    Status.SOLVED: frozenset({Status.OPEN, Status.PENDING, Status.CLOSED}),
    Status.CLOSED: frozenset({Status.OPEN, Status.PENDING}),
}


class ParticipantRole(StrEnum):
    """What somebody is in a ticket."""

    CUSTOMER = "customer"
    COPIED = "copied"  # an agent added him: answers go to him too
    NAMED = "named"  # stands in From, To or Cc of a mail in the ticket; is mailed only when an agent adds him
    AGENT = "agent"  # wrote to the customer from his own mail program, and so began the ticket
    UNVERIFIED = "unverified"  # wrote with a mark of ours, and is nobody whom we know


# A stored Message-ID is good evidence from these only.
TRUSTED_ROLES = (ParticipantRole.CUSTOMER, ParticipantRole.COPIED, ParticipantRole.NAMED, ParticipantRole.AGENT)


class LinkKind(StrEnum):
    """How two tickets belong together."""

    RELATED = "related"
    FOLLOW_UP = "follow-up"  # a later ticket continues a closed one
    SIBLING = "sibling"  # one mail to two queues
    MERGED = "merged"
    SPLIT = "split"
    FORWARD = "forward"  # a mail of one ticket was sent to another queue


class Priority(StrEnum):
    """How much a matter presses; lists show the higher ones first where they are asked to."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Ticket(SQLModel, table=True):
    """A matter. Its id is the number that people say."""

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    queue_id: int = Field(foreign_key="queue.id")
    subject: str = ""
    status: Status = Field(default=Status.NEW, sa_column=sa.Column(Choice(Status), nullable=False))
    priority: Priority = Field(default=Priority.NORMAL, sa_column=sa.Column(Choice(Priority), nullable=False))
    contact_id: int | None = Field(default=None, foreign_key="contact.id")
    customer_address: str = ""  # canonical: where answers go
    assignee_id: int | None = Field(default=None, foreign_key="agent.id")
    address_id: int | None = Field(default=None, foreign_key="address.id")  # the way it came in
    source_inbox: str = ""
    way: int | None = None  # how its answers leave: None as the address and the queue say, else as in the outbox
    messages: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # first of solved or closed
    pending_until: datetime | None = Field(default=None, sa_type=UtcDateTime)  # opens by itself then
    merged_into: int | None = Field(default=None, foreign_key="ticket.id")
    marks_from: str = ""  # marks of mails with an id before this one locate it no more
    split_at: str = ""  # mails of ours with an id before this one may stand in another ticket: `storage.whereabouts`

    __table_args__ = (
        sa.Index("ix_ticket_queue_status", "queue_id", "status", "updated_at"),
        sa.Index("ix_ticket_status", "status", "updated_at"),
        sa.Index("ix_ticket_assignee_status", "assignee_id", "status"),
        sa.Index("ix_ticket_contact_created", "contact_id", "created_at"),
        # Small: only what somebody has put off is in it.
        partial_index("ix_ticket_pending_until", "pending_until", where="pending_until IS NOT NULL"),
    )


class Participant(SQLModel, table=True):
    """Somebody in a ticket, by canonical address."""

    ticket_id: int = Field(foreign_key="ticket.id", primary_key=True)
    address: str = Field(primary_key=True)
    name: str = ""
    role: ParticipantRole = Field(sa_column=sa.Column(Choice(ParticipantRole), nullable=False))


class TicketQueue(SQLModel, table=True):
    """A queue that a ticket is in, came in through or was in: its mail stays whole when it moves."""

    __tablename__ = "ticket_queue"

    ticket_id: int = Field(foreign_key="ticket.id", primary_key=True)
    queue_id: int = Field(foreign_key="queue.id", primary_key=True)


class TicketLink(SQLModel, table=True):
    """Two tickets belong together; seen from both."""

    __tablename__ = "ticket_link"

    ticket_id: int = Field(foreign_key="ticket.id", primary_key=True)
    other_id: int = Field(foreign_key="ticket.id", primary_key=True, index=True)
    kind: LinkKind = Field(sa_column=sa.Column(Choice(LinkKind), nullable=False))


class Event(SQLModel, table=True):
    """Something that was done to a ticket, by whom and when: its audit trail."""

    id: int | None = Field(default=None, primary_key=True)
    ticket_id: int = Field(foreign_key="ticket.id", index=True)
    at: datetime = Field(sa_type=UtcDateTime)
    kind: str  # created | status | assigned | moved | linked | reopened | customer | held ...
    by: str = ""  # an agent's address, or `gateway`
    text: str = ""


class Shown(SQLModel, table=True):
    """What an agent saw last of a ticket: the id of its newest message then."""

    agent_id: int = Field(foreign_key="agent.id", primary_key=True)
    ticket_id: int = Field(foreign_key="ticket.id", primary_key=True)
    message_id: int
    drift: list[str] = Field(default_factory=list, sa_column=sa.Column(Json, nullable=False))


def get_ticket(session: Session, number: int) -> Ticket:
    """The ticket of this number. Raises NotFound."""
    ticket = session.get(Ticket, number) if abs(number) <= MAX_NUMBER else None
    if ticket is None:
        raise NotFound(f"There is no ticket {number}: see `gateway ticket list`")
    return ticket


def move_by_itself(session: Session, ticket: Ticket, to: Status, *, by: str, why: str) -> bool:
    """Change the status as a consequence of mail; a move that is not in MOVES does not happen."""
    if to not in MOVES[ticket.status]:
        return False
    set_status(session, ticket, to, by=by, why=why)
    return True


def set_status(session: Session, ticket: Ticket, to: Status, *, by: str, why: str = "") -> None:
    """Change the status, as an agent may, whatever it was."""
    if ticket.status == to:
        return
    note(session, ticket, "status", by=by, text=f"{ticket.status} -> {to}" + (f": {why}" if why else ""))
    if to in (Status.SOLVED, Status.CLOSED):
        ticket.settled_at = ticket.settled_at or now()
    else:
        ticket.settled_at = None
    ticket.status, ticket.pending_until = to, None
    session.add(ticket)


def note(session: Session, ticket: Ticket, kind: str, *, by: str, text: str = "") -> None:
    """Add a line to the audit trail, and say that the ticket has changed."""
    at = now()
    session.add(Event(ticket_id=ticket.id, at=at, kind=kind, by=by, text=text))
    ticket.updated_at = at
    session.add(ticket)
    session.flush()


def assign(session: Session, ticket: Ticket, agent_id: int | None, *, by: str, text: str) -> None:
    """Make somebody responsible, or nobody."""
    if ticket.assignee_id != agent_id:
        ticket.assignee_id = agent_id
        note(session, ticket, "assigned", by=by, text=text)
        if agent_id is not None:
            tell(session, News(NoticeKind.ASSIGNED, f"assigned to you by {by}", by=by), ticket)


def set_priority(session: Session, ticket: Ticket, priority: Priority, *, by: str) -> None:
    """Say how much a matter presses."""
    if ticket.priority != priority:
        note(session, ticket, "priority", by=by, text=f"{ticket.priority} -> {priority}")
        ticket.priority = priority
        session.add(ticket)


def move_to_queue(session: Session, ticket: Ticket, queue: Queue, *, by: str) -> None:
    """Put a ticket into another queue; mail that belongs to it still finds it."""
    if ticket.queue_id == queue.number:
        return
    old = session.get_one(Queue, ticket.queue_id)
    ticket.queue_id = queue.number
    if session.get(TicketQueue, (ticket.id, queue.number)) is None:
        session.add(TicketQueue(ticket_id=ticket.id, queue_id=queue.number))
    note(session, ticket, "moved", by=by, text=f"{old.name} -> {queue.name}")


def link(session: Session, first: int, second: int, kind: LinkKind) -> None:
    """Say that two tickets belong together; twice is once."""
    if first == second:
        raise AskedWrongly("A ticket cannot be linked to itself")
    if not session.get(TicketLink, (first, second)) and not session.get(TicketLink, (second, first)):
        session.add(TicketLink(ticket_id=first, other_id=second, kind=kind))
        session.flush()


def unlink(session: Session, first: int, second: int) -> None:
    """Say that two tickets do not belong together. Raises NotFound when nobody said they did."""
    found = session.get(TicketLink, (first, second)) or session.get(TicketLink, (second, first))
    if found is None:
        raise NotFound(f"Tickets {first} and {second} are not linked")
    session.delete(found)
    session.flush()


def links_of(session: Session, number: int) -> list[tuple[int, LinkKind]]:
    """The other tickets that belong to this one."""
    rows = session.exec(
        select(TicketLink).where(sa.or_(col(TicketLink.ticket_id) == number, col(TicketLink.other_id) == number))
    ).all()
    return sorted((row.other_id if row.ticket_id == number else row.ticket_id, row.kind) for row in rows)


def participants_of(session: Session, number: int) -> list[Participant]:
    """Everybody in the ticket, the customer first."""
    order = list(ParticipantRole)
    rows = session.exec(select(Participant).where(Participant.ticket_id == number)).all()
    return sorted(rows, key=lambda row: (order.index(row.role), row.address))


def events_of(session: Session, number: int) -> list[Event]:
    """The audit trail, oldest first."""
    return list(session.exec(select(Event).where(Event.ticket_id == number).order_by(col(Event.id))).all())
