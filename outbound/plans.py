"""What a reply will be: everything that it depends on, read at one moment, and the mails made of it."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from config.clock import now
from config.errors import Refused
from outbound.appearance import REF_PLACE, Dressed, Look, Words, dress, look_of
from outbound.compose import Letter, Thread
from outbound.drafts import Draft
from outbound.marks import Audience, Mark, person_tag
from outbound.post_office import PostOffice
from outbound.quoting import Quote, quote_of
from outbound.recipients import Recipients, show_recipients
from outbound.routes import Way, reply_to, signed, way_of
from outbound.subjects import answer_subject
from outbound.writing import Person
from storage.agents import Agent
from storage.ids import new_id
from storage.messages import Direction, Message, messages_of, references_of
from storage.queues import Queue
from storage.tickets import Status, Ticket, get_ticket, participants_of


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a reply depends on; two equal plans make the same mail."""

    ticket_id: int
    queue_id: int
    recipients: Recipients
    way: Way
    subject: str
    in_reply_to: str
    references: tuple[str, ...]
    signature: str
    look: Look
    quote: Quote | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """One mail of a reply: the public one, or one person's Bcc copy."""

    id: str
    header_id: str
    content: bytes
    people: tuple[Person, ...]


def plan_reply(session: Session, office: PostOffice, agent: Agent, number: int, draft: Draft) -> Plan:
    ticket = living_ticket(session, number)
    if ticket.status is Status.CLOSED and draft.status is None and not draft.anyway:
        raise Refused(
            f"Ticket {number} is closed: reopen it with `gateway ticket status {number} open`, or say --anyway"
        )
    queue = session.get_one(Queue, ticket.queue_id)
    messages = messages_of(session, number)
    mails = [message for message in messages if message.direction is not Direction.NOTE and not message.cancelled]
    # What only agents may see gives a reply neither its subject nor its place in the thread.
    shown = [message for message in mails if not message.is_for_agents_only]
    last = next((m for m in reversed(shown) if m.direction is Direction.INBOUND and not m.automatic), None)
    last = last or (shown[-1] if shown else None)
    is_assignee = ticket.assignee_id in (None, agent.id)
    return Plan(
        ticket_id=number,
        queue_id=queue.number,
        recipients=show_recipients(session, office, ticket, mails, draft),
        way=way_of(session, office, ticket, queue, agent),
        # The subject of the last mail: a customer who takes up something else in the same thread means it.
        subject=tagged(ticket, queue, answer_subject(last.subject if last else ticket.subject)),
        in_reply_to=last.message_id if last else "",
        references=tuple(references_of(session, number)),
        signature=(agent.signature if is_assignee else "") or queue.signature,
        look=look_of(office.settings, queue, plain=draft.plain),
        quote=_quote(session, office, ticket, queue, last) if queue.quote_last else None,
    )


def living_ticket(session: Session, number: int) -> Ticket:
    ticket = get_ticket(session, number)
    if ticket.merged_into is not None:
        raise Refused(f"Ticket {number} was merged into {ticket.merged_into}: write there")
    return ticket


def tagged(ticket: Ticket, queue: Queue, subject: str) -> str:
    tag = f"[#{ticket.id}]"
    return subject if not queue.subject_tag or tag in subject else f"{subject} {tag}"


def _quote(session: Session, office: PostOffice, ticket: Ticket, queue: Queue, last: Message | None) -> Quote | None:
    return quote_of(last, participants_of(session, ticket.id), queue.language, office)


def with_mark(office: PostOffice, text: str, mark: Mark) -> str:
    """A text as it leaves: without the marks of other mails that were quoted in it, and with its own."""
    plain = office.marks.without_marks(text)
    return f"{plain.rstrip()}\n\n{office.marks.body_mark(mark)}\n" if office.settings.outbound.body_mark else plain


def html_with_mark(office: PostOffice, html: str, mark: Mark) -> str:
    """The same for the letter in HTML, which was made of text without marks: where its template wants it, or last.

    It is small and grey, and not hidden: filters of spam count what cannot be seen, and clients drop it from answers.
    """
    if not html or not office.settings.outbound.body_mark:
        return html
    word = office.marks.body_mark(mark)
    head, place, rest = html.rpartition(REF_PLACE)
    if place:
        return f"{head}{word}{rest}"
    head, end, rest = html.rpartition("</body>")
    return f'{head}<div style="font-size: 9px;color: #a8a8a8;">{word}</div>{end}{rest}' if end else html


def dress_reply(office: PostOffice, plan: Plan, draft: Draft) -> Dressed:
    """The text, the HTML and the files of a reply: To, Cc and Bcc read the same."""
    words = Words(office.marks.without_marks(draft.text), plan.signature, plan.quote, plan.subject)
    return dress(office.settings, plan.look, words, draft.attachments)


def compose_mails(office: PostOffice, plan: Plan, dressed: Dressed) -> list[Composed]:
    """The public mail, and a copy of his own for everybody in Bcc: nobody can see the others."""
    chosen = plan.recipients
    public = Mark(Audience.CUSTOMER, plan.ticket_id, new_id())
    copies = [Mark(Audience.COPY, plan.ticket_id, new_id(), person_tag(person.email)) for person in chosen.bcc]
    date = now().astimezone(ZoneInfo(office.settings.time_zone))
    mails = [_mail(office, plan, dressed, public, (*chosen.to, *chosen.cc), date)]
    return mails + [
        _mail(office, plan, dressed, mark, (person,), date) for mark, person in zip(copies, chosen.bcc, strict=True)
    ]


def _mail(
    office: PostOffice,
    plan: Plan,
    dressed: Dressed,
    mark: Mark,
    to: tuple[Person, ...],
    date: datetime,
) -> Composed:
    header_id = office.marks.message_id(mark)
    letter = Letter(
        author=plan.way.author,
        to=plan.recipients.to,
        cc=plan.recipients.cc,
        reply_to=reply_to(office, plan.way, mark),
        subject=plan.subject,
        text=with_mark(office, dressed.text, mark),
        html=html_with_mark(office, dressed.html, mark),
        date=date,
        thread=Thread(header_id, plan.in_reply_to, plan.references),
        files=dressed.files,
    )
    return Composed(mark.outgoing_id, header_id, signed(office, plan.way.keys, letter), to)
