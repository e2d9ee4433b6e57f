"""Put tickets together, and take them apart: messages move, and mail that answers them finds the right ticket.

The number of a merged ticket goes on leading to the one that it was merged into (`gateway.intake.desk`).
"""

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config.clock import now
from config.errors import AskedWrongly, Refused
from storage.address import canonical_address
from storage.columns import insert_or_skip
from storage.contacts import ContactAddress
from storage.ids import new_id, take_numbers
from storage.messages import Direction, Message, MessageReference
from storage.outbox import Outgoing
from storage.tickets import (
    LinkKind,
    Participant,
    ParticipantRole,
    Status,
    Ticket,
    TicketQueue,
    link,
    note,
    participants_of,
    set_status,
)

# What people are in a ticket that came to it by a merge: an agent decides who of them gets its answers.
_MERGED_ROLES = {ParticipantRole.CUSTOMER: ParticipantRole.NAMED}


def merge_tickets(session: Session, ticket: Ticket, into: Ticket, *, by: str) -> None:
    """Move everything of a ticket into another one, and close it. Raises AskedWrongly or Refused."""
    if ticket.id == into.id:
        raise AskedWrongly("A ticket cannot be merged into itself")
    for one in (ticket, into):
        if one.merged_into:
            raise Refused(f"Ticket {one.id} was merged into {one.merged_into} already")
    moved = _messages(session, ticket)
    _move_messages(session, moved, into)
    _share_queues(session, ticket, into)
    _bring_people(session, ticket, into)
    link(session, ticket.id, into.id, LinkKind.MERGED)
    ticket.merged_into, ticket.messages = into.id, 0
    into.split_at = max(into.split_at, ticket.split_at)
    set_status(session, ticket, Status.CLOSED, by=by, why=f"merged into {into.id}")
    if into.status not in (Status.NEW, Status.OPEN) and moved and moved[-1].direction is Direction.INBOUND:
        set_status(session, into, Status.OPEN, by=by, why=f"{ticket.id} was merged into it")
    note(session, into, "merged", by=by, text=f"{len(moved)} messages of {ticket.id}")


def split_ticket(session: Session, ticket: Ticket, message: Message, *, by: str) -> Ticket:
    """Make a new ticket of a message and all later ones. Raises Refused for the first one."""
    if message.ticket_id != ticket.id:
        raise AskedWrongly(f"Message {message.ref} is not in ticket {ticket.id}")
    moved = [one for one in _messages(session, ticket) if one.position >= message.position]
    if message.position == min(one.position for one in _messages(session, ticket)):
        raise Refused(f"{message.ref} is the first message: nothing would be left in ticket {ticket.id}")
    made = _new_ticket(session, ticket, message)
    ticket.messages -= len(moved)
    ticket.split_at = new_id()
    _move_messages(session, moved, made)
    _share_queues(session, ticket, made)
    for person in participants_of(session, ticket.id):
        is_customer = person.address == made.customer_address
        role = ParticipantRole.CUSTOMER if is_customer else _MERGED_ROLES.get(person.role, person.role)
        session.add(Participant(ticket_id=made.id, address=person.address, name=person.name, role=role))
    session.flush()
    link(session, ticket.id, made.id, LinkKind.SPLIT)
    note(session, ticket, "split", by=by, text=f"{len(moved)} messages to {made.id}")
    note(session, made, "created", by=by, text=f"split from {ticket.id}")
    return made


def _messages(session: Session, ticket: Ticket) -> list[Message]:
    query = select(Message).where(Message.ticket_id == ticket.id).order_by(col(Message.position))
    return list(session.exec(query).all())


def _move_messages(session: Session, messages: list[Message], to: Ticket) -> None:
    numbers = [message.id for message in messages]
    for message in messages:
        to.messages += 1
        message.ticket_id, message.position = to.id, to.messages
        session.add(message)
        session.flush()  # one by one: two of them must not have one place for a moment
    of_messages = col(MessageReference.message_id).in_(numbers)
    session.exec(sa.update(MessageReference).where(of_messages).values(ticket_id=to.id))
    session.exec(sa.update(Outgoing).where(col(Outgoing.message_id).in_(numbers)).values(ticket_id=to.id))
    session.add(to)


def _share_queues(session: Session, ticket: Ticket, other: Ticket) -> None:
    """Mail through the queues of one belongs to the other as well."""
    homes = session.exec(select(TicketQueue.queue_id).where(TicketQueue.ticket_id == ticket.id)).all()
    rows = [{"ticket_id": other.id, "queue_id": queue} for queue in {*homes, ticket.queue_id}]
    connection = session.connection()
    connection.execute(insert_or_skip(connection, TicketQueue), rows)


def _bring_people(session: Session, ticket: Ticket, into: Ticket) -> None:
    there = {person.address for person in participants_of(session, into.id)}
    for person in participants_of(session, ticket.id):
        if person.address not in there:
            role = _MERGED_ROLES.get(person.role, person.role)
            session.add(Participant(ticket_id=into.id, address=person.address, name=person.name, role=role))
    session.flush()


def _new_ticket(session: Session, ticket: Ticket, message: Message) -> Ticket:
    """Its customer is who wrote the message, where that was somebody outside."""
    author = canonical_address(message.author_email) if message.direction is Direction.INBOUND else None
    address = session.get(ContactAddress, author) if author else None
    at = now()
    made = Ticket(
        id=take_numbers(session, "ticket", 1)[0],
        queue_id=ticket.queue_id,
        subject=message.subject or ticket.subject,
        status=Status.OPEN,
        priority=ticket.priority,
        contact_id=address.contact_id if address else ticket.contact_id,
        customer_address=address.address if address else ticket.customer_address,
        assignee_id=ticket.assignee_id,
        address_id=ticket.address_id,
        source_inbox=message.source_inbox or ticket.source_inbox,
        created_at=at,
        updated_at=at,
        marks_from=ticket.marks_from,  # what has leaked stays worthless
    )
    session.add(made)
    session.flush()
    return made
