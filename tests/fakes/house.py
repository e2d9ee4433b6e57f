"""A whole gateway in one process without its doors: mail is accepted and filed when a test says so."""

from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from config.clock import now
from config.settings import Settings
from gateway.intake.worker import IntakeWorker
from outbound.marks import Audience, Mark
from outbound.post_office import PostOffice, open_post_office
from outbound.replies import Draft, SentReply, send_reply
from storage.accepting import accept
from storage.addresses import new_address
from storage.agents import Agent, add_agent
from storage.arrivals import in_packs, open_packs
from storage.contacts import add_address, find_contact
from storage.database import Database
from storage.ids import new_id
from storage.messages import Message, messages_of
from storage.queues import Queue, add_queue, find_queue, list_queues, name_source_inbox
from storage.spool import Arrival, Spool, find_rows
from storage.ticket_view import TicketView, view_ticket
from storage.tickets import Ticket, events_of, get_ticket, links_of, participants_of


@dataclass
class House:
    """The database with one queue, its creation address, an agent, and a worker that runs on demand."""

    settings: Settings
    database: Database
    office: PostOffice = field(init=False)
    worker: IntakeWorker = field(init=False)
    address: str = field(init=False)
    agent: Agent = field(init=False)

    def __post_init__(self) -> None:
        self.office = open_post_office(self.settings, self.database)
        self.worker = IntakeWorker(self.settings, self.database, self.office)
        self.address = self.add_queue("Support")
        with self.database.writing() as session:
            self.agent = add_agent(session, "agent@company.example", "Alex Agent")

    def add_queue(self, name: str, **policies: object) -> str:
        """A queue with a creation address, which is returned."""
        with self.database.writing() as session:
            queue = add_queue(session, Queue(name=name, key="", **policies))
            return new_address(session, queue, self.settings.domain).address

    def set_queue(self, name: str, **policies: object) -> None:
        """Change policies of a queue."""
        with self.database.writing() as session:
            queue = next(queue for queue in list_queues(session) if queue.name == name)
            for policy, value in policies.items():
                setattr(queue, policy, value)
            session.add(queue)

    def name_inbox(self, address: str, queue: str = "Support") -> None:
        """Say that an inbox of the company forwards to a queue."""
        with self.database.writing() as session:
            name_source_inbox(session, find_queue(session, queue), address)

    def accept(self, raw: bytes, *, to: str = "", reverse_path: str = "bounce@provider.example") -> str:
        """Take a mail as the door would; returns the acceptance id."""
        recipients = tuple((to or self.address).split(","))
        arrival = Arrival(reverse_path, recipients, sha256(raw).hexdigest(), len(raw), raw, now())
        packs = open_packs(self.settings)
        assert packs is not None
        with closing(packs), self.database.writing_connection() as connection:
            return accept(connection, in_packs(packs, [arrival]))[0]

    def work(self) -> None:
        """File all that waits."""
        while self.worker.work_once():
            pass

    def receive(self, raw: bytes, *, to: str = "", reverse_path: str = "bounce@provider.example") -> Spool:
        """Take and file a mail; returns the spool row of its first recipient."""
        id_ = self.accept(raw, to=to, reverse_path=reverse_path)
        self.work()
        return self.rows(id_)[0]

    def rows(self, id_: str) -> list[Spool]:
        """The spool rows of an acceptance."""
        with self.database.reading() as session:
            return find_rows(session, id_)

    def ticket(self, number: int) -> Ticket:
        """A ticket."""
        with self.database.reading() as session:
            return get_ticket(session, number)

    def ticket_of(self, row: Spool) -> Ticket:
        """The ticket in which a mail was filed."""
        assert row.message_id is not None, (row.state, row.reason)
        with self.database.reading() as session:
            return get_ticket(session, session.get_one(Message, row.message_id).ticket_id)

    def messages(self, number: int) -> list[Message]:
        """The messages of a ticket."""
        with self.database.reading() as session:
            return messages_of(session, number)

    def people(self, number: int) -> dict[str, str]:
        """Who is in a ticket, and as what."""
        with self.database.reading() as session:
            return {person.address: str(person.role) for person in participants_of(session, number)}

    def links(self, number: int) -> list[tuple[int, str]]:
        """What belongs to a ticket."""
        with self.database.reading() as session:
            return [(other, str(kind)) for other, kind in links_of(session, number)]

    def events(self, number: int) -> list[tuple[str, str]]:
        """The audit trail of a ticket: kind and text."""
        with self.database.reading() as session:
            return [(event.kind, event.text) for event in events_of(session, number)]

    def reply(self, number: int, text: str) -> SentReply:
        """An agent answers; nothing leaves, since no relay runs."""
        return send_reply(self.database, self.office, self.agent, number, Draft(text))

    def shown(self, number: int) -> TicketView:
        """A ticket as `ticket show --json` has it."""
        with self.database.reading() as session:
            return view_ticket(session, number)

    def change_ticket(self, number: int, **values: object) -> None:
        """Put a ticket into another state, as time or an agent would."""
        with self.database.writing() as session:
            ticket = get_ticket(session, number)
            for name, value in values.items():
                setattr(ticket, name, value)
            session.add(ticket)

    def change_message(self, number: int, position: int, **values: object) -> None:
        """Put a message of a ticket into another state, as time would."""
        with self.database.writing() as session:
            message = messages_of(session, number)[position - 1]
            for name, value in values.items():
                setattr(message, name, value)
            session.add(message)

    def give_address(self, email: str, other: str) -> None:
        """Give the contact of an address one more."""
        with self.database.writing() as session:
            add_address(session, find_contact(session, email), other)

    def mark(self, number: int, *, person: bytes = bytes(4), audience: Audience = Audience.CUSTOMER) -> Mark:
        """A mark as a mail of ours about this ticket would carry."""
        return Mark(audience, number, new_id(), person)


def days_ago(days: float) -> datetime:
    """A moment in the past."""
    return now() - timedelta(days=days)


def mail(
    text: str = "Hello, it smokes.",
    *,
    author: str = "Carla Customer <carla@customer.example>",
    subject: str = "My printer smokes",
    message_id: str = "",
    headers: str = "",
    to: str = "support@company.example",
) -> bytes:
    """A plain mail as a customer's program writes it; `headers` are whole lines that end in LF."""
    unique = message_id or f"<{new_id()}@customer.example>"
    lines = f"From: {author}\nTo: {to}\nSubject: {subject}\nMessage-ID: {unique}\n{headers}\n{text}\n"
    return lines.replace("\n", "\r\n").encode()
