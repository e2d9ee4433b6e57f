"""How much automatic mail one person may get from us: about one ticket, and in all.

The last line of defence against a storm that no check has understood, so the counts are generous and stand in the
settings. What is over them is not lost: whoever asks says in the trace that it was suppressed, or waits.
"""

from datetime import timedelta

from sqlmodel import Session, col, select

from config.clock import now
from config.sending import OutboundSettings
from storage.ids import first_id
from storage.outbox import Delivery, Outgoing, OutgoingKind

# Minutes and how many mails in them.
Caps = tuple[tuple[int, int], ...]
_AUTOMATIC = tuple(kind for kind in OutgoingKind if kind.is_automatic)


def too_much(session: Session, settings: OutboundSettings, recipient: str, ticket_id: int | None) -> str:
    """Why one more automatic mail to this canonical address would be too much; empty when it is not."""
    about_one, in_all = settings.automatic_per_ticket, settings.automatic_per_address
    sent = _sent(session, recipient, (*about_one, *in_all))
    about_it = [id_ for id_, ticket in sent if ticket_id is not None and ticket == ticket_id]
    why = _over(about_it, about_one)
    if why:
        return f"{recipient} had {why} about ticket {ticket_id}"
    why = _over([id_ for id_, _ in sent], in_all)
    return f"{recipient} had {why}" if why else ""


def _sent(session: Session, recipient: str, caps: Caps) -> list[tuple[str, int | None]]:
    """The automatic mails to somebody within the longest window, the newest first, no more than are counted."""
    if not caps:
        return []
    since = now() - timedelta(minutes=max(minutes for minutes, _ in caps))
    query = (
        select(Outgoing.id, Outgoing.ticket_id)
        .join(Delivery, col(Delivery.outgoing_id) == Outgoing.id)
        .where(Delivery.recipient == recipient, col(Outgoing.id) >= first_id(since), col(Outgoing.kind).in_(_AUTOMATIC))
    )
    most = max(count for _, count in caps)
    return [(id_, ticket) for id_, ticket in session.exec(query.order_by(col(Outgoing.id).desc()).limit(most)).all()]


def _over(ids: list[str], caps: Caps) -> str:
    for minutes, count in caps:
        since = first_id(now() - timedelta(minutes=minutes))
        if sum(id_ >= since for id_ in ids) >= count:
            return f"{count} automatic mails within {minutes} minutes"
    return ""
