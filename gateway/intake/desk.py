"""What intake is about to write of a batch of mails, on top of what it knows (`gateway.intake.knowledge`).

`save` writes it all, set-based, in the transaction of the session.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from gateway.intake.case import Case
from gateway.intake.knowledge import Knowledge
from gateway.intake.lookups import Known, Person
from gateway.intake.new_rows import NewRows
from gateway.reading.mail import Person as Writer
from outbound.post_office import PostOffice
from storage.contacts import Contact, ContactAddress, mark_known
from storage.message_filing import NewMessage, file_messages
from storage.messages import reference_key
from storage.queues import Queue
from storage.tags import TicketTag
from storage.tickets import Event, LinkKind, Participant, ParticipantRole, Status, Ticket, TicketLink, TicketQueue


@dataclass(slots=True)
class Filed:
    """A mail on its way into a ticket."""

    case: Case
    message: NewMessage
    ticket: Ticket
    is_new_ticket: bool
    number: int = 0


class Desk(Knowledge):
    """What a batch of `mails` decides. One writer at a time: the caller holds the filing lock."""

    def __init__(self, session: Session, office: PostOffice, at: datetime, mails: int) -> None:
        super().__init__(session, office, at)
        self.filed: list[Filed] = []
        self.too_late: list[tuple[Case, Ticket]] = []  # answers that are refused, and to which ticket
        self._new = NewRows(session, mails)
        self._learnt: list[str] = []

    def contact_of(self, address: str, person: Writer) -> Person | None:
        """The contact of an address, made when there is none; None when the mail names nobody."""
        if not address:
            return None
        if address not in self.people:
            number = self._new.contact_numbers.next()
            self._new.add(Contact, id=number, name=person.name, created_at=self.at)
            self._new.add(ContactAddress, address=address, contact_id=number, spelling=person.email)
            self.people[address] = Person(number)
        return self.people[address]

    def open_ticket(self, case: Case, subject: str) -> Ticket:
        """A new ticket for this mail, in the queue of its envelope."""
        person = self.contact_of(case.customer_address, case.customer)
        ticket = self._new.add_ticket(
            queue_id=case.queue.number,
            subject=subject,
            contact_id=person.contact_id if person else None,
            customer_address=case.customer_address,
            address_id=case.address_id,
            source_inbox=case.source_inbox,
            created_at=self.at,
            updated_at=self.at,
        )
        number = ticket.id
        self._new.add(TicketQueue, ticket_id=number, queue_id=case.queue.number)
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
            self._standing.add(ticket.id, address, self._contact_id(address), role)
            self._new.add(Participant, ticket_id=ticket.id, address=address, name=name, role=role)

    def add_event(self, ticket: Ticket, kind: str, text: str) -> None:
        """A line for the audit trail of a ticket."""
        self._new.add(Event, ticket_id=ticket.id, at=self.at, kind=kind, by="gateway", text=text)

    def add_link(self, ticket: Ticket, other: int, kind: LinkKind) -> None:
        """Two tickets belong together."""
        if ticket.id != other:
            self._new.add(TicketLink, ticket_id=ticket.id, other_id=other, kind=kind)

    def learn(self, address: str) -> None:
        """An agent let this author's mail in: his contact is known from now on."""
        person = self.people.get(address)
        if person and not person.known:
            person.known = True
            self._learnt.append(address)

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
            self._new.add(TicketQueue, ticket_id=ticket.id, queue_id=queue.number)

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
        self._new.add(TicketTag, ticket_id=ticket.id, tag=tag)
        self.add_event(ticket, "tags", f"+{tag}")

    def add_message(self, case: Case, ticket: Ticket, message: NewMessage, *, is_new_ticket: bool) -> None:
        """File a mail in a ticket; later mails of the batch find it by its ids."""
        ticket.messages += 1
        ticket.updated_at = self.at
        self.filed.append(Filed(case, message, ticket, is_new_ticket))
        for id_ in (message.message_id, *message.references):
            known = Known(ticket.id, id_ == message.message_id, message.content_key)
            self.references.setdefault(reference_key(id_), []).append(known)

    def write(self) -> None:
        """Insert what was decided so far, so that it can be asked for."""
        self._new.write()
        self.session.flush()

    def save(self) -> None:
        """Write what was decided. The messages then have their numbers."""
        self._new.finish()
        for address in self._learnt:
            mark_known(self.session, address)
        numbers = file_messages(self.session, [filed.message for filed in self.filed])
        for filed, number in zip(self.filed, numbers, strict=True):
            filed.number = number
