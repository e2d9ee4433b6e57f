"""One automatic mail to one person outside, about a mail of his: composed, filed in the ticket, and queued.

Whether it may be sent at all is asked by who sends it: `outbound.acknowledge`, `outbound.too_late`. RFC 3834.

Nothing that the sender wrote is in the text. His subject stands in ours only when he is proven; else spam could be
relayed through our name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from config.clock import now
from outbound.appearance import Words, dress, kept_html, look_of
from outbound.caps import too_much
from outbound.compose import Letter, Thread
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
from storage.message_filing import NewMessage, file_messages
from storage.messages import Direction
from storage.outbox import NewOutgoing, OutgoingKind, enqueue
from storage.outbox_view import count_sent
from storage.queues import Acknowledge, Queue
from storage.tickets import Ticket


@dataclass(frozen=True, slots=True)
class Occasion:
    """The mail that is answered by itself: its ticket, to whom, and what of it may be repeated to him."""

    queue: Queue
    ticket: Ticket
    address: str  # canonical
    author: tuple[str, str]  # name and address, as he wrote them
    subject: str
    message_id: str
    references: tuple[str, ...]
    is_proven: bool
    template: str = ""  # empty: the one that its kind names


def in_doubt(office: PostOffice, queue: Queue, *, is_proven: bool, is_answered_contact: bool) -> str:
    """Why a sender may be somebody else, and gets no mail of ours; empty when he gets it. Queues may tell everybody."""
    policy = queue.acknowledge or Acknowledge(office.settings.acknowledge.default)
    if policy is Acknowledge.ALL or is_proven or is_answered_contact:
        return ""
    return "the sender is not proven (DKIM, DMARC), and no agent has answered him before"


def over_budget(session: Session, office: PostOffice, kind: OutgoingKind, address: str, ticket_id: int) -> str:
    """Why one more of a kind to this address would be too much; empty when it is not."""
    limits, domain = office.settings.acknowledge, domain_of(address)
    budgets = (
        (limits.per_address_hour, timedelta(hours=1), address, "", f"to {address} in an hour"),
        (limits.per_address_day, timedelta(days=1), address, "", f"to {address} in a day"),
        (limits.per_domain_hour, timedelta(hours=1), "", domain, f"to {domain} in an hour"),
        (limits.total_hour, timedelta(hours=1), "", "", "in an hour"),
    )
    for limit, window, recipient, at_domain, what in budgets:
        if limit and count_sent(session, kind, now() - window, recipient, at_domain) >= limit:
            return f"{limit} {kind}s {what} are enough"
    return too_much(session, office.settings.outbound, address, ticket_id)


def send_automatic(
    session: Session, office: PostOffice, occasion: Occasion, kind: OutgoingKind, audience: Audience
) -> None:
    """Queue it, in the words of its template. Raises Refused or BadConfiguration."""
    ticket = occasion.ticket
    way = way_of(session, office, ticket, occasion.queue)
    mark = Mark(audience, ticket.id, new_id())
    letter = _letter(session, office, occasion, way, mark, kind)
    text, html = with_mark(office, letter.text, mark), html_with_mark(office, letter.html, mark)
    content = signed(office, way.keys, replace(letter, text=text, html=html))
    [number] = file_messages(session, [_message(ticket, letter, kind)])
    ticket.messages += 1
    session.add(ticket)
    mail = NewOutgoing(
        id=mark.outgoing_id,
        kind=kind,
        header_id=letter.thread.message_id,
        reverse_path=way.automatic_sender,
        content=content,
        recipients={occasion.address: letter.to[0].email},
        ticket_id=ticket.id,
        message_id=number,
        channel_id=way.channel_id,
    )
    enqueue(session, mail)


def _letter(
    session: Session, office: PostOffice, occasion: Occasion, way: Way, mark: Mark, kind: OutgoingKind
) -> Letter:
    queue, number = occasion.queue, occasion.ticket.id
    sender = office.settings.company.name or queue.display_name or queue.name
    values = {"number": str(number), "sender": sender, "address": way.author.email}
    rendered = render(occasion.template or str(kind), queue.language, values, office.settings.outbound.templates)
    author = way.author if queue.display_name_in_automatic_replies else Person("", way.author.email)
    subject = answer_subject(occasion.subject) if occasion.is_proven and occasion.subject else rendered.subject
    words = Words(rendered.text, subject=subject)
    dressed = dress(office.settings, look_of(office.settings, queue), words)
    return Letter(
        author=author,
        to=(_customer(session, occasion),),
        subject=f"{subject} [#{number}]" if queue.subject_tag else subject,
        text=dressed.text,
        html=dressed.html,
        files=dressed.files,
        date=now().astimezone(ZoneInfo(office.settings.time_zone)),
        thread=Thread(office.marks.message_id(mark), occasion.message_id, tuple(_references(occasion))),
        reply_to=reply_to(office, way, mark),
        loop_value=office.marks.loop_value(),
    )


def _customer(session: Session, occasion: Occasion) -> Person:
    address = occasion.address
    row = session.get(ContactAddress, address)
    spelling = row.spelling if row and canonical_address(row.spelling) == address else address
    # The name is the sender's own text: only a proven one is written.
    name, author = occasion.author
    is_his = occasion.is_proven and canonical_address(author) == address
    return Person(one_line(name, MAX_NAME) if is_his else "", written_address(spelling))


def _references(occasion: Occasion) -> Iterator[str]:
    yield from occasion.references[-10:]
    yield occasion.message_id


def _message(ticket: Ticket, letter: Letter, kind: OutgoingKind) -> NewMessage:
    at = now()
    return NewMessage(
        ticket_id=ticket.id,
        position=ticket.messages + 1,
        direction=Direction.OUTBOUND,
        kind=kind,
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
