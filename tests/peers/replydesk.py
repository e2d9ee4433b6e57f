"""A desk for tests of outgoing mail: tickets, replies, and a relay that runs for as long as a test needs it."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from peers.sink import Sink
from sqlmodel import Session, select
from uvloop import new_event_loop as new_uvloop

from config.clock import now
from config.settings import Settings
from outbound.post_office import PostOffice, open_post_office
from outbound.replies import Draft, SentReply, send_reply
from outbound.worker import run_relay
from storage.addresses import new_address
from storage.agents import Agent, add_agent
from storage.contacts import contact_for
from storage.database import Database
from storage.ids import take_numbers
from storage.message_filing import NewMessage, file_messages
from storage.messages import Direction, Message
from storage.migrate import open_or_make, upgrade
from storage.outbox import Delivery, DeliveryState, Outgoing
from storage.queues import Queue, add_queue
from storage.tickets import Event, Participant, ParticipantRole, Ticket, TicketQueue, get_ticket

CUSTOMER = "ann@customer.example"


@dataclass
class Desk:
    """Everything that a test of outgoing mail touches."""

    settings: Settings
    database: Database
    office: PostOffice
    agent: Agent
    queue: Queue

    def ticket(self, author: str = CUSTOMER, name: str = "Ann", subject: str = "It is broken") -> int:
        """A new ticket with one mail of its customer in it."""
        with self.database.writing() as session:
            contact = contact_for(session, author, name)
            [number] = take_numbers(session, "ticket", 1)
            ticket = Ticket(
                id=number,
                queue_id=self.queue.number,
                subject=subject,
                contact_id=contact.id,
                customer_address=author.lower(),
                created_at=now(),
                updated_at=now(),
            )
            session.add(ticket)
            session.flush()
            session.add(TicketQueue(ticket_id=number, queue_id=self.queue.number))
            customer = ParticipantRole.CUSTOMER
            session.add(Participant(ticket_id=number, address=author.lower(), name=name, role=customer))
            session.flush()
        self.mail(number, author, name=name, subject=subject)
        return number

    def mail(
        self,
        number: int,
        author: str = CUSTOMER,
        *,
        name: str = "Ann",
        to: tuple[tuple[str, str], ...] = (),
        cc: tuple[tuple[str, str], ...] = (),
        subject: str = "Re: It is broken",
        automatic: bool = False,
        message_id: str = "",
    ) -> Message:
        """File one more mail in a ticket."""
        at = now()
        with self.database.writing() as session:
            ticket = get_ticket(session, number)
            ticket.messages += 1
            session.add(ticket)
            session.flush()
            message = NewMessage(
                ticket_id=number,
                position=ticket.messages,
                direction=Direction.INBOUND,
                kind="human",
                author=(name, author),
                date=at,
                filed_at=at,
                subject=subject,
                text="Please help.",
                to=to,
                cc=cc,
                message_id=message_id or f"<mail-{number}-{ticket.messages}@customer.example>",
                automatic=automatic,
            )
            [filed] = file_messages(session, [message])
            return session.get_one(Message, filed)

    def make_older(self, seconds: float) -> None:
        """Let all mail in the outbox have been written so long ago."""
        past = now() - timedelta(seconds=seconds)
        self.change(lambda s: s.exec(sa.update(Outgoing).values(created_at=past)))

    def change(self, change: Callable[[Session], object]) -> None:
        """Do something to the database."""
        with self.database.writing() as session:
            change(session)

    def add_participant(self, number: int, address: str, role: ParticipantRole) -> None:
        """Somebody is in a ticket."""
        self.change(lambda s: s.add(Participant(ticket_id=number, address=address, role=role)))

    def reply(self, number: int, text: str = "Turn it off and on.", **wishes: object) -> SentReply:
        """Answer a ticket as the agent, without the time to undo it."""
        draft = Draft(text, **({"now": True} | wishes))  # type: ignore[arg-type]
        return send_reply(self.database, self.office, self.agent, number, draft)

    def deliveries(self) -> list[Delivery]:
        """All deliveries, oldest first."""
        with self.database.reading() as session:
            return list(session.exec(select(Delivery).order_by(Delivery.id)).all())  # type: ignore[arg-type]

    def delivery(self) -> Delivery:
        """The only delivery."""
        [delivery] = self.deliveries()
        return delivery

    def wait_for(self, *states: DeliveryState, timeout: float = 40) -> list[Delivery]:
        """The deliveries, as soon as these are their states."""
        end = time.monotonic() + timeout
        while True:
            found = self.deliveries()
            if [delivery.state for delivery in found] == list(states):
                return found
            if time.monotonic() > end:
                raise TimeoutError([(d.recipient, d.state, d.last_reply) for d in found])
            time.sleep(0.02)

    def read_ticket(self, number: int) -> Ticket:
        """A ticket as it is now."""
        with self.database.reading() as session:
            return get_ticket(session, number)

    def events(self, number: int) -> list[Event]:
        """The audit trail of a ticket."""
        with self.database.reading() as session:
            return list(session.exec(select(Event).where(Event.ticket_id == number).order_by(Event.id)))  # type: ignore[arg-type]

    def messages(self, number: int) -> list[Message]:
        """The messages of a ticket."""
        with self.database.reading() as session:
            query = select(Message).where(Message.ticket_id == number)
            return list(session.exec(query.order_by(Message.position)))  # type: ignore[arg-type]

    @contextmanager
    def relay(self, *, uvloop: bool = False) -> Iterator[None]:
        """A relay that runs in a thread of its own."""
        stop = asyncio.Event()
        loop = new_uvloop() if uvloop else asyncio.new_event_loop()
        work = threading.Thread(target=lambda: loop.run_until_complete(run_relay(self.settings, self.database, stop)))
        work.start()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(stop.set)
            work.join()
            loop.close()


def settings_for(folder: Path, sink: Sink | None = None, database_url: str = "", **outbound: object) -> Settings:
    """Settings with everything in a folder, and times that suit a test."""
    servers = [{"host": "127.0.0.1", "port": sink.port, "security": "none"}] if sink else []
    office365 = outbound.pop("office365", {})
    quick = {"servers": servers, "retry_seconds": [1], "undo_seconds": 0, "command_timeout_seconds": 5}
    return Settings.model_validate(
        {
            "data_dir": str(folder),
            "hostname": "mx.desk.example",
            "domain": "in.desk.example",
            "database": {"url": database_url},
            "outbound": quick | {"reply_timeout_seconds": 5} | outbound,
            "office365": office365,
        },
        context={"folder": folder},
    )


def open_desk(settings: Settings) -> Desk:
    """A database with a queue, its creation address and an agent."""
    database = open_or_make(settings)
    upgrade(database)
    with database.writing() as session:
        queue = add_queue(session, Queue(name="Support", key=""))
        new_address(session, queue, settings.domain)
        agent = add_agent(session, "eva@company.example", "Eva")
    return Desk(settings, database, open_post_office(settings, database), agent, queue)


MakeDesk = Callable[..., Desk]
