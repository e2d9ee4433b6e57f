"""What is asked of the outbox: deliveries by number, mail, message and person, and how many there are."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config.errors import NotFound
from storage.ids import MAX_NUMBER, first_id
from storage.outbox import Delivery, DeliveryState, Outgoing, OutgoingKind


def deliveries_of_mail(session: Session, outgoing_id: str) -> list[Delivery]:
    """All deliveries of one mail."""
    query = select(Delivery).where(Delivery.outgoing_id == outgoing_id).order_by(col(Delivery.id))
    return list(session.exec(query).all())


def newest_delivery(session: Session, recipients: Sequence[str], since: datetime) -> tuple[Delivery, Outgoing] | None:
    """The last mail of ours to one of these canonical addresses that was queued since then."""
    query = (
        select(Delivery, Outgoing)
        .join(Outgoing, col(Outgoing.id) == Delivery.outgoing_id)
        .where(col(Delivery.recipient).in_(recipients), col(Outgoing.id) >= first_id(since))
        .order_by(col(Delivery.id).desc())
    )
    return session.exec(query.limit(1)).first()


def find_delivery(session: Session, id_: int) -> tuple[Delivery, Outgoing]:
    """One delivery and its mail. Raises NotFound."""
    delivery = session.get(Delivery, id_) if abs(id_) <= MAX_NUMBER else None
    if delivery is None:
        raise NotFound(f"There is no delivery {id_}: see `gateway outbox list --all`")
    return delivery, session.get_one(Outgoing, delivery.outgoing_id)


def list_deliveries(session: Session, *, everything: bool = False, limit: int = 200) -> list[tuple[Delivery, Outgoing]]:
    """What has not gone out as it should, or everything; the newest first."""
    query = (
        select(Delivery, Outgoing)
        .join(Outgoing, col(Outgoing.id) == Delivery.outgoing_id)
        .order_by(col(Delivery.id).desc())
        .limit(limit)
    )
    if not everything:
        query = query.where(col(Delivery.state).not_in((DeliveryState.SENT, DeliveryState.CANCELLED)))
    return list(session.exec(query).all())


def deliveries_of(session: Session, message_ids: Sequence[int]) -> dict[int, list[Delivery]]:
    """The deliveries of some messages, by message."""
    query = (
        select(Outgoing.message_id, Delivery)
        .join(Delivery, col(Delivery.outgoing_id) == Outgoing.id)
        .where(col(Outgoing.message_id).in_(message_ids))
        .order_by(col(Delivery.id))
    )
    found: dict[int, list[Delivery]] = {}
    for message_id, delivery in session.exec(query).all():
        found.setdefault(message_id or 0, []).append(delivery)
    return found


def count_states(session: Session) -> dict[DeliveryState, int]:
    """How many recipients stand where."""
    rows = session.exec(select(Delivery.state, sa.func.count()).group_by(col(Delivery.state))).all()
    return {DeliveryState(state): count for state, count in rows}


def count_sent(session: Session, kind: OutgoingKind, since: datetime, recipient: str = "", domain: str = "") -> int:
    """How many mails of a kind were queued since then: to one address, to one domain, or to anybody."""
    # Ids sort by time, so the primary key serves as an index over it.
    query = (
        select(sa.func.count())
        .select_from(Delivery)
        .join(Outgoing, col(Outgoing.id) == Delivery.outgoing_id)
        .where(Outgoing.kind == kind, col(Outgoing.id) >= first_id(since))
    )
    if recipient:
        query = query.where(Delivery.recipient == recipient)
    if domain:
        query = query.where(col(Delivery.recipient).endswith(f"@{domain}", autoescape=True))
    return session.exec(query).one()
