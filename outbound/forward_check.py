"""Test a forward: send one signed mail to a support inbox, which must come home to a creation address.

It is the one mail that may go to a source inbox. It says what it is, asks machines not to answer, and goes through
the default servers or a channel that is named. That it came home is intake's to see. RFC 3834.
"""

from zoneinfo import ZoneInfo

from sqlmodel import Session

from config.clock import now
from config.errors import Refused
from outbound.compose import Letter, Thread, compose
from outbound.marks import Audience, Mark, person_tag
from outbound.post_office import PostOffice
from outbound.writing import Person
from storage.channels import Channel
from storage.forward_checks import CheckState, ForwardCheck, begin_check, end_check
from storage.ids import new_id
from storage.outbox import Delivery, DeliveryState, NewOutgoing, OutgoingKind, enqueue
from storage.outbox_view import deliveries_of_mail
from storage.queues import Queue

SUBJECT = "Forwarding test of the ticket gateway "
_UNDELIVERED = (DeliveryState.BOUNCED, DeliveryState.EXPIRED, DeliveryState.BLOCKED, DeliveryState.CANCELLED)
_TEXT = """\
This mail tests whether {inbox} forwards its mail to the ticket gateway of {domain} (queue {queue}).

It makes no ticket, and nobody needs to answer. You may delete it.
"""


def send_check(
    session: Session, office: PostOffice, queue: Queue, inbox: str, *, channel: Channel | None, is_canary: bool = False
) -> ForwardCheck:
    """Put the test of one inbox into the outbox. Raises Refused when it could not leave, or one is under way."""
    if channel is None and not office.settings.outbound.servers:
        raise Refused(
            "Nothing leaves this machine: name a mail server in [[outbound.servers]], or a channel with --via"
        )
    mark = Mark(Audience.PROBE, 0, new_id(), person_tag(inbox))
    made = ForwardCheck(id=mark.outgoing_id, queue_id=queue.number, inbox=inbox, is_canary=is_canary, sent_at=now())
    begun = begin_check(session, made)
    letter = _letter(office, queue, inbox, mark, channel)
    # A refusal must find its way back to this very test; an account would not take such a path.
    path = letter.author.email if channel else office.marks.return_path(mark)
    mail = NewOutgoing(
        id=mark.outgoing_id,
        kind=OutgoingKind.PROBE,
        header_id=letter.thread.message_id,
        reverse_path=path,
        content=compose(letter),
        recipients={inbox: inbox},
        channel_id=channel.number if channel else None,
    )
    enqueue(session, mail)
    return begun


def delivery_of(session: Session, check: ForwardCheck) -> Delivery:
    """What became of the mail on its way to the inbox."""
    [delivery] = deliveries_of_mail(session, check.id)
    return delivery


def is_undelivered(session: Session, check: ForwardCheck) -> bool:
    """Whether a server, or we ourselves, would not carry its mail."""
    return delivery_of(session, check).state in _UNDELIVERED


def note_refusal(session: Session, check: ForwardCheck) -> None:
    """End a check whose mail was not carried."""
    delivery = delivery_of(session, check)
    if delivery.state in _UNDELIVERED and end_check(session, check, CheckState.REFUSED):
        check.refusal = delivery.last_reply


def _letter(office: PostOffice, queue: Queue, inbox: str, mark: Mark, channel: Channel | None) -> Letter:
    domain, header_id = office.settings.domain, office.marks.message_id(mark)
    # Not the creation address: providers do not forward a mail back to its own author.
    author = channel.from_address if channel else f"postmaster@{domain}"
    return Letter(
        author=Person("Forwarding test", author),
        to=(Person("", inbox),),
        subject=f"{SUBJECT}{header_id}",
        text=_TEXT.format(inbox=inbox, domain=domain, queue=queue.name),
        date=now().astimezone(ZoneInfo(office.settings.time_zone)),
        thread=Thread(header_id),
        loop_value=office.marks.loop_value(),
    )
