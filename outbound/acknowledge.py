"""Tell a customer that his mail has arrived, when that can harm nobody.

A forged sender must not get mail from us, and a machine must never be answered. So this asks a row of questions;
the first "no" ends it, and each answer stands in the trace. RFC 3834 section 2.

Nothing that the sender wrote is in the text. His subject stands in ours only when he is proven; else spam could be
relayed through our name.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from config.clock import now
from config.errors import BadConfiguration, Refused
from outbound.appearance import Words, dress, kept_html, look_of
from outbound.caps import too_much
from outbound.compose import Letter, Thread
from outbound.guard import why_not
from outbound.marks import Audience, Mark
from outbound.plans import html_with_mark, with_mark
from outbound.post_office import PostOffice
from outbound.render import render
from outbound.routes import Way, reply_to, signed, way_of
from outbound.subjects import answer_subject
from outbound.writing import MAX_NAME, Person, one_line, written_address
from storage.address import canonical_address, domain_of
from storage.contacts import ContactAddress
from storage.ids import new_id
from storage.messages import Direction, NewMessage, file_messages
from storage.outbox import NewOutgoing, OutgoingKind, count_sent, enqueue
from storage.queues import Acknowledge, Queue
from storage.tickets import Ticket

# What was asked, what answered, why.
Line = tuple[str, str, str]
_STEP = "acknowledge"
_HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What decides whether a new ticket is acknowledged."""

    queue: Queue
    ticket: Ticket
    message: NewMessage
    null_reverse_path: bool
    is_answered_contact: bool
    is_proven: bool


def acknowledge(  # noqa: PLR0913 - the facts of one mail, each named where it is asked
    session: Session,
    office: PostOffice,
    *,
    queue: Queue,
    ticket: Ticket,
    message: NewMessage,
    null_reverse_path: bool,
    is_answered_contact: bool,
    is_proven: bool = False,
) -> list[Line]:
    """Acknowledge the mail that opened a ticket, or say why not. The ticket and its message are filed already."""
    arrival = Arrival(queue, ticket, message, null_reverse_path, is_answered_contact, is_proven)
    for question in QUESTIONS:
        why = question(session, office, arrival)
        if why:
            return [(_STEP, "no", why)]
    try:
        _send(session, office, arrival, way_of(session, office, ticket, queue))
    except (Refused, BadConfiguration) as error:  # no way, or a template or a key that cannot be used
        return [(_STEP, "no", str(error))]
    return [(_STEP, "yes", f"to {ticket.customer_address}")]


def _policy(_session: Session, office: PostOffice, arrival: Arrival) -> str:
    policy = arrival.queue.acknowledge or Acknowledge(office.settings.acknowledge.default)
    if policy is Acknowledge.NEVER:
        return f"queue {arrival.queue.name} never acknowledges"
    if policy is Acknowledge.ALL or arrival.is_proven or arrival.is_answered_contact:
        return ""
    return "the sender is not proven (DKIM, DMARC), and no agent has answered him before"


def _machine(_session: Session, _office: PostOffice, arrival: Arrival) -> str:
    if arrival.null_reverse_path:
        return "the reverse-path is null: a report or an automatic answer"
    # Lists too: an acknowledgement would go to everybody there, or to a robot.
    kind = arrival.message.kind
    if kind != _HUMAN:
        return f"the mail is {kind}, not from a person"
    return "the mail bears the loop mark of a gateway" if arrival.message.automatic else ""


def _author(_session: Session, _office: PostOffice, arrival: Arrival) -> str:
    """An agent's letter to a customer begins his ticket; he has sent us nothing."""
    author = canonical_address(arrival.message.author[1])
    return f"{author} wrote it, not the customer" if author and author != arrival.ticket.customer_address else ""


def _address(session: Session, office: PostOffice, arrival: Arrival) -> str:
    if not arrival.ticket.customer_address:
        return "the mail names no sender"
    return why_not(session, office, arrival.ticket.customer_address, OutgoingKind.ACKNOWLEDGEMENT)


def _budget(session: Session, office: PostOffice, arrival: Arrival) -> str:
    limits = office.settings.acknowledge
    address = arrival.ticket.customer_address
    domain = domain_of(address)
    budgets = (
        (limits.per_address_hour, timedelta(hours=1), address, "", f"to {address} in an hour"),
        (limits.per_address_day, timedelta(days=1), address, "", f"to {address} in a day"),
        (limits.per_domain_hour, timedelta(hours=1), "", domain, f"to {domain} in an hour"),
        (limits.total_hour, timedelta(hours=1), "", "", "in an hour"),
    )
    for limit, window, recipient, at_domain, what in budgets:
        since = now() - window
        if limit and count_sent(session, OutgoingKind.ACKNOWLEDGEMENT, since, recipient, at_domain) >= limit:
            return f"{limit} acknowledgements {what} are enough"
    return too_much(session, office.settings.outbound, address, arrival.ticket.id)


# The cheap ones first, those that ask the database last.
QUESTIONS: tuple[Callable[[Session, PostOffice, Arrival], str], ...] = (_policy, _machine, _author, _address, _budget)


def _send(session: Session, office: PostOffice, arrival: Arrival, way: Way) -> None:
    mark = Mark(Audience.CUSTOMER, arrival.ticket.id, new_id())
    letter = _letter(session, office, arrival, way, mark)
    text, html = with_mark(office, letter.text, mark), html_with_mark(office, letter.html, mark)
    content = signed(office, way.keys, replace(letter, text=text, html=html))
    [number] = file_messages(session, [_message(arrival, letter)])
    arrival.ticket.messages += 1
    session.add(arrival.ticket)
    address = arrival.ticket.customer_address
    mail = NewOutgoing(
        id=mark.outgoing_id,
        kind=OutgoingKind.ACKNOWLEDGEMENT,
        header_id=letter.thread.message_id,
        reverse_path=way.automatic_sender,
        content=content,
        recipients={address: letter.to[0].email},
        ticket_id=arrival.ticket.id,
        message_id=number,
        channel_id=way.channel_id,
    )
    enqueue(session, mail)


def _letter(session: Session, office: PostOffice, arrival: Arrival, way: Way, mark: Mark) -> Letter:
    queue, ticket, message = arrival.queue, arrival.ticket, arrival.message
    values = {"number": str(ticket.id), "sender": office.settings.company.name or queue.display_name or queue.name}
    rendered = render("acknowledgement", queue.language, values, office.settings.outbound.templates)
    author = way.author if queue.display_name_in_automatic_replies else Person("", way.author.email)
    subject = answer_subject(message.subject) if arrival.is_proven and message.subject else rendered.subject
    words = Words(rendered.text, subject=subject)
    dressed = dress(office.settings, look_of(office.settings, queue), words)
    return Letter(
        author=author,
        to=(_customer(session, arrival),),
        subject=f"{subject} [#{ticket.id}]" if queue.subject_tag else subject,
        text=dressed.text,
        html=dressed.html,
        files=dressed.files,
        date=now().astimezone(ZoneInfo(office.settings.time_zone)),
        thread=Thread(office.marks.message_id(mark), message.message_id, tuple(_references(message))),
        reply_to=reply_to(office, way, mark),
        loop_value=office.marks.loop_value(),
    )


def _customer(session: Session, arrival: Arrival) -> Person:
    address = arrival.ticket.customer_address
    row = session.get(ContactAddress, address)
    spelling = row.spelling if row and canonical_address(row.spelling) == address else address
    # The name is the sender's own text: only a proven one is written.
    name, author = arrival.message.author
    is_his = arrival.is_proven and canonical_address(author) == address
    return Person(one_line(name, MAX_NAME) if is_his else "", written_address(spelling))


def _references(message: NewMessage) -> Iterator[str]:
    yield from list(message.references)[-10:]
    yield message.message_id


def _message(arrival: Arrival, letter: Letter) -> NewMessage:
    at = now()
    return NewMessage(
        ticket_id=arrival.ticket.id,
        position=arrival.ticket.messages + 1,
        direction=Direction.OUTBOUND,
        kind=OutgoingKind.ACKNOWLEDGEMENT,
        author=letter.author,
        date=at,
        filed_at=at,
        subject=letter.subject,
        text=letter.text,
        html=kept_html(letter.html),
        reply_text=letter.text,
        to=letter.to,
        message_id=letter.thread.message_id,
        references=tuple(dict.fromkeys(id_ for id_ in letter.thread.references if id_)),
        automatic=True,
    )
