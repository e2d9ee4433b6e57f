"""Tell a customer that his mail has arrived, when that can harm nobody.

A forged sender must not get mail from us, and a machine must never be answered. So this asks a row of questions;
the first "no" ends it, and each answer stands in the trace. RFC 3834 section 2.

What is sent is `outbound.automatic`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session

from config.errors import BadConfiguration, Refused
from outbound.automatic import Occasion, in_doubt, over_budget, send_automatic
from outbound.guard import why_not
from outbound.marks import Audience
from outbound.post_office import PostOffice
from storage.address import canonical_address
from storage.message_filing import NewMessage
from storage.outbox import OutgoingKind
from storage.queues import Acknowledge, Queue
from storage.tickets import Ticket

# What was asked, what answered, why.
Line = tuple[str, str, str]
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
    template: str = ""  # the one with which a rule wants it answered


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
    template: str = "",
) -> list[Line]:
    """Acknowledge the mail that opened a ticket, or answer it as a rule wants, or say why not. It is filed already."""
    arrival = Arrival(queue, ticket, message, null_reverse_path, is_answered_contact, is_proven, template)
    step = "answer" if template else "acknowledge"
    for question in QUESTIONS:
        why = question(session, office, arrival)
        if why:
            return [(step, "no", why)]
    try:
        send_automatic(session, office, _occasion(arrival), OutgoingKind.ACKNOWLEDGEMENT, Audience.CUSTOMER)
    except (Refused, BadConfiguration) as error:  # no way, or a template or a key that cannot be used
        return [(step, "no", str(error))]
    return [(step, "yes", f"to {ticket.customer_address}" + (f" with the template {template}" if template else ""))]


def _policy(_session: Session, office: PostOffice, arrival: Arrival) -> str:
    policy = arrival.queue.acknowledge or Acknowledge(office.settings.acknowledge.default)
    # A rule is more particular than its queue; but it proves nobody.
    if policy is Acknowledge.NEVER and not arrival.template:
        return f"queue {arrival.queue.name} never acknowledges"
    return in_doubt(office, arrival.queue, is_proven=arrival.is_proven, is_answered_contact=arrival.is_answered_contact)


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
    kind = OutgoingKind.ACKNOWLEDGEMENT
    return over_budget(session, office, kind, arrival.ticket.customer_address, arrival.ticket.id)


# The cheap ones first, those that ask the database last.
QUESTIONS: tuple[Callable[[Session, PostOffice, Arrival], str], ...] = (_policy, _machine, _author, _address, _budget)


def _occasion(arrival: Arrival) -> Occasion:
    message = arrival.message
    return Occasion(
        queue=arrival.queue,
        ticket=arrival.ticket,
        address=arrival.ticket.customer_address,
        author=message.author,
        subject=message.subject,
        message_id=message.message_id,
        references=tuple(message.references),
        is_proven=arrival.is_proven,
        template=arrival.template,
    )
