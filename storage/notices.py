"""What agents are told by mail: noted here in the transaction that causes it, written and sent by `outbound.notices`.

Each agent chooses what he hears and how often. Nobody is told what he did himself.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from storage.agents import Agent, NoticeKind, NoticePace, QueueMember, Role, list_agents
from storage.columns import Choice, UtcDateTime

if TYPE_CHECKING:
    from storage.tickets import Ticket

# What happens within so short a time comes in one mail.
_GATHER = timedelta(seconds=3)
_MORNING = 6  # UTC: a day's digest is there when the day begins
_MAX_EXCERPT = 1500
_MAX_HEADLINE = 300


class Notice(SQLModel, table=True):
    """One thing that one agent is to be told. It is deleted when it stands in a mail."""

    id: int | None = Field(default=None, primary_key=True)
    agent_id: int = Field(foreign_key="agent.id", index=True)
    kind: NoticeKind = Field(sa_column=sa.Column(Choice(NoticeKind), nullable=False))
    ticket_id: int | None = Field(default=None, foreign_key="ticket.id")
    headline: str
    excerpt: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime, index=True)


@dataclass(frozen=True, slots=True)
class News:
    """Something that agents may want to hear. `by` is who did it, `also` whom it concerns beside the assignee."""

    kind: NoticeKind
    headline: str
    excerpt: str = ""
    by: str = ""
    also: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class Listeners:
    """The agents who want to hear anything, and the teams that they are in. Loaded once for many news."""

    agents: dict[int, Agent]
    teams: dict[int, set[int]] = field(default_factory=dict)  # queue -> agents, those who hear nothing too

    def of(self, news: News, ticket: "Ticket | None") -> list[Agent]:
        """Who is to hear this."""
        wanting = [a for a in self.agents.values() if news.kind in a.hears and a.email != news.by]
        concerned = self._concerned(news, ticket)
        return wanting if concerned is None else [agent for agent in wanting if agent.id in concerned]

    def _concerned(self, news: News, ticket: "Ticket | None") -> Collection[int] | None:
        """Whose matter it is; None: everybody's."""
        if ticket is None or news.kind is NoticeKind.CHANNEL:
            return None
        if news.kind is not NoticeKind.NEW:
            people = {*news.also, *((ticket.assignee_id,) if ticket.assignee_id else ())}
            if people or news.kind is NoticeKind.ASSIGNED:
                return people
        # A queue without a team is everybody's.
        return self.teams.get(ticket.queue_id)


# Made once: it is asked for every batch of mail.
_LISTENING = select(Agent).where(col(Agent.removed_at).is_(None), Agent.notify != "")


def load_listeners(session: Session) -> Listeners:
    """Who listens now. Where nobody does, that is one cheap question."""
    agents = {agent.id or 0: agent for agent in session.exec(_LISTENING).all()}
    if not agents:
        return Listeners({})
    teams: dict[int, set[int]] = {}
    for member in session.exec(select(QueueMember)).all():
        teams.setdefault(member.queue_id, set()).add(member.agent_id)
    return Listeners(agents, teams)


def tell(session: Session, news: News, ticket: "Ticket | None", listeners: Listeners | None = None) -> list[str]:
    """Note this for everybody who wants to hear it; returns who that is."""
    listeners = listeners or load_listeners(session)
    told = listeners.of(news, ticket)
    for agent in told:
        tell_one(session, agent, news, ticket)
    return [agent.email for agent in told]


def raise_alarm(session: Session, headline: str, reason: str = "") -> None:
    """Tell once that mail does not flow: those who asked for it, else the managers, since somebody must know."""
    news = News(NoticeKind.CHANNEL, headline, reason)
    if not tell(session, news, None):
        for agent in list_agents(session):
            if agent.role in (Role.MANAGER, Role.ADMIN):
                tell_one(session, agent, news, None)


def tell_one(session: Session, agent: Agent, news: News, ticket: "Ticket | None") -> None:
    """Note this for one agent, whether he wants to hear it or not; when he reads it is his choice."""
    at = now()
    notice = Notice(
        agent_id=agent.id or 0,
        kind=news.kind,
        ticket_id=ticket.id if ticket else None,
        headline=news.headline[:_MAX_HEADLINE],
        excerpt=news.excerpt[:_MAX_EXCERPT],
        created_at=at,
        due_at=_due(agent.notice_pace, at),
    )
    session.add(notice)


def due_notices(session: Session, limit: int) -> list[Notice]:
    """What is to be written now, the longest due first; of an agent who is written to, all that waits for him."""
    at = now()
    first = select(Notice.agent_id).where(Notice.due_at <= at).order_by(col(Notice.due_at)).limit(limit)
    agents = set(session.exec(first).all())
    if not agents:
        return []
    query = select(Notice).where(col(Notice.agent_id).in_(agents), Notice.due_at <= at)
    return list(session.exec(query.order_by(col(Notice.agent_id), col(Notice.id)).limit(limit)).all())


def take_notices(session: Session, notices: Sequence[Notice]) -> bool:
    """Delete notices that were written. False, and none deleted, when another process has taken one of them."""
    numbers = [notice.id for notice in notices]
    held = session.exec(select(Notice.id).where(col(Notice.id).in_(numbers)).with_for_update()).all()
    if len(held) != len(numbers):
        return False
    session.exec(sa.delete(Notice).where(col(Notice.id).in_(numbers)))
    return True


def _due(pace: NoticePace, at: datetime) -> datetime:
    if pace is NoticePace.IMMEDIATE:
        return at + _GATHER
    hour = at.replace(minute=0, second=0, microsecond=0)
    if pace is NoticePace.HOURLY:
        return hour + timedelta(hours=1)
    morning = hour.replace(hour=_MORNING)
    return morning if at < morning else morning + timedelta(days=1)
