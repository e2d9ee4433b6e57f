"""What intake knows while it decides a batch of mails, and what it is about to write.

Everything that the batch may ask is fetched with one query a table (`gateway.intake.lookups`); what earlier mails of
the batch have changed is seen by later ones. `save` writes it all, set-based, in the transaction of the session.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from gateway.intake.case import Case
from gateway.intake.lookups import (
    Entrance,
    Known,
    Person,
    find_addresses,
    find_agents,
    find_homes,
    find_inboxes,
    find_members,
    find_people,
    find_queues,
    find_recent,
    find_references,
    lock_tickets,
)
from gateway.intake.new_rows import NewRows
from gateway.intake.rules.load import load_rules
from gateway.intake.standing import Standing
from gateway.reading.mail import Person as Writer
from outbound.marks import Mark
from outbound.post_office import PostOffice
from storage.address import domain_of
from storage.contacts import Contact, ContactAddress, mark_known
from storage.erasure import erased_among
from storage.mailboxes import queue_ids_by_mailbox
from storage.message_filing import NewMessage, file_messages
from storage.messages import reference_key
from storage.queues import Queue
from storage.tags import TicketTag
from storage.tickets import (
    TRUSTED_ROLES,
    Event,
    LinkKind,
    Participant,
    ParticipantRole,
    Status,
    Ticket,
    TicketLink,
    TicketQueue,
)
from storage.whereabouts import ticket_of_mail


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
        self.queues = find_queues(session)
        self.agents = find_agents(session)
        self.rules = load_rules(session)
        self.mailboxes = queue_ids_by_mailbox(session)
        # A mailbox that we read ourselves is an inbox of ours like one that forwards.
        self.inboxes = find_inboxes(session) | dict.fromkeys(self.mailboxes, True)
        self.addresses: dict[str, Entrance] = {}
        self.people: dict[str, Person] = {}
        self.erased: set[str] = set()  # digests of mails of the batch that were erased before
        self.references: dict[str, list[Known]] = {}
        self.tickets: dict[int, Ticket] = {}
        self.roles: dict[int, dict[str, ParticipantRole]] = {}
        self.homes: dict[int, set[int]] = {}
        self.filed: list[Filed] = []
        self.too_late: list[tuple[Case, Ticket]] = []  # answers that are refused, and to which ticket
        self._standing = Standing()
        self._new = NewRows(session, mails)
        self._learnt: list[str] = []

    @property
    def confirmed_inboxes(self) -> list[str]:
        """The source inboxes that an operator has named, and the mailboxes that we read ourselves."""
        return [address for address, is_confirmed in self.inboxes.items() if is_confirmed]

    def is_ours(self, address: str) -> bool:
        """An address of the gateway or of an inbox that forwards to it: nobody's but ours."""
        return domain_of(address) in self.office.settings.own_domains or address in self.inboxes

    # What is there.

    def fetch_addresses(self, recipients: Iterable[str]) -> None:
        """Learn which of these are creation addresses."""
        self.addresses = find_addresses(self.session, set(recipients))

    def fetch(self, cases: Sequence[Case]) -> None:
        """Learn all that deciding these mails may ask."""
        self.erased = erased_among(self.session, [case.claimed.sha256 for case in cases])
        self._fetch_people({address for case in cases for address in (case.author, case.customer_address) if address})
        keys = {reference_key(id_) for case in cases for id_ in ids_of(case)}
        self.references = find_references(self.session, keys)
        marked = {case.mark.ticket_id for case in cases if case.mark}
        self.fetch_tickets(marked | {known.ticket_id for rows in self.references.values() for known in rows})

    def _fetch_people(self, authors: set[str]) -> None:
        self.people = find_people(self.session, authors)
        people = {person.contact_id: person for person in self.people.values()}
        window = timedelta(minutes=self.office.settings.intake.new_tickets_window_minutes)
        opened_after, repeated_after = self.at - window, self.at - timedelta(hours=1)
        for contact, subject, at, content in find_recent(self.session, people, min(opened_after, repeated_after)):
            people[contact].opened += at >= opened_after
            if at >= repeated_after:
                people[contact].recent.append((subject, content))

    def fetch_tickets(self, numbers: Collection[int]) -> None:
        """Learn tickets with the people in them."""
        wanted = set(numbers) - self.tickets.keys()
        while wanted:
            found = lock_tickets(self.session, wanted)
            self.tickets |= found
            for member in find_members(self.session, wanted):
                self.roles.setdefault(member.ticket_id, {})[member.address] = member.role
                self._standing.add(member.ticket_id, member.address, member.contact_id, member.role)
            for ticket, queue in find_homes(self.session, wanted):
                self.homes.setdefault(ticket, set()).add(queue)
            # What a ticket was merged into belongs to it; a circle ends because it brings nothing new.
            wanted = {ticket.merged_into for ticket in found.values() if ticket.merged_into} - self.tickets.keys()

    def ticket(self, number: int) -> Ticket | None:
        """A ticket by its number; a merged one leads to the one that lives, and takes its people and queues along."""
        if number not in self.tickets:
            self.fetch_tickets({number})
        ticket = self.tickets.get(number)
        if ticket is None or not ticket.merged_into:
            return ticket
        merged: set[int] = set()
        while ticket and ticket.merged_into and ticket.id not in merged:
            merged.add(ticket.id)
            ticket = self.tickets.get(ticket.merged_into)
        if ticket:
            for dead in merged - {ticket.id}:
                self.homes.setdefault(ticket.id, set()).update(self.homes.get(dead, ()))
                self._standing.hand_on(dead, ticket.id)
        return ticket

    def leads_to(self, mark: Mark) -> int:
        """The number of the ticket to which a mark leads: the one that it names, unless a split has moved its mail."""
        ticket = self.ticket(mark.ticket_id)
        if ticket is None or mark.outgoing_id >= ticket.split_at:
            return mark.ticket_id
        number = ticket_of_mail(self.session, mark.outgoing_id)
        if number in (None, ticket.id):
            return mark.ticket_id
        self.fetch_tickets({number})
        return number

    def role(self, ticket: Ticket, address: str) -> ParticipantRole | None:
        """What somebody is in a ticket, by this address or by another one of the same contact."""
        return self._standing.role(ticket.id, address, self._contact_id(address))

    def takes_part(self, case: Case, ticket: Ticket) -> bool:
        """Whether the author is somebody in the ticket, and it is not only a stranger who says that he wrote.

        An agent takes part in every ticket, when it is proven that he wrote.
        """
        if self.is_agents_own(case):
            return True
        return case.is_author_vouched and self.role(ticket, case.author) in TRUSTED_ROLES

    def is_agents_own(self, case: Case) -> bool:
        """An agent has written it from his own mail program, and that is proven."""
        return case.is_author_proven and case.author in self.agents

    def _contact_id(self, address: str) -> int | None:
        person = self.people.get(address)
        return person.contact_id if person else None

    # What is to be.

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


def ids_of(case: Case) -> list[str]:
    """Every id by which a mail may be found, or finds a ticket."""
    return [case.mail.message_id, *case.mail.in_reply_to, *case.mail.references, *case.conversation]
