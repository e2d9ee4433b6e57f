"""Whose turn it is in a team: who gets a new ticket where the queue shares them."""

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from config.clock import now
from storage.agents import Agent, QueueMember
from storage.tickets import Status, Ticket


def next_in_turn(session: Session, queue_id: int) -> Agent | None:
    """The member of a team whose turn it is; it is over with this."""
    return _take_turn(session, _members(queue_id).order_by(*_LONGEST_AGO))


def least_loaded(session: Session, queue_id: int) -> Agent | None:
    """The member of a team who has the fewest tickets to do; of several, the one whose turn is longest ago."""
    load = (
        select(sa.func.count())
        .where(col(Ticket.assignee_id) == col(Agent.id), col(Ticket.status).in_((Status.NEW, Status.OPEN)))
        .scalar_subquery()
    )
    return _take_turn(session, _members(queue_id).order_by(load, *_LONGEST_AGO))


_LONGEST_AGO = (col(QueueMember.turn_at).isnot(None), col(QueueMember.turn_at), col(Agent.email))


def _members(queue_id: int) -> SelectOfScalar[QueueMember]:
    query = select(QueueMember).join(Agent, col(Agent.id) == QueueMember.agent_id)
    return query.where(QueueMember.queue_id == queue_id, col(Agent.removed_at).is_(None)).limit(1)


def _take_turn(session: Session, query: SelectOfScalar[QueueMember]) -> Agent | None:
    member = session.exec(query).first()
    if member is None:
        return None
    member.turn_at = now()
    session.add(member)
    session.flush()
    return session.get_one(Agent, member.agent_id)
