"""What the outcome of a delivery means for its ticket: an agent hears of every answer that did not arrive.

A ticket is reopened once an hour at most, however many of its mails fail. Automatic mail fails in silence:
nobody waits for it.
"""

from datetime import timedelta

from sqlmodel import Session, col, select

from config.clock import now
from outbound.refusals import next_step
from storage.agents import NoticeKind
from storage.ids import lock_filing
from storage.message_filing import NewMessage, file_messages
from storage.messages import Direction, Message
from storage.notices import News, raise_alarm, tell
from storage.outbox import Delivery, DeliveryState, Outgoing
from storage.tickets import Event, Status, Ticket, get_ticket, move_by_itself, note

# The event that marks a reopening; reports that come by mail write it too.
REOPENED = "bounced"
_WARN_AFTER = timedelta(hours=4)
_MEANING = {
    DeliveryState.BOUNCED: "was not delivered",
    DeliveryState.EXPIRED: "was not delivered: we have given up trying",
    DeliveryState.BLOCKED: "was not sent",
    DeliveryState.UNCERTAIN: "may or may not have arrived: the connection was lost at the very end",
}
_NEXT = {
    DeliveryState.BOUNCED: "Check the address, or reach the customer in another way.",
    DeliveryState.EXPIRED: "Try again with `gateway outbox retry {id}`, or reach the customer in another way.",
    DeliveryState.BLOCKED: "Take it off the list with `gateway block remove`, then `gateway outbox retry {id}`.",
    DeliveryState.UNCERTAIN: "Say `gateway outbox resolve {id} sent`, or `retry`, after which it may arrive twice.",
}


def what_to_do(delivery: Delivery) -> str:
    """The next step for a person who looks at a delivery; empty where there is nothing to do."""
    is_said = delivery.state in (DeliveryState.DEFERRED, DeliveryState.BOUNCED)
    said = next_step(delivery.last_reply) if is_said else ""
    return said or _NEXT.get(delivery.state, "").format(id=delivery.id)


def tell_ticket(session: Session, outgoing: Outgoing, delivery: Delivery) -> None:
    """Reopen the ticket of an agent's answer that ended badly, with a note that says what to do."""
    if outgoing.kind.is_automatic or outgoing.ticket_id is None or delivery.state not in _MEANING:
        return
    # Numbers of messages are taken here: nobody else may file into this ticket meanwhile.
    lock_filing(session)
    ticket = get_ticket(session, outgoing.ticket_id)
    what = f"{delivery.recipient}: {delivery.state}: {delivery.last_reply}"
    if _reopened_lately(session, ticket):
        note(session, ticket, "undelivered", by="gateway", text=what)
    else:
        note(session, ticket, REOPENED, by="gateway", text=what)
        move_by_itself(session, ticket, Status.OPEN, by="gateway", why=f"{delivery.state}: {delivery.recipient}")
    _file_note(session, ticket, delivery)
    headline = f"the answer to {delivery.recipient} {_MEANING[delivery.state]}"
    tell(session, News(NoticeKind.FAILED, headline, delivery.last_reply, also=_author(session, outgoing)), ticket)


def warn_of_delay(session: Session, outgoing: Outgoing, delivery: Delivery) -> None:
    """Say once on the ticket that an answer has been waiting for hours."""
    if outgoing.kind.is_automatic or outgoing.ticket_id is None:
        return
    query = select(Event.id).where(
        Event.ticket_id == outgoing.ticket_id, Event.kind == "delayed", col(Event.at) >= outgoing.created_at
    )
    if now() - outgoing.created_at >= _WARN_AFTER and session.exec(query).first() is None:
        ticket = get_ticket(session, outgoing.ticket_id)
        what = f"{delivery.recipient}: not delivered yet: {delivery.last_reply}"
        note(session, ticket, "delayed", by="gateway", text=what)
        headline = f"the answer to {delivery.recipient} has been waiting for hours, and is still tried"
        tell(session, News(NoticeKind.FAILED, headline, delivery.last_reply, also=_author(session, outgoing)), ticket)


def tell_of_channel(session: Session, outgoing: Outgoing, name: str, error: str) -> None:
    """Say on the ticket that its answer waits because a channel fails, and to everybody who wants to know."""
    raise_alarm(session, f"the channel {name} fails, its mail waits", error)
    if outgoing.ticket_id is not None and not outgoing.kind.is_automatic:
        ticket = get_ticket(session, outgoing.ticket_id)
        note(session, ticket, "channel", by="gateway", text=f"the channel {name} fails, mail waits: {error}")


def _author(session: Session, outgoing: Outgoing) -> list[int]:
    """The agent who wrote an answer."""
    message = session.get(Message, outgoing.message_id) if outgoing.message_id else None
    return [message.agent_id] if message and message.agent_id else []


def _reopened_lately(session: Session, ticket: Ticket) -> bool:
    since = now() - timedelta(hours=1)
    query = select(Event.id).where(Event.ticket_id == ticket.id, Event.kind == REOPENED, col(Event.at) >= since)
    return session.exec(query).first() is not None


def _file_note(session: Session, ticket: Ticket, delivery: Delivery) -> None:
    at = now()
    text = (
        f"The answer to {delivery.recipient} {_MEANING[delivery.state]}.\n\n"
        f"{delivery.last_reply or 'The server said nothing.'}\n\n{what_to_do(delivery)}\n"
    )
    message = NewMessage(
        ticket_id=ticket.id,
        position=ticket.messages + 1,
        direction=Direction.NOTE,
        kind="undelivered",
        author=("", ""),
        date=at,
        filed_at=at,
        subject=f"Not delivered to {delivery.recipient}",
        text=text,
        reply_text=text,
        automatic=True,
    )
    file_messages(session, [message])
    ticket.messages += 1
    session.add(ticket)
    session.flush()
