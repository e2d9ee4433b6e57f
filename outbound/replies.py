"""An agent's answer: filed in its ticket, addressed, put in the outbox, the ticket moved, in one transaction.

Nothing is sent here; `outbound.worker` does. All is planned and composed before the transaction begins, and
planned once more inside it: when the two plans differ, somebody was quicker, and nothing happens.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session, select

from config import maillog
from config.clock import now
from config.errors import AskedWrongly, Refused
from outbound.drafts import Draft, SentReply, people
from outbound.plans import Composed, Plan, compose_mails, living_ticket, plan_reply, signed_text, tagged
from outbound.post_office import PostOffice
from outbound.recipients import Recipients, canonical, refuse_blocked
from outbound.routes import way_of
from outbound.seen import refuse_newer, remember_seen
from outbound.writing import MAX_SUBJECT, Person, body_lines, one_line
from storage.address import domain_of
from storage.agents import Agent
from storage.contacts import contact_for, mark_known
from storage.database import Database
from storage.ids import lock_filing, take_numbers
from storage.messages import Direction, NewAttachment, NewMessage, file_messages
from storage.outbox import NewOutgoing, Outgoing, OutgoingKind, deliveries_of, enqueue
from storage.queues import Queue
from storage.tickets import (
    Participant,
    ParticipantRole,
    Status,
    Ticket,
    TicketQueue,
    assign,
    get_ticket,
    move_by_itself,
    note,
    set_status,
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
    text = signed_text(draft, plan.signature)
    mails = compose_mails(office, plan, draft, text)
    with database.writing() as session:
        lock_filing(session)
        refuse_newer(session, agent, number, replace(draft, seen=seen))
        if plan_reply(session, office, agent, number, draft) != plan:
            raise Refused(f"Ticket {number} was changed a moment ago: look at it, then send the reply again")
        sent = _put(session, office, agent, plan, draft, _Content(text, files, mails))
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
    with database.writing() as session:
        lock_filing(session)
        ticket = _new_ticket(session, queue, customer, one_line(subject, MAX_SUBJECT))
        recipients = Recipients((customer,), tuple(people(draft.cc or ())), tuple(people(draft.bcc or ())))
        refuse_blocked(session, office, recipients)
        plan = Plan(
            ticket_id=ticket.id,
            queue_id=queue.number,
            recipients=recipients,
            way=way_of(session, office, ticket, queue),
            subject=tagged(ticket, queue, ticket.subject),
            in_reply_to="",
            references=(),
            signature=agent.signature or queue.signature,
        )
        text = signed_text(draft, plan.signature)
        # The number of the ticket stands in the mail's ids, so it is composed inside the transaction.
        mails = compose_mails(office, plan, draft, text)
        sent = _put(session, office, agent, plan, draft, _Content(text, files, mails))
    _announce(office, sent, mails)
    return sent


def add_note(database: Database, agent: Agent, number: int, text: str) -> str:
    """File a note that agents alone see; returns its name, like 12.3."""
    if not text.strip():
        raise AskedWrongly("A note needs a text")
    at = now()
    with database.writing() as session:
        lock_filing(session)
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
    return f"{number}.{message.position}"


@dataclass(frozen=True, slots=True)
class _Content:
    text: str
    files: tuple[NewAttachment, ...]
    mails: list[Composed]


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


def _put(session: Session, office: PostOffice, agent: Agent, plan: Plan, draft: Draft, content: _Content) -> SentReply:
    ticket = get_ticket(session, plan.ticket_id)
    message = _message(ticket, agent, plan, draft, content)
    [number] = file_messages(session, [message])
    ticket.messages += 1
    lines = (*plan.recipients.lines, *_first_answer(session, office, plan))
    leaves_at = now() + timedelta(seconds=0 if draft.now else office.settings.outbound.undo_seconds)
    for mail in content.mails:
        enqueue(session, _outgoing(plan, mail, number, leaves_at))
    _move(session, ticket, agent, draft, message.position)
    _take_part(session, ticket, plan.recipients)
    remember_seen(session, agent, ticket.id, number)
    session.flush()
    return SentReply(
        number=number,
        ref=f"{ticket.id}.{message.position}",
        ticket=ticket.id,
        header_id=message.message_id,
        deliveries={d.id or 0: d.recipient for d in deliveries_of(session, [number]).get(number, [])},
        leaves_at=leaves_at,
        lines=lines,
    )


def _first_answer(session: Session, office: PostOffice, plan: Plan) -> list[str]:
    """Said once: mail under a foreign domain through our servers fails DMARC there. RFC 7489 section 3.1."""
    address = plan.way.author.email
    is_foreign = domain_of(address) not in office.settings.own_domains
    if plan.way.channel_id is not None or not is_foreign or not office.settings.outbound.servers:
        return []
    if session.exec(select(Outgoing.id).where(Outgoing.kind == OutgoingKind.REPLY).limit(1)).first():
        return []
    return [
        f"This first answer leaves as {address} through the default servers: unless they sign for {domain_of(address)} "
        "(DKIM) many will doubt it; a channel of that account, or --from with an address of ours, avoids it"
    ]


def _message(ticket: Ticket, agent: Agent, plan: Plan, draft: Draft, content: _Content) -> NewMessage:
    at = now()
    named = [id_ for id_ in (*plan.references, plan.in_reply_to) if id_]
    return NewMessage(
        ticket_id=ticket.id,
        position=ticket.messages + 1,
        direction=Direction.OUTBOUND,
        kind=OutgoingKind.REPLY,
        author=(agent.name, agent.email),
        date=at,
        filed_at=at,
        subject=plan.subject,
        text=content.text,
        reply_text=body_lines(draft.text),
        to=plan.recipients.to,
        cc=plan.recipients.cc,
        bcc=plan.recipients.bcc,
        message_id=content.mails[0].header_id,
        references=tuple(dict.fromkeys(named)),
        attachments=content.files,
        agent_id=agent.id,
    )


def _outgoing(plan: Plan, mail: Composed, number: int, leaves_at: datetime) -> NewOutgoing:
    return NewOutgoing(
        id=mail.id,
        kind=OutgoingKind.REPLY,
        header_id=mail.header_id,
        reverse_path=plan.way.sender,
        content=mail.content,
        recipients={canonical(person): person.email for person in mail.people},
        ticket_id=plan.ticket_id,
        message_id=number,
        channel_id=plan.way.channel_id,
        not_before=leaves_at,
    )


def _move(session: Session, ticket: Ticket, agent: Agent, draft: Draft, position: int) -> None:
    note(session, ticket, "replied", by=agent.email, text=f"{ticket.id}.{position}")
    if ticket.assignee_id is None:
        assign(session, ticket, agent.id, by=agent.email, text=agent.email)
    if draft.status is not None:
        set_status(session, ticket, draft.status, by=agent.email)
    else:
        move_by_itself(session, ticket, Status.PENDING, by=agent.email, why="replied")


def _take_part(session: Session, ticket: Ticket, chosen: Recipients) -> None:
    """Who is written to in the open is copied from now on, and known. A Bcc leaves no trace among the people."""
    for person in (*chosen.to, *chosen.cc):
        address = canonical(person)
        mark_known(session, address)
        row = session.get(Participant, (ticket.id, address))
        if row is None:
            row = Participant(ticket_id=ticket.id, address=address, name=person.name, role=ParticipantRole.COPIED)
        elif row.role in (ParticipantRole.NAMED, ParticipantRole.UNVERIFIED):
            row.role = ParticipantRole.COPIED
        session.add(row)
    session.flush()


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
