"""An agent's answer: filed in its ticket, addressed, put in the outbox, the ticket moved, in one transaction.

Nothing is sent here; `outbound.worker` does. All is planned and composed before the transaction begins, and
planned once more inside it: when the two plans differ, somebody was quicker, and nothing happens.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import Session

from config import maillog
from config.clock import now
from config.errors import AskedWrongly, Refused
from outbound.appearance import Words, dress, look_of
from outbound.drafts import Draft, SentReply, people
from outbound.filing import Content, put_in_ticket
from outbound.plans import Composed, Plan, compose_mails, dress_reply, living_ticket, plan_reply, tagged
from outbound.post_office import PostOffice
from outbound.recipients import canonical, each_once, refuse_blocked
from outbound.routes import way_of
from outbound.seen import refuse_newer, remember_seen
from outbound.writing import MAX_SUBJECT, Person, body_lines, one_line
from storage.agents import Agent
from storage.contacts import contact_for
from storage.database import Database
from storage.ids import lock_filing, take_numbers
from storage.message_filing import NewAttachment, NewMessage, file_messages
from storage.messages import Direction
from storage.outbox import OutgoingKind
from storage.queues import Queue
from storage.tickets import (
    Participant,
    ParticipantRole,
    Status,
    Ticket,
    TicketQueue,
    move_by_itself,
)
from storage.waking import wake

__all__ = ["Draft", "SentReply", "add_note", "send_reply", "start_ticket"]


def send_reply(database: Database, office: PostOffice, agent: Agent, number: int, draft: Draft) -> SentReply:
    """Answer a ticket. Raises Refused or AskedWrongly with what to do; then nothing was filed or queued."""
    _check(draft)
    with database.reading() as session:
        plan = plan_reply(session, office, agent, number, draft)
        seen = refuse_newer(session, agent, number, draft)
    files = _store_files(office, draft)
    dressed = dress_reply(office, plan, draft)
    mails = compose_mails(office, plan, dressed)
    with database.writing() as session:
        lock_filing(session)
        refuse_newer(session, agent, number, replace(draft, seen=seen))
        if plan_reply(session, office, agent, number, draft) != plan:
            raise Refused(f"Ticket {number} was changed a moment ago: look at it, then send the reply again")
        sent = put_in_ticket(session, office, agent, plan, draft, Content(dressed, files, mails))
    _announce(office, sent, mails)
    return sent


def start_ticket(
    database: Database, office: PostOffice, agent: Agent, queue: Queue, to: str, subject: str, draft: Draft
) -> SentReply:
    """Begin a conversation: a new ticket whose first message is ours."""
    _check(draft)
    [customer] = people([to])
    if not one_line(subject, MAX_SUBJECT):
        raise AskedWrongly("A new ticket needs a subject")
    files = _store_files(office, draft)
    look, signature = look_of(office.settings, queue, plain=draft.plain), agent.signature or queue.signature
    words = Words(draft.text, signature, subject=one_line(subject, MAX_SUBJECT))
    dressed = dress(office.settings, look, words, draft.attachments)
    with database.writing() as session:
        lock_filing(session)
        ticket = _new_ticket(session, queue, customer, one_line(subject, MAX_SUBJECT))
        recipients = each_once([customer], people(draft.cc or ()), people(draft.bcc or ()))
        refuse_blocked(session, office, recipients)
        plan = Plan(
            ticket_id=ticket.id,
            queue_id=queue.number,
            recipients=recipients,
            way=way_of(session, office, ticket, queue, agent),
            subject=tagged(ticket, queue, ticket.subject),
            in_reply_to="",
            references=(),
            signature=signature,
            look=look,
        )
        # The number of the ticket stands in the mail's ids, so it is composed inside the transaction.
        mails = compose_mails(office, plan, dressed)
        sent = put_in_ticket(session, office, agent, plan, draft, Content(dressed, files, mails))
    _announce(office, sent, mails)
    return sent


def reply_within(session: Session, office: PostOffice, agent: Agent, number: int, draft: Draft) -> SentReply:
    """Answer a ticket inside a transaction that is there already. The caller holds the filing lock and wakes the relay.

    Raises Refused or AskedWrongly as `send_reply` does.
    """
    _check(draft)
    plan = plan_reply(session, office, agent, number, draft)
    files = _store_files(office, draft)
    dressed = dress_reply(office, plan, draft)
    mails = compose_mails(office, plan, dressed)
    return put_in_ticket(session, office, agent, plan, draft, Content(dressed, files, mails))


def add_note(database: Database, agent: Agent, number: int, text: str) -> str:
    """File a note that agents alone see; returns its name, like 12.3."""
    if not text.strip():
        raise AskedWrongly("A note needs a text")
    with database.writing() as session:
        lock_filing(session)
        _, ref = file_note(session, agent, number, text)
    return ref


def file_note(
    session: Session, agent: Agent, number: int, text: str, files: Sequence[NewAttachment] = ()
) -> tuple[int, str]:
    """A note inside a transaction that is there already; returns the message and its name."""
    at = now()
    ticket = living_ticket(session, number)
    message = NewMessage(
        ticket_id=number,
        position=ticket.messages + 1,
        direction=Direction.NOTE,
        kind="note",
        author=(agent.name, agent.email),
        date=at,
        filed_at=at,
        subject=ticket.subject,
        text=body_lines(text),
        reply_text=body_lines(text),
        attachments=files,
        agent_id=agent.id,
    )
    [filed] = file_messages(session, [message])
    ticket.messages += 1
    move = ticket.status is Status.NEW and move_by_itself(session, ticket, Status.OPEN, by=agent.email, why="note")
    if not move:
        ticket.updated_at = at
        session.add(ticket)
    remember_seen(session, agent, number, filed)
    session.flush()
    return filed, f"{number}.{message.position}"


def _check(draft: Draft) -> None:
    if not draft.text.strip() and not draft.attachments:
        raise AskedWrongly("A reply needs a text: give it with -m, on standard input or in the editor")


def _store_files(office: PostOffice, draft: Draft) -> tuple[NewAttachment, ...]:
    total = sum(len(file.content) for file in draft.attachments)
    limit = office.settings.limits.message_bytes
    # Base64 makes three bytes four, and its line ends some more.
    if limit and total * 1.37 > limit:
        raise Refused(
            f"The attachments have {total:,} bytes: a mail may have {limit:,}, and they grow by a third in it"
        )
    return tuple(
        NewAttachment(file.filename, file.content_type, len(file.content), office.blobs.put(file.content))
        for file in draft.attachments
    )


def _new_ticket(session: Session, queue: Queue, customer: Person, subject: str) -> Ticket:
    at = now()
    address = canonical(customer)
    contact = contact_for(session, customer.email, customer.name)
    [number] = take_numbers(session, "ticket", 1)
    ticket = Ticket(
        id=number,
        queue_id=queue.number,
        subject=subject,
        contact_id=contact.id,
        customer_address=address,
        created_at=at,
        updated_at=at,
    )
    session.add(ticket)
    session.flush()
    name = customer.name or contact.name
    session.add(Participant(ticket_id=number, address=address, name=name, role=ParticipantRole.CUSTOMER))
    session.add(TicketQueue(ticket_id=number, queue_id=queue.number))
    session.flush()
    return ticket


def _announce(office: PostOffice, sent: SentReply, mails: list[Composed]) -> None:
    for mail in mails:
        for person in mail.people:
            maillog.queued(mail.id, ticket=sent.ticket, kind=OutgoingKind.REPLY, recipient=person.email)
    wake(office.settings.data_dir, "relay")
