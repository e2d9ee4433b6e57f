"""Make what a new installation lacks: database, queue, creation address, inbox and agent. What is there stays."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from config.errors import AskedWrongly
from gateway.cli.init_ask import Answers, Way, with_agent, with_inbox

if TYPE_CHECKING:
    from pathlib import Path

    from sqlmodel import Session

    from config.settings import Settings
    from storage.queues import Queue


@dataclass(frozen=True, slots=True)
class Founded:
    """What is there now, and what to do next."""

    config: str
    queue: str
    address: str
    agent: str | None
    inbox: str | None
    way: str
    next: list[str]


def found(path: "Path", settings: "Settings", answers: Answers) -> Founded:
    """Make what is missing, in one transaction; given again it makes nothing. Raises AskedWrongly or Refused."""
    from gateway.cli.init_next import next_steps
    from storage import migrate

    database = migrate.open_or_make(settings)
    try:
        migrate.upgrade(database)
        with database.reading() as session:
            answers = _asked_for_the_rest(session, answers)
        with database.writing() as session:
            queue = _queue(session, answers.queue or "Support")
            address = _address(session, settings, queue)
            inbox = _inbox(session, settings, queue, answers)
            agent = _agent(session, queue, answers)
            made = Founded(str(path), queue.name, address, agent or None, inbox or None, answers.way or Way.FORWARD, [])
    finally:
        database.close()
    # It may ask DNS who the inbox's provider is: after the transaction.
    return replace(made, next=next_steps(settings, made.queue, inbox, made.way))


def _asked_for_the_rest(session: "Session", answers: Answers) -> Answers:
    """Where a settings file was there already, nobody was asked yet; what the database knows is not asked."""
    from storage.agents import list_agents
    from storage.mailboxes import list_mailboxes
    from storage.queues import source_inboxes

    if answers.agent is None and not list_agents(session):
        answers = with_agent(answers)
    if answers.inbox is None and not source_inboxes(session) and not list_mailboxes(session):
        answers = with_inbox(answers)
    return answers


def _queue(session: "Session", name: str) -> "Queue":
    from storage.queues import Queue, add_queue, queue_named

    return queue_named(session, name) or add_queue(session, Queue(name=name, key=""))


def _address(session: "Session", settings: "Settings", queue: "Queue") -> str:
    from storage.addresses import AddressState, list_addresses, new_address

    there = [one.address for one in list_addresses(session, queue.number) if one.state is AddressState.ACTIVE]
    return there[-1] if there else new_address(session, queue, settings.domain).address


def _inbox(session: "Session", settings: "Settings", queue: "Queue", answers: Answers) -> str:
    """Named as a source when it forwards: from now on nothing is sent to it. One that is read is connected later."""
    from storage.address import domain_of
    from storage.queues import name_source_inbox

    inbox = answers.inbox or ""
    if inbox and domain_of(inbox) in settings.own_domains:
        raise AskedWrongly(f"--inbox: {inbox} is in our own domain; name the inbox that customers write to today")
    if inbox and inbox == answers.agent:
        raise AskedWrongly(f"--agent: {inbox} is the support inbox; an agent needs an address of his own")
    if inbox and answers.way != Way.MAILBOX:
        return name_source_inbox(session, queue, inbox).address
    return inbox


def _agent(session: "Session", queue: "Queue", answers: Answers) -> str:
    from storage.agents import add_agent, join_queue, list_agents

    if not answers.agent:
        return ""
    there = next((one for one in list_agents(session) if one.email == answers.agent), None)
    agent = there or add_agent(session, answers.agent, answers.agent_name or "")
    join_queue(session, agent, queue)
    return agent.email
