"""Does the author of a reply know the newest message? Two who answer at once should not contradict each other."""

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config.errors import Refused
from outbound.drafts import Draft
from storage.agents import Agent
from storage.messages import Direction, Message, find_message
from storage.tickets import Shown


def refuse_newer(session: Session, agent: Agent, number: int, draft: Draft) -> int:
    """Raise Refused when a message has come that the author has not seen. Returns the last one that he knows.

    What he wrote himself and what the gateway wrote by itself do not count.
    """
    seen = _seen(session, agent, number, draft)
    query = (
        select(Message)
        .where(
            Message.ticket_id == number,
            col(Message.id) > seen,
            sa.or_(col(Message.agent_id).is_(None), col(Message.agent_id) != agent.id),
            sa.not_(sa.and_(col(Message.direction) == Direction.OUTBOUND, col(Message.automatic))),
        )
        .order_by(col(Message.id).desc())
    )
    newer = session.exec(query).first()
    if newer and not draft.anyway:
        who = newer.author_name or newer.author_email or "somebody"
        raise Refused(
            f"Nothing was sent: {newer.ref} by {who} is newer than what you have seen; "
            f"read it with `gateway ticket show {number}`, or say --anyway"
        )
    return seen


def remember_seen(session: Session, agent: Agent, number: int, message_id: int) -> None:
    """Note that the agent knows the ticket up to this message, which he has just written.

    Who was never shown the ticket is not checked now, and not later because he has written.
    """
    shown = session.get(Shown, (agent.id, number))
    if shown:
        shown.message_id = max(shown.message_id, message_id)
        session.add(shown)


def _seen(session: Session, agent: Agent, number: int, draft: Draft) -> int:
    if isinstance(draft.seen, int):
        return draft.seen
    if draft.seen is not None:
        message = find_message(session, draft.seen)
        if message.ticket_id != number:
            raise Refused(f"Nothing was sent: message {draft.seen} is in ticket {message.ticket_id}, not in {number}")
        return message.id
    shown = session.get(Shown, (agent.id, number))
    if shown:
        return shown.message_id
    # He was never shown the ticket: what there is when the command begins counts as seen.
    newest = session.exec(select(sa.func.max(Message.id)).where(Message.ticket_id == number)).one()
    return newest or 0
