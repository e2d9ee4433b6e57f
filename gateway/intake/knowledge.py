"""What intake knows while it decides a batch of mails. What it is about to write is `gateway.intake.desk`.

Everything that the batch may ask is fetched with one query a table (`gateway.intake.lookups`); what earlier mails of
the batch have changed is seen by later ones.
"""

from collections.abc import Collection, Iterable, Sequence
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
from gateway.intake.rules.load import load_rules
from gateway.intake.standing import Standing
from outbound.marks import Mark
from outbound.post_office import PostOffice
from storage.address import domain_of
from storage.erasure import erased_among
from storage.mailboxes import queue_ids_by_mailbox
from storage.messages import reference_key
from storage.tickets import TRUSTED_ROLES, ParticipantRole, Ticket
from storage.whereabouts import ticket_of_mail


class Knowledge:
    """The database as one batch of mails sees it."""

    def __init__(self, session: Session, office: PostOffice, at: datetime) -> None:
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
        self._standing = Standing()

    @property
    def confirmed_inboxes(self) -> list[str]:
        """The source inboxes that an operator has named, and the mailboxes that we read ourselves."""
        return [address for address, is_confirmed in self.inboxes.items() if is_confirmed]

    def is_ours(self, address: str) -> bool:
        """An address of the gateway or of an inbox that forwards to it: nobody's but ours."""
        return domain_of(address) in self.office.settings.own_domains or address in self.inboxes

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


def ids_of(case: Case) -> list[str]:
    """Every id by which a mail may be found, or finds a ticket."""
    return [case.mail.message_id, *case.mail.in_reply_to, *case.mail.references, *case.conversation]
