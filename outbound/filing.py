"""What a reply leaves in the database: its message, its mails in the outbox, the people, the moved ticket."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, select

from config.clock import now
from outbound.appearance import Dressed, kept_html
from outbound.drafts import Draft, SentReply
from outbound.plans import Composed, Plan
from outbound.post_office import PostOffice
from outbound.recipients import Recipients, canonical
from outbound.routes import why_doubted
from outbound.seen import remember_seen
from outbound.writing import body_lines
from storage.agents import Agent
from storage.contacts import mark_known
from storage.message_filing import NewAttachment, NewMessage, file_messages
from storage.messages import Direction
from storage.outbox import NewOutgoing, Outgoing, OutgoingKind, enqueue
from storage.outbox_view import deliveries_of
from storage.tickets import (
    Participant,
    ParticipantRole,
    Status,
    Ticket,
    assign,
    get_ticket,
    move_by_itself,
    note,
    set_status,
)


@dataclass(frozen=True, slots=True)
class Content:
    """What a reply says: its text and HTML, its stored files, and its mails, the public one first."""

    dressed: Dressed
    files: tuple[NewAttachment, ...]
    mails: list[Composed]


def put_in_ticket(
    session: Session, office: PostOffice, agent: Agent, plan: Plan, draft: Draft, content: Content
) -> SentReply:
    """File the reply, queue its mails and move its ticket. The caller holds the filing lock."""
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
    """Said once: mail under a domain through our servers fails DMARC there, unless a key of ours signs for it."""
    doubt = why_doubted(office, plan.way)
    if not doubt or session.exec(select(Outgoing.id).where(Outgoing.kind == OutgoingKind.REPLY).limit(1)).first():
        return []
    return [f"This first answer leaves as {plan.way.author.email} through the default servers: {doubt}"]


def _message(ticket: Ticket, agent: Agent, plan: Plan, draft: Draft, content: Content) -> NewMessage:
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
        text=content.dressed.text,
        html=kept_html(content.dressed.html),
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
