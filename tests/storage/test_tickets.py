"""Tickets: what moves by itself stays in the table, what an agent does is done and noted."""

from datetime import timedelta

import pytest
from fakes.rows import make_ticket
from sqlmodel import Session

from config.clock import now
from config.errors import AlreadyThere, AskedWrongly, NotFound, Refused
from storage.agents import add_agent
from storage.database import Database
from storage.participants import add_participant, change_customer, confirm_participant, remove_participant
from storage.queues import Queue, add_queue
from storage.ticket_time import close_solved
from storage.tickets import (
    MOVES,
    LinkKind,
    Participant,
    ParticipantRole,
    Status,
    TicketQueue,
    assign,
    events_of,
    get_ticket,
    link,
    links_of,
    move_by_itself,
    move_to_queue,
    participants_of,
    set_status,
)

STATUSES = list(Status)
ME = "agent@company.example"


def texts(session: Session, number: int) -> list[tuple[str, str, str]]:
    """The audit trail."""
    return [(event.kind, event.by, event.text) for event in events_of(session, number)]


def test_moves_cover_every_status() -> None:
    """Each status stands in the table; nothing becomes new again, and only solved closes by itself."""
    assert set(MOVES) == set(Status)
    assert all(Status.NEW not in targets for targets in MOVES.values())
    assert {status for status in MOVES if Status.CLOSED in MOVES[status]} == {Status.SOLVED}


@pytest.mark.parametrize("status", STATUSES)
def test_move_by_itself_outside_the_table_does_not_happen(database: Database, status: Status) -> None:
    """Mail moves a ticket along the table only; elsewhere nothing changes and nothing is noted."""
    with database.writing() as session:
        for to in STATUSES:
            ticket = make_ticket(session, status=status)
            happened = move_by_itself(session, ticket, to, by="gateway", why="a mail came")
            assert happened == (to in MOVES[status])
            assert ticket.status is (to if happened else status)
            assert len(texts(session, ticket.id)) == happened


@pytest.mark.parametrize("status", STATUSES)
def test_agent_may_set_any_status(database: Database, status: Status) -> None:
    """An agent's word moves a ticket anywhere, and the trail says from where, whereto and why."""
    with database.writing() as session:
        for to in set(STATUSES) - {status}:
            ticket = make_ticket(session, status=status)
            set_status(session, ticket, to, by=ME, why="because")
            assert texts(session, ticket.id) == [("status", ME, f"{status} -> {to}: because")]


def test_status_that_stays_is_not_noted(database: Database) -> None:
    """Setting the status that a ticket has is nothing."""
    with database.writing() as session:
        ticket = make_ticket(session)
        set_status(session, ticket, Status.NEW, by=ME)
        assert texts(session, ticket.id) == []


def test_settled_time_counts_from_the_first_of_solved_and_closed(database: Database) -> None:
    """Closing a solved ticket keeps its time, reopening forgets it."""
    with database.writing() as session:
        ticket = make_ticket(session)
        set_status(session, ticket, Status.SOLVED, by=ME)
        solved_at = ticket.settled_at
        set_status(session, ticket, Status.CLOSED, by=ME)
        assert ticket.settled_at == solved_at is not None
        set_status(session, ticket, Status.OPEN, by=ME)
        assert ticket.settled_at is None


def test_solved_tickets_close_by_the_policy_of_their_queue(database: Database) -> None:
    """What was solved long enough ago is closed; what is younger, not solved, or in a queue that never closes stays."""
    with database.writing() as session:
        soon = add_queue(session, Queue(name="Soon", close_after_days=2))
        never = add_queue(session, Queue(name="Never", close_after_days=0))
        tickets = [make_ticket(session, queue=queue, status=Status.OPEN) for queue in (soon, soon, soon, never)]
        for ticket, days in zip(tickets, (3, 1, 0, 30), strict=True):
            if days:
                set_status(session, ticket, Status.SOLVED, by=ME)
                ticket.settled_at = now() - timedelta(days=days)
        session.flush()
        assert close_solved(session, now()) == 1
    with database.reading() as session:
        assert [get_ticket(session, ticket.id).status for ticket in tickets] == [
            Status.CLOSED,
            Status.SOLVED,
            Status.OPEN,
            Status.SOLVED,
        ]


def test_ticket_that_is_not_there_is_not_found(database: Database) -> None:
    """A number of any size that no ticket has is NotFound."""
    with database.reading() as session:
        for number in (0, -1, 7, 2**31, 2**63, -(10**30)):
            with pytest.raises(NotFound):
                get_ticket(session, number)


def test_assigning_twice_is_noted_once(database: Database) -> None:
    """The trail names who became responsible, and says nothing when nothing changes."""
    with database.writing() as session:
        ticket, agent = make_ticket(session), add_agent(session, ME, "Alex")
        for _ in range(2):
            assign(session, ticket, agent.id, by=ME, text="Alex")
        assert texts(session, ticket.id) == [("assigned", ME, "Alex")]
        assign(session, ticket, None, by=ME, text="nobody")
        assert ticket.assignee_id is None


def test_moved_ticket_remembers_its_queues(database: Database) -> None:
    """A ticket that goes to another queue and back stays known in both."""
    with database.writing() as session:
        ticket, sales = make_ticket(session), add_queue(session, Queue(name="Sales"))
        home = session.get_one(Queue, ticket.queue_id)
        session.add(TicketQueue(ticket_id=ticket.id, queue_id=home.number))
        for queue in (sales, sales, home):
            move_to_queue(session, ticket, queue, by=ME)
        assert [text for _, _, text in texts(session, ticket.id)] == ["Support -> Sales", "Sales -> Support"]
        assert session.get(TicketQueue, (ticket.id, sales.number)) is not None


def test_link_is_seen_from_both_sides_once(database: Database) -> None:
    """Two tickets that are linked twice, from either side, have one link; a ticket has none to itself."""
    with database.writing() as session:
        one, two = make_ticket(session).id, make_ticket(session).id
        link(session, one, two, LinkKind.RELATED)
        link(session, two, one, LinkKind.SIBLING)
        assert links_of(session, one) == [(two, LinkKind.RELATED)]
        assert links_of(session, two) == [(one, LinkKind.RELATED)]
        with pytest.raises(AskedWrongly):
            link(session, one, one, LinkKind.RELATED)


def test_people_of_a_ticket_change_by_an_agents_word(database: Database) -> None:
    """Who is added is copied, once; a new customer leaves the old one copied; the customer cannot be removed."""
    with database.writing() as session:
        ticket = make_ticket(session)
        change_customer(session, ticket, "Ann@X.example", by=ME)
        add_participant(session, ticket, "Bob@x.example", "Bob", by=ME)
        with pytest.raises(AlreadyThere):
            add_participant(session, ticket, "bob@x.example", "", by=ME)
        change_customer(session, ticket, "carl@x.example", by=ME)
        with pytest.raises(Refused):
            remove_participant(session, ticket, "carl@x.example", by=ME)
        remove_participant(session, ticket, "bob@x.example", by=ME)
        assert [(row.address, row.role) for row in participants_of(session, ticket.id)] == [
            ("carl@x.example", ParticipantRole.CUSTOMER),
            ("ann@x.example", ParticipantRole.COPIED),
        ]
        assert ticket.customer_address == "carl@x.example"


def test_only_unproved_people_are_confirmed(database: Database) -> None:
    """An unverified writer becomes copied; who is copied already is refused, a stranger is not found."""
    with database.writing() as session:
        ticket = make_ticket(session)
        session.add(Participant(ticket_id=ticket.id, address="eve@x.example", role=ParticipantRole.UNVERIFIED))
        session.flush()
        assert confirm_participant(session, ticket, "eve@x.example", by=ME).role is ParticipantRole.COPIED
        with pytest.raises(Refused):
            confirm_participant(session, ticket, "eve@x.example", by=ME)
        with pytest.raises(NotFound):
            confirm_participant(session, ticket, "dan@x.example", by=ME)
