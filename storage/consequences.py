"""What left because of a mail that came: acknowledgements to its customer, notices to agents.

Agents' answers are not meant: people decide those. The acknowledgement is a message of the ticket that names the mail;
a notice is a mail about its message.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.messages import Direction, Message, MessageReference, reference_key
from storage.outbox import Delivery, Outgoing, OutgoingKind
from storage.ticket_view import DeliveryView, view_delivery

_MOST = 100


@dataclass(frozen=True, slots=True)
class Consequence:
    """An automatic mail, and what became of it."""

    kind: OutgoingKind
    message: str | None  # 12.3, where it stands in the ticket itself
    deliveries: list[DeliveryView]


def consequences_of(session: Session, message: Message) -> list[Consequence]:
    """The automatic mails that left because of this message, the oldest first."""
    answers = _answers(session, message)
    about = sa.and_(col(Outgoing.message_id) == message.id, col(Outgoing.kind) != OutgoingKind.REPLY)
    query = select(Outgoing.id, Outgoing.kind, Outgoing.message_id).where(
        sa.or_(about, col(Outgoing.message_id).in_(answers))
    )
    rows = session.exec(query.order_by(col(Outgoing.id)).limit(_MOST)).all()
    deliveries = _deliveries(session, [id_ for id_, _kind, _number in rows])
    return [
        Consequence(OutgoingKind(kind), answers.get(number or 0), deliveries.get(id_, [])) for id_, kind, number in rows
    ]


def _answers(session: Session, message: Message) -> dict[int, str]:
    """The automatic messages of the ticket that name this one: number -> place."""
    if not message.message_id:
        return {}
    query = (
        select(Message)
        .join(MessageReference, col(MessageReference.message_id) == Message.id)
        .where(
            MessageReference.key == reference_key(message.message_id),
            Message.ticket_id == message.ticket_id,
            Message.direction == Direction.OUTBOUND,
            col(Message.automatic),
        )
    )
    return {answer.id: answer.ref for answer in session.exec(query.limit(_MOST)).all()}


def _deliveries(session: Session, outgoing: list[str]) -> dict[str, list[DeliveryView]]:
    found: dict[str, list[DeliveryView]] = {}
    query = select(Delivery).where(col(Delivery.outgoing_id).in_(outgoing)).order_by(col(Delivery.id))
    for delivery in session.exec(query).all():
        found.setdefault(delivery.outgoing_id, []).append(view_delivery(delivery))
    return found
