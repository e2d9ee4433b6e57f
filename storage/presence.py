"""Who looks at a ticket or writes in it at the moment: a lease that ends by itself. It locks nobody out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from storage.agents import Agent
from storage.columns import UtcDateTime

_LOOKING = timedelta(minutes=5)
_WRITING = timedelta(minutes=30)


class Presence(SQLModel, table=True):
    """An agent is at a ticket."""

    ticket_id: int = Field(foreign_key="ticket.id", primary_key=True)
    agent_id: int = Field(foreign_key="agent.id", primary_key=True)
    writes: bool = False
    since: datetime = Field(sa_type=UtcDateTime)
    until: datetime = Field(sa_type=UtcDateTime)


@dataclass(frozen=True, slots=True)
class PresentAgent:
    """Somebody at a ticket."""

    name: str
    email: str
    writes: bool
    since: datetime


def come(session: Session, ticket_id: int, agent_id: int, *, writes: bool = False) -> None:
    """The agent looks or writes from now on; looking does not end writing."""
    at = now()
    here = session.get(Presence, (ticket_id, agent_id))
    if here is None or here.until < at:
        here = here or Presence(ticket_id=ticket_id, agent_id=agent_id, since=at, until=at)
        here.since, here.writes = at, False
    here.writes = here.writes or writes
    here.until = at + (_WRITING if here.writes else _LOOKING)
    session.add(here)
    session.flush()


def leave(session: Session, ticket_id: int, agent_id: int) -> None:
    """The agent is done."""
    here = session.get(Presence, (ticket_id, agent_id))
    if here:
        session.delete(here)
        session.flush()


def who_is_at(session: Session, ticket_id: int, but: int | None = None) -> list[PresentAgent]:
    """Who is at a ticket now, without the one who asks; those who write come first."""
    query = (
        select(Presence, Agent)
        .join(Agent, col(Agent.id) == Presence.agent_id)
        .where(Presence.ticket_id == ticket_id, Presence.until >= now(), Presence.agent_id != (but or 0))
        .order_by(col(Presence.writes).desc(), col(Agent.email))
    )
    return [PresentAgent(a.name, a.email, here.writes, here.since) for here, a in session.exec(query).all()]
