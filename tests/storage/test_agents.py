"""Agents: who answers, who is meant, and who is in which team."""

import pytest

from config.errors import AlreadyThere, AskedWrongly, NotFound, Refused
from storage.agents import (
    Role,
    acting_agent,
    add_agent,
    find_agent,
    join_queue,
    leave_queue,
    list_agents,
    queue_members,
    queues_of,
    remove_agent,
)
from storage.database import Database
from storage.queues import Queue, add_queue, name_source_inbox


def test_agent_is_found_in_any_spelling(database: Database) -> None:
    """An agent is stored canonically, and found however his address is written."""
    with database.writing() as session:
        made = add_agent(session, "Alex@Company.example", " Alex ", role=Role.ADMIN, signature="A.")
        assert (made.email, made.name, made.role) == ("alex@company.example", "Alex", Role.ADMIN)
        assert find_agent(session, " ALEX@company.example ").id == made.id


def test_agent_is_added_once(database: Database) -> None:
    """A second agent of the same address is refused, and so is what is no address."""
    with database.writing() as session:
        add_agent(session, "alex@company.example", "Alex")
        with pytest.raises(AlreadyThere):
            add_agent(session, "ALEX@company.example", "Other")
        with pytest.raises(AskedWrongly):
            add_agent(session, "alex", "Alex")


def test_source_inbox_cannot_be_an_agent(database: Database) -> None:
    """Mail to an address that forwards to us would come back as a ticket."""
    with database.writing() as session:
        name_source_inbox(session, add_queue(session, Queue(name="Support")), "support@company.example")
        with pytest.raises(Refused):
            add_agent(session, "Support@company.example", "Support")


def test_removed_agent_leaves_his_teams_and_may_come_back(database: Database) -> None:
    """A removed agent is in no list and no team; adding him again takes back the same one."""
    with database.writing() as session:
        queue = add_queue(session, Queue(name="Support"))
        agent = add_agent(session, "alex@company.example", "Alex")
        join_queue(session, agent, queue)
        remove_agent(session, "alex@company.example")
        assert list_agents(session) == []
        assert queue_members(session, queue.number) == []
        with pytest.raises(NotFound, match="none yet"):
            find_agent(session, "alex@company.example")
        assert add_agent(session, "alex@company.example", "Alex again").id == agent.id


def test_acting_agent_is_the_named_or_the_only_one(database: Database) -> None:
    """Who acts is never guessed: of two agents one must be named, and the message lists them."""
    with database.writing() as session:
        with pytest.raises(AskedWrongly, match="gateway agent add"):
            acting_agent(session, None)
        alex = add_agent(session, "alex@company.example", "Alex")
        assert acting_agent(session, None).id == alex.id
        sam = add_agent(session, "sam@company.example", "Sam")
        with pytest.raises(AskedWrongly, match=r"alex@company\.example, sam@company\.example"):
            acting_agent(session, None)
        assert acting_agent(session, "SAM@company.example").id == sam.id
        with pytest.raises(NotFound):
            acting_agent(session, "eve@company.example")


def test_agent_joins_and_leaves_a_team_once(database: Database) -> None:
    """Joining twice is once, and leaving ends it."""
    with database.writing() as session:
        queue, agent = add_queue(session, Queue(name="Support")), add_agent(session, "alex@company.example", "Alex")
        join_queue(session, agent, queue)
        join_queue(session, agent, queue)
        assert [member.email for member in queue_members(session, queue.number)] == ["alex@company.example"]
        assert [one.name for one in queues_of(session, agent)] == ["Support"]
        leave_queue(session, agent, queue)
        assert queue_members(session, queue.number) == []
