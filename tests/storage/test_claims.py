"""Claims: nobody works on what another works on, and nothing is left behind by the dead."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import time_machine
from fakes.rows import accept_mails, arrival
from sqlmodel import select

from config.clock import now
from storage.accepting import accept
from storage.claims import Claimed, Settled, claim, count_attempt, give_back, recover, settle, still_ours
from storage.database import Database
from storage.spool import Spool, SpoolState

LEASE = 60.0


def claimed(database: Database, owner: str, limit: int = 50) -> list[Claimed]:
    """What a worker gets in one go."""
    with database.writing() as session:
        return claim(session, owner, limit, LEASE)


def ids(mails: list[Claimed]) -> list[str]:
    """Their ids."""
    return [mail.id for mail in mails]


def filed(id_: str) -> Settled:
    """This mail was filed."""
    return Settled(id_, SpoolState.FILED, "", [["filed", "yes", ""]], message_id=7)


def row(database: Database, id_: str) -> Spool:
    """How it stands now."""
    with database.reading() as session:
        return session.get_one(Spool, id_)


def kill(database: Database, owner: str, *, with_all: bool = False) -> int:
    """This worker has died, alone or together with everything else."""
    with database.writing() as session:
        return recover(session, lambda name: name == owner, lambda _: not with_all)


def test_claim_takes_the_oldest_with_their_envelopes(database: Database) -> None:
    """A claim takes the oldest mails up to its limit, each with bytes, recipient and reverse-path."""
    wanted = accept_mails(database, 5)[:3]
    mails = claimed(database, "one", 3)
    assert ids(mails) == wanted
    assert mails[0].content == b"Subject: 0\r\n\r\nHello\r\n"
    assert (mails[0].recipient, mails[0].reverse_path) == ("support.abc@in.desk.example", "ann@customer.example")


def test_claim_of_a_mail_in_a_blob_has_no_bytes(database: Database) -> None:
    """A mail whose bytes were stored as a blob comes without them, with its digest."""
    mail = arrival(b"large", stored=False)
    with database.writing_connection() as connection:
        accept(connection, [mail])
    (found,) = claimed(database, "one")
    assert (found.content, found.sha256) == (None, mail.sha256)


def test_claim_when_all_is_taken_gets_nothing(database: Database) -> None:
    """What one worker holds no other one gets."""
    accept_mails(database, 2)
    assert len(claimed(database, "one")) == 2
    assert claimed(database, "two") == []


def test_claims_from_four_threads_never_overlap(database: Database) -> None:
    """Four threads that claim at once get every mail, each exactly once."""
    wanted = accept_mails(database, 120)
    barrier = threading.Barrier(4)

    def work(number: int) -> list[str]:
        barrier.wait(60)
        found: list[str] = []
        while batch := claimed(database, f"worker-{number}", 3):
            found += ids(batch)
        return found

    with ThreadPoolExecutor(4) as pool:
        found = [id_ for part in pool.map(work, range(4)) for id_ in part]
    assert sorted(found) == wanted


def test_lease_that_ended_is_taken_over(database: Database) -> None:
    """After the lease another worker gets the mail, and not a moment before."""
    accept_mails(database, 1)
    claimed(database, "one")
    with time_machine.travel(now() + timedelta(seconds=LEASE - 5)):
        assert claimed(database, "two") == []
    with time_machine.travel(now() + timedelta(seconds=LEASE + 5)):
        assert len(claimed(database, "two")) == 1


def test_lease_in_the_far_future_is_taken_over(database: Database) -> None:
    """A lease that a wrong clock set to ten years from now does not keep the mail."""
    accept_mails(database, 1)
    with time_machine.travel(now() + timedelta(days=3650)):
        claimed(database, "one")
    assert len(claimed(database, "two")) == 1


def test_mail_with_an_attempt_is_claimed_alone(database: Database) -> None:
    """A mail that was tried before is taken without others, and does not hold up those before and behind it."""
    first, second, third = accept_mails(database, 3)
    claimed(database, "one")
    with database.writing() as session:
        count_attempt(session, "one", second, "it died")
        give_back(session, "one")
    assert ids(claimed(database, "one")) == [first]
    assert ids(claimed(database, "two")) == [second]
    assert ids(claimed(database, "three")) == [third]


def test_counted_attempt_says_why_and_ends_the_lease(database: Database) -> None:
    """A mail whose filing failed is `failed` with the error, has one attempt more, and is free."""
    (id_,) = accept_mails(database, 1)
    claimed(database, "one")
    with database.writing() as session:
        count_attempt(session, "one", id_, "ValueError: no")
    found = row(database, id_)
    assert (found.state, found.attempts, found.reason) == (SpoolState.FAILED, 1, "ValueError: no")
    assert [mail.attempts for mail in claimed(database, "two")] == [1]


def test_attempt_of_a_mail_that_is_not_ours_is_not_counted(database: Database) -> None:
    """A worker that lost its lease cannot count against the mail any more."""
    (id_,) = accept_mails(database, 1)
    claimed(database, "two")
    with database.writing() as session:
        count_attempt(session, "one", id_, "late")
    assert (row(database, id_).attempts, row(database, id_).lease_owner) == (0, "two")


def test_recover_of_a_dead_worker_with_one_mail_counts_its_attempt(database: Database) -> None:
    """A mail that a worker held alone when it died has probably killed it: one attempt more each time."""
    (id_,) = accept_mails(database, 1)
    for times in (1, 2):
        claimed(database, "one")
        assert kill(database, "one") == 1
        assert row(database, id_).attempts == times


def test_recover_of_a_dead_worker_with_many_mails_only_suspects_them(database: Database) -> None:
    """Of many mails each is claimed alone from now on, and a second death beside others counts nothing more."""
    wanted = accept_mails(database, 3)
    claimed(database, "one")
    assert kill(database, "one") == 3
    assert [row(database, id_).attempts for id_ in wanted] == [1, 1, 1]
    assert [ids(claimed(database, f"w{place}")) for place in range(3)] == [[id_] for id_ in wanted]


def test_recover_of_a_worker_that_died_with_all_others_counts_nothing(database: Database) -> None:
    """However often the whole gateway is killed, a healthy mail stays untried, held alone or with others."""
    wanted = accept_mails(database, 2)
    for held in (1, 1, 1, 2, 2):
        claimed(database, "one", held)
        assert kill(database, "one", with_all=True) == held
    mails = claimed(database, "two")
    assert (ids(mails), [mail.attempts for mail in mails]) == (wanted, [0, 0])


def test_recover_leaves_the_living_alone(database: Database) -> None:
    """What a living worker holds stays his."""
    (id_,) = accept_mails(database, 1)
    claimed(database, "alive")
    assert kill(database, "dead") == 0
    assert row(database, id_).lease_owner == "alive"


def test_given_back_mails_are_free_and_untried(database: Database) -> None:
    """A worker that stops in order frees its mails without an attempt."""
    wanted = accept_mails(database, 2)
    claimed(database, "one")
    with database.writing() as session:
        give_back(session, "one")
    mails = claimed(database, "two")
    assert (ids(mails), [mail.attempts for mail in mails]) == (wanted, [0, 0])


def test_still_ours_leaves_out_what_was_taken_over(database: Database) -> None:
    """A worker that slept through its lease sees that the mail is another's."""
    first, second = accept_mails(database, 2)
    claimed(database, "one")
    with time_machine.travel(now() + timedelta(seconds=LEASE + 5)):
        claimed(database, "two", 1)
    with database.writing() as session:
        assert still_ours(session, "one", [first, second]) == {second}
        assert still_ours(session, "two", [first, second]) == {first}


def test_still_ours_leaves_out_what_is_settled(database: Database) -> None:
    """A mail that was filed is nobody's."""
    (id_,) = accept_mails(database, 1)
    claimed(database, "one")
    with database.writing() as session:
        settle(session, "one", [filed(id_)])
        assert still_ours(session, "one", [id_]) == set()


def test_settle_writes_the_fate_and_frees_the_row(database: Database) -> None:
    """A settled mail has its fate, its trace, its message and no lease, and is never claimed again."""
    (id_,) = accept_mails(database, 1)
    claimed(database, "one")
    with database.writing() as session:
        assert settle(session, "one", [filed(id_)]) == 1
    found = row(database, id_)
    assert (found.state, found.message_id, found.lease_owner) == (SpoolState.FILED, 7, "")
    assert found.trace == [["filed", "yes", ""]]
    assert found.settled_at is not None
    assert claimed(database, "two") == []


def test_settle_passes_over_lost_leases(database: Database) -> None:
    """Of two mails, one of which was taken over meanwhile, only the other one is settled."""
    first, second = accept_mails(database, 2)
    claimed(database, "one")
    with time_machine.travel(now() + timedelta(seconds=LEASE + 5)):
        claimed(database, "two", 1)
    with database.writing() as session:
        assert settle(session, "one", [filed(first), filed(second)]) == 1
    assert (row(database, first).state, row(database, second).state) == (SpoolState.RECEIVED, SpoolState.FILED)


def test_settle_of_nothing_is_nothing(database: Database) -> None:
    """An empty batch settles nothing."""
    with database.writing() as session:
        assert settle(session, "one", []) == 0


def test_waiting_mails_of_the_spool_are_all_claimable_in_the_end(database: Database) -> None:
    """Whatever happened to its workers, each mail is either settled or comes to somebody."""
    wanted = accept_mails(database, 4)
    claimed(database, "dies", 2)
    claimed(database, "stops", 2)
    kill(database, "dies")
    with database.writing() as session:
        give_back(session, "stops")
    found: list[str] = []
    while batch := claimed(database, "last"):
        found += ids(batch)
    assert sorted(found) == wanted
    with database.reading() as session:
        assert len(session.exec(select(Spool)).all()) == 4
