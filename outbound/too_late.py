"""Tell somebody that his answer came too late: its ticket was settled long ago, and its queue refuses such answers.

His mail is held, not lost, and he is told so once; who answers that gets a ticket. He is told under the conditions of
an acknowledgement: a forged sender gets no mail of ours, and no machine is answered (intake asks for neither).
RFC 3834 section 2.
"""

from datetime import timedelta

from sqlmodel import Session, col, select

from config.clock import now
from config.errors import BadConfiguration, Refused
from outbound.automatic import Occasion, in_doubt, over_budget, send_automatic
from outbound.guard import why_not
from outbound.marks import Audience
from outbound.post_office import PostOffice
from storage.outbox import Delivery, Outgoing, OutgoingKind
from storage.outbox_view import count_sent

# What was asked, what answered, why.
Line = tuple[str, str, str]
_STEP = "refusal"
_KIND = OutgoingKind.REFUSAL
# About whatever ticket it is: two robots that nobody has recognised write to each other once a day.
_ONE_WITHIN = timedelta(days=1)


def tell_too_late(session: Session, office: PostOffice, occasion: Occasion, *, is_answered_contact: bool) -> Line:
    """Tell him, or say why not."""
    why = _why_not(session, office, occasion, is_answered_contact=is_answered_contact)
    if why:
        return (_STEP, "no", why)
    try:
        send_automatic(session, office, occasion, _KIND, Audience.REFUSED)
    except (Refused, BadConfiguration) as error:  # no way, or a template or a key that cannot be used
        return (_STEP, "no", str(error))
    return (_STEP, "yes", f"to {occasion.address}")


def _why_not(session: Session, office: PostOffice, occasion: Occasion, *, is_answered_contact: bool) -> str:
    doubt = in_doubt(office, occasion.queue, is_proven=occasion.is_proven, is_answered_contact=is_answered_contact)
    if doubt:
        return doubt
    if not occasion.address:
        return "the mail names no sender"
    if _was_told(session, occasion):
        return f"{occasion.address} was told so about ticket {occasion.ticket.id}"
    if count_sent(session, _KIND, now() - _ONE_WITHIN, occasion.address):
        return f"{occasion.address} was told so about another ticket within a day"
    why = why_not(session, office, occasion.address, _KIND)
    return why or over_budget(session, office, _KIND, occasion.address, occasion.ticket.id)


def _was_told(session: Session, occasion: Occasion) -> bool:
    query = (
        select(Delivery.id)
        .join(Outgoing, col(Outgoing.id) == Delivery.outgoing_id)
        .where(
            Outgoing.ticket_id == occasion.ticket.id,
            Outgoing.kind == _KIND,
            Delivery.recipient == occasion.address,
        )
    )
    return session.exec(query).first() is not None
