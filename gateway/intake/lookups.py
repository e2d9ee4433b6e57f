"""What a batch of mails asks the database: one prepared statement a table, never one a mail.

Every statement goes through an index, so that finding a thread costs the same in a full database. What is done with
the answers is `gateway.intake.desk`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, select

from storage.addresses import CreationAddress
from storage.agents import Agent
from storage.columns import table_of
from storage.contacts import Contact, ContactAddress
from storage.messages import Message, MessageReference
from storage.queues import SUGGESTED_AFTER, Queue, SourceInbox
from storage.tickets import Participant, ParticipantRole, Status, Ticket, TicketQueue

_PARTICIPANT, _HOME, _TICKET = table_of(Participant), table_of(TicketQueue), table_of(Ticket)
_CONTACT, _ADDRESS, _ENTRANCE = table_of(Contact), table_of(ContactAddress), table_of(CreationAddress)
_REFERENCE, _MESSAGE, _INBOX = table_of(MessageReference), table_of(Message), table_of(SourceInbox)


def _among(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam("among", expanding=True))


# Statements are made once: SQLAlchemy takes ten times as long to build one as the database to run it.
_AGENTS = sa.select(table_of(Agent).c.email, table_of(Agent).c.id).where(table_of(Agent).c.removed_at.is_(None))
_INBOXES = sa.select(_INBOX.c.address, _INBOX.c.confirmed).where(
    sa.or_(_INBOX.c.confirmed, _INBOX.c.mails >= SUGGESTED_AFTER)
)
_PEOPLE = sa.select(_ADDRESS.c.address, _CONTACT.c.id, _CONTACT.c.known, _CONTACT.c.blocked).where(
    _ADDRESS.c.contact_id == _CONTACT.c.id, _among(_ADDRESS.c.address)
)
_RECENT = (
    sa.select(_TICKET.c.contact_id, _TICKET.c.subject, _TICKET.c.created_at, _MESSAGE.c.content_key)
    .outerjoin(_MESSAGE, sa.and_(_MESSAGE.c.ticket_id == _TICKET.c.id, _MESSAGE.c.position == 1))
    .where(_among(_TICKET.c.contact_id), _TICKET.c.created_at >= sa.bindparam("since"))
    .limit(10_000)
)
_REFERENCES = (
    sa.select(_REFERENCE.c.key, _REFERENCE.c.ticket_id, _REFERENCE.c.is_own, _MESSAGE.c.content_key)
    .outerjoin(_MESSAGE, sa.and_(_REFERENCE.c.is_own, _MESSAGE.c.id == _REFERENCE.c.message_id))
    .where(_among(_REFERENCE.c.key))
    # Each mail of a long thread names its first one: all of them together are one row, and none of them is read.
    .group_by(_REFERENCE.c.key, _REFERENCE.c.ticket_id, _REFERENCE.c.is_own, _MESSAGE.c.content_key)
    .order_by(sa.func.min(_REFERENCE.c.message_id))
)
_PARTICIPANTS = (
    sa.select(_PARTICIPANT.c.ticket_id, _PARTICIPANT.c.address, _PARTICIPANT.c.role, _ADDRESS.c.contact_id)
    .outerjoin(_ADDRESS, _ADDRESS.c.address == _PARTICIPANT.c.address)
    .where(_among(_PARTICIPANT.c.ticket_id))
)
_HOMES = sa.select(_HOME).where(_among(_HOME.c.ticket_id))
_ENTRANCES = sa.select(_ENTRANCE.c.address, _ENTRANCE.c.id, _ENTRANCE.c.queue_id).where(_among(_ENTRANCE.c.address))
_OPEN = (
    sa.select(_TICKET.c.id)
    .outerjoin(_MESSAGE, sa.and_(_MESSAGE.c.ticket_id == _TICKET.c.id, _MESSAGE.c.position == _TICKET.c.messages))
    .where(
        _TICKET.c.contact_id == sa.bindparam("contact"),
        _TICKET.c.queue_id == sa.bindparam("queue"),
        _TICKET.c.status.in_((Status.NEW, Status.OPEN, Status.PENDING)),
        # A message that is not there yet is one of this batch.
        sa.or_(_MESSAGE.c.filed_at >= sa.bindparam("since"), _MESSAGE.c.id.is_(None)),
        _TICKET.c.merged_into.is_(None),
    )
    .order_by(_TICKET.c.updated_at.desc())
    .limit(1)
)
# Objects, since they are changed, or handed to others who expect them.
_QUEUES = select(Queue)
_TICKETS = select(Ticket).where(_among(_TICKET.c.id)).order_by(_TICKET.c.id).with_for_update()

# A longer list stands by itself in its statement.
_MOST_PADDED = 1024


@dataclass(frozen=True, slots=True)
class Entrance:
    """A creation address: its number, and the queue to which it leads."""

    id: int
    queue_id: int


@dataclass(frozen=True, slots=True)
class Known:
    """A stored id: in which ticket, and whether it is the id of a message there or only named by one."""

    ticket_id: int
    is_own: bool
    content_key: str  # of the message whose id it is


@dataclass(slots=True)
class Person:
    """What the database knows of an author."""

    contact_id: int
    known: bool = False
    blocked: bool = False
    opened: int = 0  # tickets that he has opened in the window of the flood check
    recent: list[tuple[str, str]] = field(default_factory=list)  # (subject, content key) of those of the last hour


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a ticket, by one of the addresses of his contact."""

    ticket_id: int
    address: str
    role: ParticipantRole
    contact_id: int | None


def find_agents(session: Session) -> dict[str, int]:
    """Everybody who answers, by address."""
    return {row.email: row.id for row in session.connection().execute(_AGENTS)}


def find_inboxes(session: Session) -> dict[str, bool]:
    """The inboxes that forward to us, as far as it is known or likely -> whether an operator has named them."""
    return {row.address: row.confirmed for row in session.connection().execute(_INBOXES)}


def find_queues(session: Session) -> dict[int, Queue]:
    """All queues, by number."""
    return {queue.number: queue for queue in session.exec(_QUEUES).all()}


def find_addresses(session: Session, recipients: Collection[str]) -> dict[str, Entrance]:
    """Which of these are creation addresses."""
    return {row.address: Entrance(row.id, row.queue_id) for row in _rows(session, _ENTRANCES, recipients)}


def find_people(session: Session, authors: Collection[str]) -> dict[str, Person]:
    """The contacts of these addresses. Two addresses of one contact are one person."""
    persons: dict[int, Person] = {}
    found = {}
    for row in _rows(session, _PEOPLE, authors):
        found[row.address] = persons.setdefault(row.id, Person(row.id, row.known, row.blocked))
    return found


def find_recent(
    session: Session, contacts: Collection[int], since: datetime
) -> Iterator[tuple[int, str, datetime, str]]:
    """The tickets that these contacts have opened: contact, subject, when, content of the first message."""
    for row in _rows(session, _RECENT, contacts, since=since):
        yield row.contact_id, row.subject, row.created_at, row.content_key or ""


def find_references(session: Session, keys: Collection[str]) -> dict[str, list[Known]]:
    """What is stored under these keys of ids."""
    found: dict[str, list[Known]] = {}
    for row in _rows(session, _REFERENCES, keys):
        found.setdefault(row.key, []).append(Known(row.ticket_id, row.is_own, row.content_key or ""))
    return found


def find_members(session: Session, tickets: Collection[int]) -> list[Member]:
    """Everybody in these tickets."""
    return [
        Member(row.ticket_id, row.address, row.role, row.contact_id) for row in _rows(session, _PARTICIPANTS, tickets)
    ]


def find_homes(session: Session, tickets: Collection[int]) -> list[tuple[int, int]]:
    """The queues that these tickets are in or were in: ticket, queue."""
    return [(row.ticket_id, row.queue_id) for row in _rows(session, _HOMES, tickets)]


def lock_tickets(session: Session, numbers: Collection[int]) -> dict[int, Ticket]:
    """Tickets by number; on PostgreSQL they stay as they are until we are done."""
    return {ticket.id: ticket for ticket in session.exec(_TICKETS, params={"among": _padded(numbers)}).all()}


def newest_open(session: Session, contact_id: int, queue_id: int, since: datetime) -> int | None:
    """The open ticket of a contact in a queue that moved last, if anybody wrote in it since then."""
    return session.connection().execute(_OPEN, {"contact": contact_id, "queue": queue_id, "since": since}).scalar()


def _rows(
    session: Session, statement: sa.Select[Any], among: Collection[object], **values: object
) -> Sequence[sa.Row[Any]]:
    if not among:
        return ()
    return session.connection().execute(statement, {"among": _padded(among), **values}).all()


def _padded(among: Collection[object]) -> list[object]:
    """The same and one of them again and again, up to a power of two.

    How many there are stands in the text of a statement, and SQLite reads anew what it has not seen before.
    """
    wanted = list(among)
    if not 0 < len(wanted) < _MOST_PADDED:
        return wanted
    return wanted + wanted[:1] * ((1 << (len(wanted) - 1).bit_length()) - len(wanted))
