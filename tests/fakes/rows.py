"""Rows to begin a test with, each made by the verb that makes it in the gateway."""

from datetime import datetime
from hashlib import sha256

from sqlmodel import Session

from config.clock import now
from storage.accepting import accept
from storage.database import Database
from storage.ids import new_id, take_numbers
from storage.message_filing import NewAttachment, NewMessage, file_messages
from storage.messages import Direction
from storage.outbox import Delivery, NewOutgoing, Outgoing, OutgoingKind, enqueue
from storage.outbox_view import deliveries_of_mail
from storage.queues import Queue, add_queue, list_queues
from storage.spool import Arrival
from storage.tickets import Status, Ticket

SUPPORT = "support.abc@in.desk.example"


def arrival(content: bytes = b"Subject: Hi\r\n\r\nHello\r\n", *recipients: str, stored: bool = True) -> Arrival:
    """A mail at the door, to one address when none is named; not `stored`: its bytes are in a blob."""
    return Arrival(
        reverse_path="ann@customer.example",
        recipients=recipients or (SUPPORT,),
        sha256=sha256(content).hexdigest(),
        size=len(content),
        content=content if stored else None,
        received_at=now(),
    )


def accept_mails(database: Database, count: int) -> list[str]:
    """So many different mails in the spool; returns their ids, the oldest first."""
    with database.writing_connection() as connection:
        return accept(connection, [arrival(b"Subject: %d\r\n\r\nHello\r\n" % number) for number in range(count)])


def make_ticket(session: Session, *, queue: Queue | None = None, status: Status = Status.NEW) -> Ticket:
    """A ticket, in the queue Support when none is given."""
    queue = queue or next(iter(list_queues(session)), None) or add_queue(session, Queue(name="Support"))
    at = now()
    number = take_numbers(session, "ticket", 1)[0]
    ticket = Ticket(id=number, queue_id=queue.number, subject="Printer", status=status, created_at=at, updated_at=at)
    session.add(ticket)
    session.flush()
    return ticket


def new_message(
    ticket: Ticket,
    position: int = 1,
    *,
    text: str = "It smokes.",
    message_id: str = "",
    references: tuple[str, ...] = (),
    attachments: tuple[NewAttachment, ...] = (),
    content_key: str = "",
) -> NewMessage:
    """A mail to file in a ticket."""
    return NewMessage(
        ticket_id=ticket.id,
        position=position,
        direction=Direction.INBOUND,
        kind="human",
        author=("Ann", "ann@customer.example"),
        date=now(),
        filed_at=now(),
        subject="Printer",
        text=text,
        message_id=message_id,
        references=references,
        attachments=attachments,
        content_key=content_key,
    )


def file_texts(database: Database, texts: list[str]) -> list[int]:
    """A ticket with a message for each text; returns the messages' numbers."""
    with database.writing() as session:
        ticket = make_ticket(session)
        return file_messages(
            session, [new_message(ticket, place, text=text) for place, text in enumerate(texts, start=1)]
        )


def send_mail(
    session: Session,
    *recipients: str,
    kind: OutgoingKind = OutgoingKind.REPLY,
    not_before: datetime | None = None,
    ticket_id: int | None = None,
    message_id: int | None = None,
    channel_id: int | None = None,
) -> tuple[Outgoing, list[Delivery]]:
    """A mail in the outbox and its deliveries, to one customer when none is named."""
    id_ = new_id()
    mail = NewOutgoing(
        id=id_,
        kind=kind,
        header_id=f"<{id_}@in.desk.example>",
        reverse_path="support@in.desk.example",
        content=b"Subject: Re\r\n\r\nUnplug it.\r\n",
        recipients={recipient: recipient for recipient in recipients or ("ann@customer.example",)},
        ticket_id=ticket_id,
        message_id=message_id,
        channel_id=channel_id,
        not_before=not_before,
    )
    outgoing = enqueue(session, mail)
    return outgoing, deliveries_of_mail(session, id_)
