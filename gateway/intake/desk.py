"""What intake knows while it decides a batch of mails, and what it is about to write.

Everything that the batch may ask is fetched with one query a table; what earlier mails of the batch have
changed is seen by later ones. `save` writes it all, set-based, in the transaction of the session.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import make_transient_to_detached
from sqlmodel import Session, SQLModel, col, select

from gateway.intake.case import Case
from gateway.intake.rules.load import load_rules
from outbound.post_office import PostOffice
from storage.addresses import CreationAddress
from storage.agents import Agent
from storage.columns import insert_or_skip, table_of
from storage.contacts import Contact, ContactAddress
from storage.erasure import erased_among
from storage.ids import give_back_numbers, take_numbers
from storage.messages import Message, MessageReference, NewMessage, file_messages, reference_key
from storage.queues import Queue, SourceInbox
from storage.tags import TicketTag
from storage.tickets import Event, LinkKind, Participant, ParticipantRole, Status, Ticket, TicketLink, TicketQueue

_PARTICIPANT, _HOME, _TICKET = table_of(Participant), table_of(TicketQueue), table_of(Ticket)
_CONTACT, _ADDRESS = table_of(Contact), table_of(ContactAddress)
_REFERENCE, _MESSAGE = table_of(MessageReference), table_of(Message)


def _among(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam("among", expanding=True))


# Statements are made once: SQLAlchemy takes ten times as long to build one as the database to run it.
_AGENTS = sa.select(table_of(Agent).c.email, table_of(Agent).c.id).where(table_of(Agent).c.removed_at.is_(None))
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
    sa.select(_REFERENCE, _MESSAGE.c.content_key)
    .join(_MESSAGE, _MESSAGE.c.id == _REFERENCE.c.message_id)
    .where(_among(_REFERENCE.c.key))
    .order_by(_REFERENCE.c.message_id)
)
_ROLES = sa.select(_PARTICIPANT.c.ticket_id, _PARTICIPANT.c.address, _PARTICIPANT.c.role).where(
    _among(_PARTICIPANT.c.ticket_id)
)
_HOMES = sa.select(_HOME).where(_among(_HOME.c.ticket_id))
# Rows that others refer to come first.
_ORDER = (Contact, ContactAddress, Ticket, TicketQueue, TicketTag, Participant, Event, TicketLink)


@dataclass(frozen=True, slots=True)
class Known:
    """A stored id: in which ticket, and whether it is the id of a message there or only named by one."""

    ticket_id: int
    message_id: int | None  # None: a message of this batch
    is_own: bool
    content_key: str


@dataclass(slots=True)
class Person:
    """What the database knows of an author."""

    contact_id: int
    known: bool = False
    blocked: bool = False
    opened: int = 0  # tickets that he has opened in the window of the flood check
    recent: list[tuple[str, str]] = field(default_factory=list)  # (subject, content key) of those of the last hour


@dataclass(slots=True)
class Filed:
    """A mail on its way into a ticket."""

    case: Case
    message: NewMessage
    ticket: Ticket
    is_new_ticket: bool
    number: int = 0


class Desk:
    """The database as one batch of `mails` sees it. One writer at a time: the caller holds the filing lock."""

    def __init__(self, session: Session, office: PostOffice, at: datetime, mails: int) -> None:
        self.session, self.office, self.at = session, office, at
        self.queues = {queue.number: queue for queue in session.exec(select(Queue)).all()}
        self.agents: dict[str, int] = {row.email: row.id for row in session.connection().execute(_AGENTS)}
        self.rules = load_rules(session)
        self.inboxes = {inbox.address: inbox for inbox in session.exec(select(SourceInbox)).all()}
        self.addresses: dict[str, CreationAddress] = {}
        self.people: dict[str, Person] = {}
        self.erased: set[str] = set()  # digests of mails of the batch that were erased before
        self.references: dict[str, list[Known]] = {}
        self.tickets: dict[int, Ticket] = {}
        self.roles: dict[int, dict[str, ParticipantRole]] = {}
        self.homes: dict[int, set[int]] = {}
        self.filed: list[Filed] = []
        self._rows: dict[type[SQLModel], list[dict[str, object]]] = {model: [] for model in _ORDER}
        self._opened: list[Ticket] = []
        self._contact_numbers = _Numbers(session, "contact", 2 * mails)
        self._ticket_numbers = _Numbers(session, "ticket", mails)

    @property
    def confirmed_inboxes(self) -> list[str]:
        """The source inboxes that an operator has named."""
        return [inbox.address for inbox in self.inboxes.values() if inbox.confirmed]

    # What is there.

    def fetch_addresses(self, recipients: Iterable[str]) -> None:
        """Learn which of these are creation addresses."""
        query = select(CreationAddress).where(col(CreationAddress.address).in_(set(recipients)))
        self.addresses = {row.address: row for row in self.session.exec(query).all()}

    def fetch(self, cases: Sequence[Case]) -> None:
        """Learn all that deciding these mails may ask."""
        self.erased = erased_among(self.session, [case.claimed.sha256 for case in cases])
        self._fetch_people({case.author for case in cases if case.author})
        keys = {reference_key(id_) for case in cases for id_ in ids_of(case)}
        self._fetch_references(keys)
        marked = {case.mark.ticket_id for case in cases if case.mark}
        self.fetch_tickets(marked | {known.ticket_id for rows in self.references.values() for known in rows})

    def _fetch_people(self, authors: set[str]) -> None:
        for row in self._rows_of(_PEOPLE, among=authors):
            self.people[row.address] = Person(row.id, row.known, row.blocked)
        self._fetch_recent({person.contact_id: person for person in self.people.values()})

    def _fetch_recent(self, people: dict[int, Person]) -> None:
        window = timedelta(minutes=self.office.settings.intake.new_tickets_window_minutes)
        opened_after, repeated_after = self.at - window, self.at - timedelta(hours=1)
        for row in self._rows_of(_RECENT, among=people, since=min(opened_after, repeated_after)):
            person = people[row.contact_id]
            person.opened += row.created_at >= opened_after
            if row.created_at >= repeated_after:
                person.recent.append((row.subject, row.content_key or ""))

    def _fetch_references(self, keys: set[str]) -> None:
        for row in self._rows_of(_REFERENCES, among=keys):
            known = Known(row.ticket_id, row.message_id, row.is_own, row.content_key)
            self.references.setdefault(row.key, []).append(known)

    def _rows_of(self, statement: sa.Select[Any], among: Collection[object], **values: object) -> Sequence[sa.Row[Any]]:
        if not among:
            return ()
        return self.session.connection().execute(statement, {"among": list(among), **values}).all()

    def fetch_tickets(self, numbers: set[int]) -> None:
        """Learn tickets with the people in them; on PostgreSQL they stay as they are until we are done."""
        wanted = numbers - self.tickets.keys()
        while wanted:
            query = select(Ticket).where(col(Ticket.id).in_(wanted)).order_by(col(Ticket.id)).with_for_update()
            found = self.session.exec(query).all()
            self.tickets |= {ticket.id: ticket for ticket in found}
            for row in self._rows_of(_ROLES, among=wanted):
                self.roles.setdefault(row.ticket_id, {})[row.address] = row.role
            for row in self._rows_of(_HOMES, among=wanted):
                self.homes.setdefault(row.ticket_id, set()).add(row.queue_id)
            # What a ticket was merged into belongs to it; a circle ends because it brings nothing new.
            wanted = {ticket.merged_into for ticket in found if ticket.merged_into} - self.tickets.keys()

    def ticket(self, number: int) -> Ticket | None:
        """A ticket by its number; a merged one leads to the one that lives."""
        self.fetch_tickets({number})
        seen: set[int] = set()
        ticket = self.tickets.get(number)
        while ticket and ticket.merged_into and ticket.id not in seen:
            seen.add(ticket.id)
            ticket = self.tickets.get(ticket.merged_into)
        return ticket

    def role(self, ticket: Ticket, address: str) -> ParticipantRole | None:
        """What somebody is in a ticket."""
        return self.roles.get(ticket.id, {}).get(address)

    # What is to be.

    def contact_of(self, case: Case) -> Person | None:
        """The author's contact, made when there is none; None when the mail names nobody."""
        if not case.author:
            return None
        if case.author not in self.people:
            number = self._contact_numbers.next()
            self._add(Contact, id=number, name=case.writer.name, created_at=self.at)
            self._add(ContactAddress, address=case.author, contact_id=number, spelling=case.writer.email)
            self.people[case.author] = Person(number)
        return self.people[case.author]

    def open_ticket(self, case: Case, subject: str) -> Ticket:
        """A new ticket for this mail, in the queue of its envelope."""
        person = self.contact_of(case)
        number = self._ticket_numbers.next()
        ticket = Ticket(
            id=number,
            queue_id=case.queue.number,
            subject=subject,
            contact_id=person.contact_id if person else None,
            customer_address=case.author,
            address_id=case.address_id,
            source_inbox=case.source_inbox,
            created_at=self.at,
            updated_at=self.at,
        )
        self._opened.append(ticket)
        self._add(TicketQueue, ticket_id=number, queue_id=case.queue.number)
        self.tickets[number], self.homes[number], self.roles[number] = ticket, {case.queue.number}, {}
        self.add_event(ticket, "created", f"by mail from {case.author or 'nobody'}")
        if person:
            person.opened += 1
        return ticket

    def add_participant(self, ticket: Ticket, address: str, name: str, role: ParticipantRole) -> None:
        """Somebody is in a ticket from now on; who is there already stays what he is."""
        roles = self.roles.setdefault(ticket.id, {})
        if address not in roles:
            roles[address] = role
            self._add(Participant, ticket_id=ticket.id, address=address, name=name, role=role)

    def add_event(self, ticket: Ticket, kind: str, text: str) -> None:
        """A line for the audit trail of a ticket."""
        self._add(Event, ticket_id=ticket.id, at=self.at, kind=kind, by="gateway", text=text)

    def add_link(self, ticket: Ticket, other: int, kind: LinkKind) -> None:
        """Two tickets belong together."""
        if ticket.id != other:
            self._add(TicketLink, ticket_id=ticket.id, other_id=other, kind=kind)

    def set_status(self, ticket: Ticket, status: Status, why: str) -> None:
        """A move that mail causes."""
        if ticket.status != status:
            self.add_event(ticket, "status", f"{ticket.status} -> {status}: {why}")
            ticket.status = status
            ticket.settled_at = ticket.pending_until = None

    def add_home(self, ticket: Ticket, queue: Queue) -> None:
        """The ticket came in through a queue, or goes to it: its mail is known there."""
        homes = self.homes.setdefault(ticket.id, set())
        if queue.number not in homes:
            homes.add(queue.number)
            self._add(TicketQueue, ticket_id=ticket.id, queue_id=queue.number)

    def move_ticket(self, ticket: Ticket, queue: Queue) -> None:
        """A rule wants a ticket in another queue."""
        if ticket.queue_id != queue.number:
            self.add_event(ticket, "moved", f"{self.queues[ticket.queue_id].name} -> {queue.name}")
            ticket.queue_id, ticket.assignee_id = queue.number, None
            self.add_home(ticket, queue)

    def assign(self, ticket: Ticket, agent_id: int, why: str) -> None:
        """Somebody is responsible from now on."""
        if ticket.assignee_id != agent_id:
            self.add_event(ticket, "assigned", why)
            ticket.assignee_id = agent_id

    def add_tag(self, ticket: Ticket, tag: str) -> None:
        """The ticket has a tag; twice is once."""
        self._add(TicketTag, ticket_id=ticket.id, tag=tag)
        self.add_event(ticket, "tags", f"+{tag}")

    def add_message(self, case: Case, ticket: Ticket, message: NewMessage, *, is_new_ticket: bool) -> None:
        """File a mail in a ticket; later mails of the batch find it by its ids."""
        ticket.messages += 1
        ticket.updated_at = self.at
        self.filed.append(Filed(case, message, ticket, is_new_ticket))
        for id_ in (message.message_id, *message.references):
            known = Known(ticket.id, None, id_ == message.message_id, message.content_key)
            self.references.setdefault(reference_key(id_), []).append(known)

    def _add(self, model: type[SQLModel], **row: object) -> None:
        # A model object costs fifty times as much to make as the row that it stands for.
        self._rows[model].append(row)

    def write(self) -> None:
        """Insert the new rows that were collected so far; from here on new tickets are like those that were fetched."""
        self._rows[Ticket] = [_columns(ticket) for ticket in self._opened]
        connection = self.session.connection()
        for model, rows in self._rows.items():
            if rows:
                connection.execute(insert_or_skip(connection, model), rows)
            rows.clear()
        for ticket in self._opened:
            make_transient_to_detached(ticket)
            self.session.add(ticket)
        self._opened.clear()

    def save(self) -> None:
        """Write what was decided. The messages then have their numbers."""
        self.write()
        self.session.flush()
        self._contact_numbers.give_back()
        self._ticket_numbers.give_back()
        numbers = file_messages(self.session, [filed.message for filed in self.filed])
        for filed, number in zip(self.filed, numbers, strict=True):
            filed.number = number


def _columns(ticket: Ticket) -> dict[str, object]:
    return {name: value for name, value in ticket.__dict__.items() if name[0] != "_"}


class _Numbers:
    """Numbers of a counter, taken at once for a whole batch and given back when they were not needed."""

    def __init__(self, session: Session, name: str, count: int) -> None:
        self._session, self._name, self._count = session, name, count
        self._taken: deque[int] = deque()

    def next(self) -> int:
        """The next one."""
        if not self._taken:
            self._taken.extend(take_numbers(self._session, self._name, self._count))
        return self._taken.popleft()

    def give_back(self) -> None:
        """Those that nobody used."""
        give_back_numbers(self._session, self._name, len(self._taken))
        self._taken.clear()


def ids_of(case: Case) -> list[str]:
    """Every id that a mail has or names."""
    return [case.mail.message_id, *case.mail.in_reply_to, *case.mail.references]
