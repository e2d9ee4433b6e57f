"""The spool: one row a recipient, once; moves only along the table."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes.processes import accept_pairs
from fakes.rows import SUPPORT, accept_mails, arrival
from fakes.spawn import SPAWN, running
from sqlmodel import select

from config.errors import NotFound, Refused
from config.settings import Settings
from storage.accepting import accept
from storage.blobs import open_blobs
from storage.claims import Settled, claim, settle
from storage.database import Database
from storage.ids import is_id
from storage.spool import (
    FATES,
    MOVES,
    WAITING,
    Acceptance,
    Arrival,
    Raw,
    Spool,
    SpoolState,
    count_fates,
    drop,
    find_rows,
    list_rows,
    move_raw_to_blob,
    raw_bytes,
    release,
)

SALES = "sales.def@in.desk.example"
PAIRS = 200
THREAD_PAIRS = 50


def accepted(database: Database, *arrivals: Arrival) -> list[str]:
    """The ids that one commit answers."""
    with database.writing_connection() as connection:
        return accept(connection, arrivals)


def rows(database: Database) -> list[Spool]:
    """The whole spool."""
    with database.reading() as session:
        return list(session.exec(select(Spool)).all())


def settled(database: Database, state: SpoolState, reason: str = "flood: too many") -> Spool:
    """A mail that has come to this fate."""
    accept_mails(database, 1)
    with database.writing() as session:
        (mail,) = claim(session, "worker", 1, 60)
        settle(session, "worker", [Settled(mail.id, state, reason, [["flood", "held", "too many"]])])
    return rows(database)[0]


def test_moves_cover_every_state() -> None:
    """Each state stands in the table of moves, and every state is either waiting or a fate."""
    assert set(MOVES) == set(SpoolState)
    assert {*WAITING, *FATES} == set(SpoolState)


def test_accept_keeps_bytes_and_envelope(database: Database, settings: Settings) -> None:
    """An accepted mail is found by its id, with its bytes and its reverse-path."""
    mail = arrival(b"Subject: \x80\r\n\r\n\x00\xff\r\n")
    (id_,) = accepted(database, mail)
    assert is_id(id_)
    with database.reading() as session:
        (row,) = find_rows(session, id_)
        assert (row.recipient, row.state, row.attempts) == (SUPPORT, SpoolState.RECEIVED, 0)
        assert raw_bytes(session, open_blobs(settings), row.sha256) == mail.content
        acceptance = session.get_one(Acceptance, id_)
        assert (acceptance.reverse_path, acceptance.received_at) == ("ann@customer.example", mail.received_at)


def test_accept_for_two_recipients_makes_two_rows_and_one_raw(database: Database) -> None:
    """A mail to two of our addresses has a row for each, one acceptance, and its bytes once."""
    (id_,) = accepted(database, arrival(b"x", SUPPORT, SALES))
    assert {(row.id, row.acceptance_id, row.recipient) for row in rows(database)} == {
        (id_, id_, SUPPORT),
        (f"{id_}-2", id_, SALES),
    }
    with database.reading() as session:
        assert len(session.exec(select(Raw)).all()) == 1
        assert len(find_rows(session, id_)) == 2


def test_recipient_named_twice_has_one_row(database: Database) -> None:
    """The same recipient twice in one envelope is one recipient."""
    accepted(database, arrival(b"x", SUPPORT, SUPPORT))
    assert len(rows(database)) == 1


def test_retry_of_the_same_bytes_answers_the_first_id(database: Database) -> None:
    """A mail that is there for all its recipients answers its first id, and nothing is added."""
    mail = arrival(b"x", SUPPORT, SALES)
    first = accepted(database, mail)
    assert accepted(database, mail) == first
    assert len(rows(database)) == 2
    with database.reading() as session:
        assert len(session.exec(select(Acceptance)).all()) == 1


def test_retry_with_a_new_recipient_answers_a_new_id(database: Database) -> None:
    """A retry that names one more recipient answers a new id, under which only the new recipient stands."""
    (first,) = accepted(database, arrival(b"x", SUPPORT))
    (second,) = accepted(database, arrival(b"x", SUPPORT, SALES))
    assert second != first
    assert {(row.acceptance_id, row.recipient) for row in rows(database)} == {(first, SUPPORT), (second, SALES)}


def test_mails_of_one_commit_are_answered_each_by_its_own(database: Database) -> None:
    """One that is new, one that is there and one with a new recipient: only what is new is written."""
    (first,) = accepted(database, arrival(b"x"))
    new, old, mixed = accepted(database, arrival(b'\\"{},\x00'), arrival(b"x"), arrival(b"x", SUPPORT, SALES))
    assert old == first
    assert len({first, new, mixed}) == 3
    with database.reading() as session:
        assert {row.id for row in session.exec(select(Acceptance)).all()} == {first, new, mixed}
        raws = {row.acceptance_id: row.content for row in session.exec(select(Raw)).all()}
    assert raws == {first: b"x", new: b'\\"{},\x00', mixed: b"x"}


def test_envelope_is_kept_as_it_was_given(database: Database) -> None:
    """What a peer may write in its envelope is read again: quotation marks, commas, braces, backslashes, letters."""
    mail = arrival(b"x")._replace(reverse_path='"a\\"b,{c}"@x.example', helo="\\{NULL}", peer="NULL", tls="ação ✓")
    (id_,) = accepted(database, mail)
    with database.reading() as session:
        kept = session.get_one(Acceptance, id_)
    assert (kept.reverse_path, kept.helo, kept.peer, kept.tls) == (mail.reverse_path, mail.helo, mail.peer, mail.tls)


def test_retry_of_two_acceptances_answers_the_older_id(database: Database) -> None:
    """A retry whose recipients were accepted one after the other answers the id of the first."""
    (first,) = accepted(database, arrival(b"x", SUPPORT))
    accepted(database, arrival(b"x", SALES))
    assert accepted(database, arrival(b"x", SALES, SUPPORT)) == [first]


def test_same_mail_twice_in_one_commit_is_one(database: Database) -> None:
    """Two connections that bring the same bytes into one group commit hear the same id; the others their own."""
    twice, other = arrival(b"x"), arrival(b"y")
    ids = accepted(database, twice, other, twice)
    assert ids[0] == ids[2] != ids[1]
    assert len(rows(database)) == 2


def test_retry_after_filing_answers_the_first_id(database: Database) -> None:
    """A sender who repeats a mail that has long been filed hears its first id, and nothing waits."""
    row = settled(database, SpoolState.FILED)
    mail = arrival(b"Subject: 0\r\n\r\nHello\r\n")
    assert accepted(database, mail) == [row.id]
    assert [row.state for row in rows(database)] == [SpoolState.FILED]


def test_same_bytes_from_two_threads_at_once_are_one(database: Database) -> None:
    """Of two threads that accept the same bytes at the same moment both hear one id, 50 times."""
    barrier = threading.Barrier(2)

    def accept_each() -> list[str]:
        ids = []
        for number in range(THREAD_PAIRS):
            barrier.wait(60)
            ids += accepted(database, arrival(b"%d" % number))
        return ids

    with ThreadPoolExecutor(2) as pool:
        first, second = (future.result() for future in [pool.submit(accept_each), pool.submit(accept_each)])
    assert first == second
    assert len(set(first)) == len(rows(database)) == THREAD_PAIRS


def test_same_bytes_from_two_processes_at_once_are_one(database: Database, settings: Settings) -> None:
    """Of two processes that accept the same bytes at the same moment both answer one id, 200 times."""
    barrier, ids = SPAWN.Barrier(2), SPAWN.Queue()
    contents = [b"%d" % number for number in range(PAIRS)]
    with (
        running(accept_pairs, settings, barrier, contents, ids),
        running(accept_pairs, settings, barrier, contents, ids),
    ):
        first, second = ids.get(timeout=60), ids.get(timeout=60)
    assert first == second
    assert len(set(first)) == len(rows(database)) == PAIRS
    with database.reading() as session:
        assert len(session.exec(select(Acceptance)).all()) == PAIRS


def test_recipients_in_opposite_orders_do_not_wait_in_a_circle(database: Database) -> None:
    """Two threads that accept the same mails in opposite orders both succeed, 20 times."""
    barrier = threading.Barrier(2)

    def accept_each(forwards: bool) -> None:
        for number in range(20):
            mails = [arrival(b"%d-%d" % (number, place), SUPPORT, SALES) for place in range(4)]
            barrier.wait(60)
            accepted(database, *(mails if forwards else reversed(mails)))

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(accept_each, True), pool.submit(accept_each, False)]:
            future.result()
    assert len(rows(database)) == 160


def test_raw_moved_to_a_blob_is_read_from_there(database: Database, settings: Settings) -> None:
    """After the move the table has no bytes, and the mail is still whole."""
    blobs, mail = open_blobs(settings), arrival(b"x" * 20_000)
    accepted(database, mail)
    blobs.put(b"x" * 20_000)
    with database.writing() as session:
        move_raw_to_blob(session, [mail.sha256])
    with database.reading() as session:
        assert session.exec(select(Raw.content)).all() == [None]
        assert raw_bytes(session, blobs, mail.sha256) == mail.content


def test_mail_that_is_not_there_is_not_found(database: Database, settings: Settings) -> None:
    """An id or digest that nobody has is NotFound."""
    with database.reading() as session:
        with pytest.raises(NotFound):
            find_rows(session, "nothing")
        with pytest.raises(NotFound):
            raw_bytes(session, open_blobs(settings), "0" * 64)


def test_released_mail_waits_again_and_passes_its_check(database: Database) -> None:
    """A held mail that a person releases waits with no attempts, and the check that held it is waived."""
    settled(database, SpoolState.HELD)
    with database.writing() as session:
        (row,) = session.exec(select(Spool)).all()
        release(session, row)
    (row,) = rows(database)
    assert (row.state, row.passed, row.attempts, row.settled_at) == (SpoolState.RECEIVED, ["flood"], 0, None)
    with database.writing() as session:
        assert [mail.passed for mail in claim(session, "worker", 1, 60)] == [("flood",)]


def test_dropped_mail_is_ignored_and_says_by_whom(database: Database) -> None:
    """A held mail that a person drops is ignored, and its trace names him."""
    settled(database, SpoolState.HELD)
    with database.writing() as session:
        (row,) = session.exec(select(Spool)).all()
        drop(session, row, "agent@company.example")
    (row,) = rows(database)
    assert (row.state, row.reason) == (SpoolState.IGNORED, "dropped: by agent@company.example")
    assert row.trace[-1] == ["dropped", "ignored", "by agent@company.example"]


@pytest.mark.parametrize("state", [SpoolState.FILED, SpoolState.DUPLICATE, SpoolState.LOOP, SpoolState.REPORT])
def test_settled_mail_is_neither_released_nor_dropped(database: Database, state: SpoolState) -> None:
    """Mail whose fate is final refuses both, and stays as it is."""
    settled(database, state)
    for verb in (release, lambda session, row: drop(session, row, "me")):
        with pytest.raises(Refused), database.writing() as session:
            verb(session, session.exec(select(Spool)).one())
    assert [row.state for row in rows(database)] == [state]


def test_fates_are_counted_and_listed(database: Database) -> None:
    """Counts tell how many recipients stand where, and a list shows those of one fate with their envelopes."""
    held = settled(database, SpoolState.HELD)
    accepted(database, arrival(b"another", SUPPORT, SALES))
    with database.reading() as session:
        assert count_fates(session) == {SpoolState.HELD: 1, SpoolState.RECEIVED: 2}
        assert [(row.id, envelope.id) for row, envelope in list_rows(session, SpoolState.HELD)] == [(held.id, held.id)]
