"""One ticket whole, as agents and programs see it: the shape is that of `gateway ticket show --json`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, select

from storage.agents import Agent
from storage.contacts import Contact
from storage.messages import Message, MessageAttachment, attachments_of, messages_of
from storage.outbox import Delivery, DeliveryState
from storage.outbox_view import deliveries_of
from storage.overview import Named, held_by_queue
from storage.queues import Queue
from storage.tags import tags_of
from storage.tickets import LinkKind, Priority, Shown, Status, events_of, get_ticket, links_of, participants_of


@dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody in a ticket."""

    name: str
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class LinkView:
    """Another ticket that belongs to this one."""

    number: int
    kind: LinkKind


@dataclass(frozen=True, slots=True)
class EventView:
    """A line of the audit trail."""

    at: datetime
    kind: str
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class AttachmentView:
    """A file of a message."""

    id: int
    filename: str
    content_type: str
    size: int
    content_id: str
    inline: bool
    sha256: str
    repeated: bool = False  # a picture in the text that an earlier message of the ticket has: mostly a signature's


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """What became of one recipient."""

    id: int
    recipient: str
    state: DeliveryState
    attempts: int
    next_attempt: datetime
    last_reply: str


@dataclass(frozen=True, slots=True)
class AuthenticationView:
    """What is known of who wrote a mail. None: it was not asked."""

    spf: str | None = None
    dkim: str | None = None
    dmarc: str | None = None
    arc: str | None = None
    identity: str = "unknown"


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message of a ticket."""

    id: int
    ref: str
    direction: str
    kind: str
    author: Named
    to: list[Named]
    cc: list[Named]
    bcc: list[Named]
    reply_to: list[Named]
    date: datetime
    filed: datetime
    message_id: str
    subject: str
    text: str
    reply_text: str
    html: str | None
    attachments: list[AttachmentView]
    authentication: AuthenticationView | None
    deliveries: list[DeliveryView]
    source_inbox: str
    also_received: list[str]
    flags: list[str]
    automatic: bool
    cancelled: bool


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket with everything in it."""

    number: int
    queue: str
    subject: str
    status: Status
    priority: Priority
    tags: list[str]
    pending_until: datetime | None
    assignee: Named | None
    contact: Named | None
    participants: list[PersonView]
    created: datetime
    updated: datetime
    source_inbox: str
    links: list[LinkView]
    merged_into: int | None
    held: int  # mails that are held in its queue
    messages: list[MessageView]
    events: list[EventView]


def view_ticket(session: Session, number: int) -> TicketView:
    """The ticket of this number. Raises NotFound."""
    ticket = get_ticket(session, number)
    assignee = session.get(Agent, ticket.assignee_id) if ticket.assignee_id else None
    contact = session.get(Contact, ticket.contact_id) if ticket.contact_id else None
    return TicketView(
        number=ticket.id,
        queue=session.get_one(Queue, ticket.queue_id).name,
        subject=ticket.subject,
        status=ticket.status,
        priority=ticket.priority,
        tags=tags_of(session, number),
        pending_until=ticket.pending_until,
        assignee=Named(assignee.name, assignee.email) if assignee else None,
        contact=Named(contact.name if contact else "", ticket.customer_address) if ticket.customer_address else None,
        participants=[PersonView(p.name, p.address, p.role) for p in participants_of(session, number)],
        created=ticket.created_at,
        updated=ticket.updated_at,
        source_inbox=ticket.source_inbox,
        links=[LinkView(other, kind) for other, kind in links_of(session, number)],
        merged_into=ticket.merged_into,
        held=held_by_queue(session).get(ticket.queue_id, 0),
        messages=view_messages(session, messages_of(session, number)),
        events=[EventView(event.at, event.kind, event.by, event.text) for event in events_of(session, number)],
    )


def view_messages(session: Session, messages: Sequence[Message]) -> list[MessageView]:
    """Messages, in their order, with their files and deliveries."""
    ids = [message.id for message in messages]
    files, deliveries = attachments_of(session, ids), deliveries_of(session, ids)
    views: list[MessageView] = []
    seen: set[str] = set()
    for message in messages:
        attachments = [_known(view_attachment(file), seen) for file in files.get(message.id, [])]
        views.append(_message(message, attachments, deliveries.get(message.id, [])))
        seen |= {file.sha256 for file in attachments}
    return views


def _known(file: AttachmentView, seen: set[str]) -> AttachmentView:
    return replace(file, repeated=file.inline and file.sha256 in seen)


def _message(message: Message, files: list[AttachmentView], deliveries: Sequence[Delivery]) -> MessageView:
    return MessageView(
        id=message.id,
        ref=message.ref,
        direction=message.direction,
        kind=message.kind,
        author=Named(message.author_name, message.author_email),
        to=_people(message.recipients_to),
        cc=_people(message.recipients_cc),
        bcc=_people(message.recipients_bcc),
        reply_to=_people(message.reply_to),
        date=message.date,
        filed=message.filed_at,
        message_id=message.message_id,
        subject=message.subject,
        text=message.text,
        reply_text=message.reply_text,
        html=message.html,
        attachments=files,
        authentication=AuthenticationView(**(message.authentication or {})) if message.direction == "inbound" else None,
        deliveries=[view_delivery(delivery) for delivery in deliveries],
        source_inbox=message.source_inbox,
        also_received=list(message.also_received),
        flags=list(message.flags),
        automatic=message.automatic,
        cancelled=message.cancelled,
    )


def _people(people: Sequence[Sequence[str]]) -> list[Named]:
    return [Named(name, email) for name, email in people]


def view_attachment(file: MessageAttachment) -> AttachmentView:
    """A file as it is shown."""
    return AttachmentView(
        file.id, file.filename, file.content_type, file.size, file.content_id, file.inline, file.sha256
    )


def view_delivery(delivery: Delivery) -> DeliveryView:
    """A delivery as it is shown."""
    return DeliveryView(
        id=delivery.id or 0,
        recipient=delivery.spelling or delivery.recipient,
        state=delivery.state,
        attempts=delivery.attempts,
        next_attempt=delivery.next_attempt,
        last_reply=delivery.last_reply,
    )


def record_shown(session: Session, agent_id: int, ticket: TicketView) -> None:
    """Remember that an agent saw this ticket as it is here: his next reply is checked against it."""
    newest = max((message.id for message in ticket.messages), default=0)
    shown = session.get(Shown, (agent_id, ticket.number)) or Shown(
        agent_id=agent_id, ticket_id=ticket.number, message_id=newest, drift=[]
    )
    shown.message_id = newest
    session.add(shown)
    session.flush()


def find_attachment(session: Session, id_: int) -> MessageAttachment | None:
    """The file of this id."""
    return session.exec(select(MessageAttachment).where(col(MessageAttachment.id) == id_)).first()
