"""What people decide about deliveries: try again, take as sent, cancel. What servers decide is `storage.outbox`."""

import re
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config.errors import Refused
from storage.due import WAITS
from storage.messages import Message
from storage.outbox import MOVES, Delivery, DeliveryState, Outcome, record, retry
from storage.outbox_view import deliveries_of, find_delivery
from storage.tickets import Event, Status, get_ticket, note, set_status

_STATUS_MOVE = re.compile(r"([a-z]+) -> ([a-z]+)(?:: replied)?")


def retry_now(session: Session, id_: int, *, by: str, only_uncertain: bool = False) -> Delivery:
    """Try a delivery again now. Raises NotFound or Refused."""
    delivery, mail = find_delivery(session, id_)
    if only_uncertain:
        _refuse_certain(delivery)
    retry(session, delivery)
    _tell(session, mail.ticket_id, f"{delivery.recipient}: tried again", by)
    return delivery


def resolve_sent(session: Session, id_: int, *, by: str) -> Delivery:
    """Take an uncertain delivery as sent. Raises NotFound or Refused."""
    delivery, mail = find_delivery(session, id_)
    _refuse_certain(delivery)
    record(session, Outcome(id_, DeliveryState.SENT, f"taken as sent by {by}"))
    _tell(session, mail.ticket_id, f"{delivery.recipient}: taken as sent", by)
    return delivery


def cancel(session: Session, id_: int, *, by: str) -> Delivery:
    """Stop a delivery that has not begun; a reply of which nothing goes out takes its status back."""
    delivery, mail = find_delivery(session, id_)
    if DeliveryState.CANCELLED not in MOVES[delivery.state]:
        raise Refused(f"Delivery {id_} is {delivery.state}: it is too late to cancel it")
    record(session, Outcome(id_, DeliveryState.CANCELLED, f"cancelled by {by}"))
    _tell(session, mail.ticket_id, f"{delivery.recipient}: cancelled", by)
    if mail.message_id and _all_cancelled(session, mail.message_id):
        _take_back(session, session.get_one(Message, mail.message_id), by)
    return delivery


@dataclass(frozen=True, slots=True)
class Deferral:
    """What a server said to mails that wait now, word for word, and how many those are."""

    way: int
    server: str
    reply: str
    mails: int


def deferrals(session: Session, limit: int) -> list[Deferral]:
    """Why mail waits: what most have heard first."""
    said = (col(Delivery.way), col(Delivery.server), col(Delivery.last_reply))
    count = sa.func.count()
    query = select(*said, count).where(WAITS, Delivery.state == DeliveryState.DEFERRED).group_by(*said)
    return [Deferral(*row) for row in session.exec(query.order_by(count.desc(), *said).limit(limit)).all()]


def _refuse_certain(delivery: Delivery) -> None:
    if delivery.state is not DeliveryState.UNCERTAIN:
        raise Refused(f"Delivery {delivery.id} is {delivery.state}: only an uncertain one is resolved")


def _all_cancelled(session: Session, message_id: int) -> bool:
    deliveries = deliveries_of(session, [message_id]).get(message_id, [])
    return all(delivery.state is DeliveryState.CANCELLED for delivery in deliveries)


def _take_back(session: Session, message: Message, by: str) -> None:
    """The message stays, as cancelled; the status that it made goes back, unless somebody has moved it since."""
    message.cancelled = True
    session.add(message)
    ticket = get_ticket(session, message.ticket_id)
    query = select(Event).where(Event.ticket_id == ticket.id, Event.kind == "status", Event.at >= message.filed_at)
    moved = session.exec(query.order_by(col(Event.id)).limit(1)).first()
    change = _STATUS_MOVE.fullmatch(moved.text) if moved else None
    if change and ticket.status == change[2]:
        set_status(session, ticket, Status(change[1]), by=by, why=f"{message.ref} was cancelled")
    session.flush()


def _tell(session: Session, ticket_id: int | None, text: str, by: str) -> None:
    if ticket_id is not None:
        note(session, get_ticket(session, ticket_id), "delivery", by=by, text=text)
