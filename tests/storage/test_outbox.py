"""The outbox: a mail is sent by one worker at a time, and what nobody knows is never sent again by itself."""

from datetime import timedelta

import pytest
import time_machine
from fakes.rows import make_ticket, new_message, send_mail
from sqlmodel import select

from config.clock import now
from config.errors import NotFound, Refused
from storage.database import Database
from storage.deliveries import cancel, resolve_sent, retry_now
from storage.dispatch import (
    Claim,
    Job,
    Sent,
    claim_due,
    give_back_due,
    mark_dot,
    next_due,
    record_sent,
    recover_due,
    still_held,
    take_lost,
)
from storage.due import Wanted
from storage.message_filing import file_messages
from storage.messages import Message
from storage.outbox import (
    DEFAULT_WAY,
    MOVES,
    PENDING,
    Delivery,
    DeliveryState,
    Outcome,
    OutgoingKind,
    prove_sent,
    record,
)
from storage.outbox_view import count_sent, count_states, deliveries_of, find_delivery, list_deliveries
from storage.tickets import Status, get_ticket, set_status

LEASE = 900.0
STATES = list(DeliveryState)


def queued(database: Database, *recipients: str) -> list[int]:
    """The deliveries of a mail in the outbox."""
    with database.writing() as session:
        return [delivery.id or 0 for delivery in send_mail(session, *recipients)[1]]


def due(database: Database, owner: str = "one", limit: int = 10) -> list[Job]:
    """What a worker gets."""
    with database.writing() as session:
        return claim_due(session, Claim(owner, LEASE, Wanted(limit)))


def got(database: Database, owner: str = "one") -> list[int]:
    """The deliveries that a worker gets."""
    return [delivery.id or 0 for job in due(database, owner) for delivery in job.deliveries]


def delivery(database: Database, id_: int) -> Delivery:
    """How it stands."""
    with database.reading() as session:
        return session.get_one(Delivery, id_)


def in_state(database: Database, state: DeliveryState) -> int:
    """A delivery that somehow came to this state."""
    (id_,) = queued(database)
    with database.writing() as session:
        row = session.get_one(Delivery, id_)
        row.state = state
        session.add(row)
    return id_


def test_moves_cover_every_state() -> None:
    """Each state stands in the table of moves; only pending ones are sent, and cancelled is the end."""
    assert set(MOVES) == set(DeliveryState)
    assert {state for state in MOVES if DeliveryState.SENDING in MOVES[state]} < set(PENDING)
    assert MOVES[DeliveryState.CANCELLED] == frozenset()
    assert DeliveryState.SENDING not in MOVES[DeliveryState.UNCERTAIN]


@pytest.mark.parametrize("state", STATES)
def test_move_outside_the_table_is_refused(database: Database, state: DeliveryState) -> None:
    """From each state every move that the table does not know is refused, and the others happen."""
    id_ = in_state(database, state)
    for to in set(STATES) - MOVES[state]:
        with pytest.raises(Refused), database.writing() as session:
            record(session, Outcome(id_, to, "no"))
    assert delivery(database, id_).state is state
    for to in MOVES[state]:
        other = in_state(database, state)
        with database.writing() as session:
            assert record(session, Outcome(other, to, "yes")).state is to


def test_claim_takes_due_deliveries_by_mail(database: Database) -> None:
    """A worker gets a mail once, with all its recipients, its bytes and its Message-ID."""
    ids = queued(database, "ann@x.example", "bob@x.example")
    (job,) = due(database)
    assert [row.id for row in job.deliveries] == ids
    assert {(row.state, row.attempts, row.lease_owner) for row in job.deliveries} == {(DeliveryState.SENDING, 1, "one")}
    assert job.outgoing.content.startswith(b"Subject: Re")
    assert due(database, "two") == []


def test_mail_with_a_time_to_undo_is_not_due_before(database: Database) -> None:
    """`not_before` is kept to the second."""
    with database.writing() as session:
        send_mail(session, not_before=now() + timedelta(seconds=10))
    assert got(database) == []
    with time_machine.travel(now() + timedelta(seconds=11)):
        assert len(got(database)) == 1


def test_deferred_mail_is_due_at_its_next_attempt(database: Database) -> None:
    """A deferral waits its time, and the mail that goes out then is the same one."""
    (id_,) = queued(database)
    (first,) = due(database)
    with database.writing() as session:
        later = now() + timedelta(minutes=5)
        record(session, Outcome(id_, DeliveryState.DEFERRED, "451 busy", "mx.x.example", later))
    assert got(database) == []
    with time_machine.travel(now() + timedelta(minutes=6)):
        (second,) = due(database)
    assert (second.outgoing.header_id, second.outgoing.content) == (first.outgoing.header_id, first.outgoing.content)
    assert (second.deliveries[0].attempts, second.deliveries[0].last_reply) == (2, "451 busy")


def test_next_due_is_the_earliest_of_all(database: Database) -> None:
    """The relay sleeps until the first delivery is due or the first lease ends; an empty outbox names no time."""
    with database.reading() as session:
        assert next_due(session) is None
    queued(database)
    due(database)
    with database.reading() as session:
        assert session.exec(select(Delivery)).one().lease_until == next_due(session)
    later = now() + timedelta(seconds=10)
    with database.writing() as session:
        send_mail(session, not_before=later)
        assert next_due(session) == later


def test_next_attempt_in_the_far_future_is_taken_now(database: Database) -> None:
    """A time that a wrong clock set ten years ahead does not keep a mail."""
    (id_,) = queued(database)
    due(database)
    with database.writing() as session:
        record(session, Outcome(id_, DeliveryState.DEFERRED, "451", next_attempt=now() + timedelta(days=3650)))
    with database.reading() as session:
        assert (next_due(session) or now()) <= now()
    assert got(database) == [id_]


@pytest.mark.parametrize("away", [timedelta(seconds=-1), timedelta(days=3650)])
def test_worker_lost_before_the_dot_is_replaced(database: Database, away: timedelta) -> None:
    """A mail whose lease ended, or was set by a wrong clock, before the dot is simply sent by another worker."""
    (id_,) = queued(database)
    with time_machine.travel(now() + away - timedelta(seconds=LEASE)):
        with database.writing() as session:
            session.get_one(Delivery, id_).next_attempt = now()
        due(database, "one")
    with database.writing() as session:
        assert take_lost(session) == []
    assert got(database, "two") == [id_]


@pytest.mark.parametrize("away", [timedelta(seconds=-1), timedelta(days=3650)])
def test_worker_lost_behind_the_dot_leaves_it_uncertain(database: Database, away: timedelta) -> None:
    """After the dot nobody knows: the mail is uncertain, says why, and is never sent again by itself."""
    (id_,) = queued(database)
    with time_machine.travel(now() + away - timedelta(seconds=LEASE)):
        with database.writing() as session:
            session.get_one(Delivery, id_).next_attempt = now()
        (job,) = due(database, "one")
        with database.writing() as session:
            assert mark_dot(session, job.deliveries, LEASE)
    assert got(database, "two") == []
    with database.writing() as session:
        assert [row.id for row in take_lost(session)] == [id_]
    assert delivery(database, id_).state is DeliveryState.UNCERTAIN
    assert "after the final dot" in delivery(database, id_).last_reply
    with time_machine.travel(now() + timedelta(days=1)):
        assert got(database, "two") == []


def test_dot_is_not_sent_by_who_lost_his_lease(database: Database) -> None:
    """A worker that slept through its lease hears that the mail is another's, and marks nothing."""
    (id_,) = queued(database)
    (late,) = due(database, "one")
    with time_machine.travel(now() + timedelta(seconds=LEASE + 5)):
        (present,) = due(database, "two")
        with database.writing() as session:
            assert not mark_dot(session, late.deliveries, LEASE)
            assert still_held(session, late.deliveries) == set()
            assert still_held(session, present.deliveries) == {id_}
    assert delivery(database, id_).dot_at is None


def test_sent_is_not_recorded_by_who_lost_his_lease(database: Database) -> None:
    """Only the worker whose delivery it still is writes that it was sent, and once."""
    (id_,) = queued(database)
    (late,) = due(database, "one")
    with time_machine.travel(now() + timedelta(seconds=LEASE + 5)):
        (present,) = due(database, "two")
    with database.writing() as session:
        both = [Sent(late.deliveries[0], "250 ok", "mx"), Sent(present.deliveries[0], "250 ok", "mx")]
        assert record_sent(session, both[:1]) == set()
        assert record_sent(session, both) == {present.deliveries[0].id}
        assert record_sent(session, both) == set()
    assert (delivery(database, id_).state, delivery(database, id_).lease_owner) == (DeliveryState.SENT, "")


def test_dead_worker_is_recovered_at_once(database: Database) -> None:
    """What a dead process held before the dot is taken now, what it held behind the dot is uncertain now."""
    before, behind = queued(database)[0], queued(database)[0]
    jobs = due(database, "dead")
    with database.writing() as session:
        mark_dot(session, [row for job in jobs for row in job.deliveries if row.id == behind], LEASE)
        recover_due(session, lambda owner: owner == "dead")
    with time_machine.travel(now() + timedelta(seconds=1)):
        with database.writing() as session:
            assert [row.id for row in take_lost(session)] == [behind]
        assert got(database, "two") == [before]


def test_given_back_mail_is_taken_by_the_next(database: Database) -> None:
    """A worker that stops in order frees what it has not sent."""
    (id_,) = queued(database)
    due(database, "one")
    with database.writing() as session:
        give_back_due(session, "one")
    assert got(database, "two") == [id_]


def test_what_goes_through_a_busy_channel_is_left(database: Database) -> None:
    """Mail of the default servers waits while they are busy."""
    queued(database)
    with database.writing() as session:
        assert claim_due(session, Claim("one", LEASE, Wanted(10, busy=[DEFAULT_WAY]))) == []
    assert len(got(database)) == 1


@pytest.mark.parametrize(
    "state", [DeliveryState.BOUNCED, DeliveryState.EXPIRED, DeliveryState.BLOCKED, DeliveryState.UNCERTAIN]
)
def test_retry_sends_again_now(database: Database, state: DeliveryState) -> None:
    """A person may send again what did not arrive, or may not have."""
    id_ = in_state(database, state)
    with database.writing() as session:
        retry_now(session, id_, by="agent@company.example")
    assert got(database) == [id_]


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.CANCELLED])
def test_retry_of_what_is_done_is_refused(database: Database, state: DeliveryState) -> None:
    """What was sent or cancelled is not sent again."""
    id_ = in_state(database, state)
    with pytest.raises(Refused), database.writing() as session:
        retry_now(session, id_, by="agent@company.example")
    assert got(database) == []


def test_only_an_uncertain_delivery_is_resolved(database: Database) -> None:
    """A person's word makes an uncertain delivery sent; of a bounced one it is refused."""
    uncertain, bounced = in_state(database, DeliveryState.UNCERTAIN), in_state(database, DeliveryState.BOUNCED)
    with database.writing() as session:
        assert resolve_sent(session, uncertain, by="me").state is DeliveryState.SENT
        with pytest.raises(Refused):
            resolve_sent(session, bounced, by="me")


def test_proof_settles_only_the_uncertain_ones_it_names(database: Database) -> None:
    """A report about one recipient leaves the other uncertain; a proof without a name settles the rest."""
    ann, bob = queued(database, "ann@x.example", "bob@x.example")
    (job,) = due(database)
    with database.writing() as session:
        for id_ in (ann, bob):
            record(session, Outcome(id_, DeliveryState.UNCERTAIN, "lost"))
        prove_sent(session, job.outgoing.id, "a report", "ann@x.example")
    assert [delivery(database, id_).state for id_ in (ann, bob)] == [DeliveryState.SENT, DeliveryState.UNCERTAIN]
    with database.writing() as session:
        prove_sent(session, job.outgoing.id, "an answer")
    assert delivery(database, bob).state is DeliveryState.SENT


@pytest.mark.parametrize("state", [DeliveryState.WAITING, DeliveryState.DEFERRED])
def test_pending_delivery_can_be_cancelled(database: Database, state: DeliveryState) -> None:
    """What has not begun is stopped, and never sent."""
    id_ = in_state(database, state)
    with database.writing() as session:
        cancel(session, id_, by="me")
    assert delivery(database, id_).state is DeliveryState.CANCELLED
    assert got(database) == []


@pytest.mark.parametrize("state", sorted(set(STATES) - {DeliveryState.WAITING, DeliveryState.DEFERRED}))
def test_delivery_that_has_begun_cannot_be_cancelled(database: Database, state: DeliveryState) -> None:
    """It is too late to cancel what is being sent, and what is settled."""
    id_ = in_state(database, state)
    with pytest.raises(Refused, match="too late"), database.writing() as session:
        cancel(session, id_, by="me")
    assert delivery(database, id_).state is state


def test_cancelled_reply_stays_and_gives_its_status_back(database: Database) -> None:
    """When all deliveries of a reply are cancelled its message says so, and the ticket is open again."""
    with database.writing() as session:
        ticket = make_ticket(session, status=Status.OPEN)
        (number,) = file_messages(session, [new_message(ticket)])
        set_status(session, ticket, Status.PENDING, by="me", why="replied")
        _, (first, second) = send_mail(
            session, "ann@x.example", "bob@x.example", ticket_id=ticket.id, message_id=number
        )
        cancel(session, first.id or 0, by="me")
        assert get_ticket(session, ticket.id).status is Status.PENDING
        cancel(session, second.id or 0, by="me")
    with database.reading() as session:
        assert session.get_one(Message, number).cancelled
        assert get_ticket(session, ticket.id).status is Status.OPEN


def test_lists_and_counts_agree(database: Database) -> None:
    """The list of what has not gone out leaves out what has; counts and the view by message have everything."""
    with database.writing() as session:
        ticket = make_ticket(session)
        (number,) = file_messages(session, [new_message(ticket)])
        _, (sent, waiting) = send_mail(session, "a@x.example", "b@y.example", ticket_id=ticket.id, message_id=number)
        claim_due(session, Claim("one", LEASE, Wanted(1)))
        record(session, Outcome(sent.id or 0, DeliveryState.SENT, "250 ok"))
    with database.reading() as session:
        assert [row.id for row, _ in list_deliveries(session)] == [waiting.id]
        assert [row.id for row, _ in list_deliveries(session, everything=True)] == [waiting.id, sent.id]
        assert count_states(session) == {DeliveryState.SENT: 1, DeliveryState.WAITING: 1}
        assert [row.id for row in deliveries_of(session, [number])[number]] == [sent.id, waiting.id]
        for number in (999, 2**31, 10**30):
            with pytest.raises(NotFound):
                find_delivery(session, number)


def test_sent_mails_are_counted_by_address_domain_and_time(database: Database) -> None:
    """Budgets count each kind apart, since a moment, for an address, for exactly a domain, or in all."""
    with database.writing() as session:
        for recipient in ("a@x.example", "a@x.example", "b@x.example", "a@ax.example", "a_@%.example"):
            send_mail(session, recipient, kind=OutgoingKind.ACKNOWLEDGEMENT)
        send_mail(session, "a@x.example")
    hour_ago, kind = now() - timedelta(hours=1), OutgoingKind.ACKNOWLEDGEMENT
    with database.reading() as session:
        assert count_sent(session, kind, hour_ago) == 5
        assert count_sent(session, kind, hour_ago, recipient="a@x.example") == 2
        assert count_sent(session, kind, hour_ago, domain="x.example") == 3
        assert count_sent(session, kind, hour_ago, domain="%.example") == 1
        assert count_sent(session, kind, now() + timedelta(seconds=1)) == 0
