"""Agents: the people who answer."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from config.errors import AlreadyThere, AskedWrongly, NotFound, Refused
from storage.address import canonical_address
from storage.columns import Choice, UtcDateTime
from storage.queues import Queue, SourceInbox


class Role(StrEnum):
    """What an agent may do; today it is shown and not enforced: who has the shell has everything."""

    AGENT = "agent"
    MANAGER = "manager"
    ADMIN = "admin"


class NoticeKind(StrEnum):
    """What an agent may be told by mail."""

    NEW = "new"  # a ticket in one of his queues
    ASSIGNED = "assigned"  # a ticket is his from now on
    ANSWERED = "answered"  # a customer wrote in his ticket, or in nobody's of his queue
    FAILED = "failed"  # an answer was not delivered, waits for hours, or nobody knows
    CHANNEL = "channel"  # a channel, a mailbox or a forward fails, or a queue is silent: mail does not flow
    HELD = "held"  # once a day: what waits for a person's decision; managers hear it anyway


class NoticePace(StrEnum):
    """How often an agent is told."""

    IMMEDIATE = "immediate"
    HOURLY = "hourly"
    DAILY = "daily"


class Agent(SQLModel, table=True):
    """A person who answers. `email` is canonical."""

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True)
    name: str = ""
    signature: str = ""
    role: Role = Field(default=Role.AGENT, sa_column=sa.Column(Choice(Role), nullable=False))
    notify: str = ""  # words of NoticeKind with a comma between; empty: nothing
    notice_pace: NoticePace = Field(
        default=NoticePace.IMMEDIATE, sa_column=sa.Column(Choice(NoticePace), nullable=False)
    )
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def hears(self) -> frozenset[NoticeKind]:
        """What he is told by mail."""
        return frozenset(NoticeKind(word) for word in self.notify.split(",") if word)


class QueueMember(SQLModel, table=True):
    """An agent is in a queue's team."""

    __tablename__ = "queue_member"

    queue_id: int = Field(foreign_key="queue.id", primary_key=True)
    agent_id: int = Field(foreign_key="agent.id", primary_key=True)
    turn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # when a ticket was his by policy


def add_agent(session: Session, email: str, name: str, *, role: Role = Role.AGENT, signature: str = "") -> Agent:
    """Store a new agent, or take back a removed one. Raises AlreadyThere, AskedWrongly or Refused."""
    canonical = canonical_address(email)
    if canonical is None:
        raise AskedWrongly(f"{email!r} is no mail address")
    if session.get(SourceInbox, canonical):
        raise Refused(f"{canonical} is a source inbox, whose mail comes to us: an agent needs an address of his own")
    from storage.mailboxes import refuse_mailbox_address  # which needs this module

    refuse_mailbox_address(session, canonical)
    agent = session.exec(select(Agent).where(Agent.email == canonical)).first()
    if agent and agent.removed_at is None:
        raise AlreadyThere(f"There is an agent {canonical} already: change it with `gateway agent edit`")
    agent = agent or Agent(email=canonical)
    agent.name, agent.role, agent.signature, agent.removed_at = name.strip(), role, signature, None
    session.add(agent)
    session.flush()
    return agent


def find_agent(session: Session, email: str) -> Agent:
    """The agent of this address. Raises NotFound with the agents that there are."""
    canonical = canonical_address(email)
    for agent in list_agents(session):
        if agent.email == canonical:
            return agent
    names = ", ".join(agent.email for agent in list_agents(session)) or "none yet; add one with `gateway agent add`"
    raise NotFound(f"There is no agent {email}. Agents: {names}")


def acting_agent(session: Session, named: str | None) -> Agent:
    """Who acts: the one who is named, else the only one. Raises AskedWrongly with the choice."""
    if named:
        return find_agent(session, named)
    agents = list_agents(session)
    if len(agents) == 1:
        return agents[0]
    if not agents:
        raise AskedWrongly("There is no agent yet: add one with `gateway agent add EMAIL --name NAME`")
    raise AskedWrongly(f"Say who you are with --as or $GATEWAY_AGENT: {', '.join(agent.email for agent in agents)}")


def list_agents(session: Session) -> list[Agent]:
    """All agents who are not removed, by address."""
    query = select(Agent).where(col(Agent.removed_at).is_(None)).order_by(col(Agent.email))
    return list(session.exec(query).all())


def remove_agent(session: Session, email: str) -> Agent:
    """Take an agent out of the team; what he wrote stays his."""
    agent = find_agent(session, email)
    agent.removed_at = now()
    session.add(agent)
    session.exec(sa.delete(QueueMember).where(col(QueueMember.agent_id) == agent.id))
    session.flush()
    return agent


def join_queue(session: Session, agent: Agent, queue: Queue) -> None:
    """Put an agent into a queue's team; twice is once."""
    if session.get(QueueMember, (queue.number, agent.id)) is None:
        session.add(QueueMember(queue_id=queue.number, agent_id=agent.id or 0))
        session.flush()


def queue_members(session: Session, queue_id: int) -> list[Agent]:
    """The team of a queue."""
    query = (
        select(Agent).join(QueueMember, col(QueueMember.agent_id) == Agent.id).where(QueueMember.queue_id == queue_id)
    )
    return list(session.exec(query.order_by(col(Agent.email))).all())


def leave_queue(session: Session, agent: Agent, queue: Queue) -> None:
    """Take an agent out of a queue's team."""
    session.exec(
        sa.delete(QueueMember).where(col(QueueMember.agent_id) == agent.id, col(QueueMember.queue_id) == queue.number)
    )


def queues_of(session: Session, agent: Agent) -> list[Queue]:
    """The queues in whose team an agent is."""
    query = select(Queue).join(QueueMember, col(QueueMember.queue_id) == Queue.id)
    return list(session.exec(query.where(QueueMember.agent_id == agent.id).order_by(col(Queue.key))).all())
