"""Our own trouble is a temporary reply within its time; nothing accepted is lost, nothing is stored twice."""

import asyncio
import os
import threading
import time
from errno import EIO, ENOSPC
from hashlib import sha256

import pytest
from peers.ports import until

from config.clock import now
from config.errors import DatabaseUnavailable, StorageFull
from gateway.listener import accept
from gateway.listener.accept import GroupCommit
from storage import accepting, packs
from storage.arrivals import BLOB_BYTES, accept_now
from storage.blobs import open_blobs
from storage.spool import Arrival, raw_bytes

MAIL = b"Subject: hello\r\n\r\nhello\r\n"


def arrival(content: bytes, recipient: str = "support@in.desk.example") -> Arrival:
    """A mail as the door hands it on."""
    return Arrival("a@b.example", (recipient,), sha256(content).hexdigest(), len(content), content, now())


def committing(door, work, seconds=10.0):
    """Run work with a writer of its own beside the listener."""

    async def run():
        commit = GroupCommit(door.database, open_blobs(door.settings), lambda: None, seconds)
        try:
            return await work(commit)
        finally:
            await commit.close()

    return asyncio.run(run())


def test_mails_that_wait_share_one_transaction(open_door, database_url):
    """While one commit runs, forty mails gather, and the next takes them all."""
    door = open_door(database_url=database_url)

    async def work(commit):
        ids = await asyncio.gather(*(commit.accept(arrival(b"%d\r\n" % number)) for number in range(41)))
        return ids, commit.transactions

    ids, transactions = committing(door, work)
    assert len(set(ids)) == len(door.rows()) == 41
    assert transactions <= 3


def test_one_bad_mail_in_a_batch_fails_alone(open_door, monkeypatch):
    """A batch that fails is tried mail by mail; each sender hears what became of his own."""
    door = open_door()
    original = accepting.accept

    def picky(connection, arrivals):
        if any(one.content == b"bad\r\n" for one in arrivals):
            raise ValueError("this one breaks us")
        return original(connection, arrivals)

    monkeypatch.setattr(accept.accepting, "accept", picky)

    async def work(commit):
        contents = [b"first\r\n", b"good\r\n", b"bad\r\n", b"fine\r\n"]
        return await asyncio.gather(*(commit.accept(arrival(one)) for one in contents), return_exceptions=True)

    results = committing(door, work)
    assert [isinstance(result, str) for result in results] == [True, True, False, True]
    assert len(door.rows()) == 3


def test_closing_stores_what_waits(door):
    """A mail that came while the last commit ran has its own before the writer ends, and its sender hears of it."""

    async def run():
        commit = GroupCommit(door.database, open_blobs(door.settings), lambda: None, seconds=10)
        accepting_all = [asyncio.ensure_future(commit.accept(arrival(b"%d\r\n" % number))) for number in range(3)]
        await asyncio.sleep(0)
        await commit.close()
        return await asyncio.gather(*accepting_all)

    assert sorted(asyncio.run(run())) == sorted(row.id for row in door.rows())
    assert len(door.rows()) == 3


def test_whoever_is_woken_is_woken_after_the_commit(door):
    """The wake hook is called once a commit, when the rows are there to be seen."""
    seen = []

    async def run():
        commit = GroupCommit(
            door.database, open_blobs(door.settings), lambda: seen.append(len(door.rows())), seconds=10
        )
        await commit.accept(arrival(MAIL))
        await commit.close()

    asyncio.run(run())
    assert seen == [1]


def test_slow_commit_is_451_and_a_retry_hears_its_id(open_door):
    """The mail is stored although its sender was told to come again; then he hears the same acceptance."""
    door = open_door(commit_seconds=0.3)
    with door.database.writing(), door.peer() as peer:
        assert peer.mails([door.address], MAIL) == "451 4.3.0 Trouble of ours, try again later"
    until(lambda: len(door.rows()) == 1, 5, "the commit ends")
    with door.peer() as peer:
        assert peer.mails([door.address], MAIL).endswith(door.rows()[0].id)
    assert len(door.rows()) == 1


def test_locked_database_is_451_while_others_stay_quick(open_door):
    """Somebody else writes for long: greetings and look-ups take no notice, the mail waits its time and no more."""
    door = open_door()
    with door.database.writing(), door.peer() as peer:
        peer.starts_mail([door.address])
        replies = []
        thread = threading.Thread(target=lambda: replies.append(peer.gives(MAIL)))
        began = time.monotonic()
        thread.start()
        while thread.is_alive():
            asked = time.monotonic()
            with door.peer() as other:
                other.says("EHLO x")
                other.says("MAIL FROM:<>")
                assert other.says("RCPT TO:<nobody@in.desk.example>").startswith("550")
            assert time.monotonic() - asked < 0.5
            time.sleep(0.1)
        assert replies == ["451 4.3.0 Trouble of ours, try again later"]
        assert time.monotonic() - began < 6
    with door.peer() as peer:
        assert peer.mails([door.address], MAIL).startswith("250")


@pytest.mark.parametrize(
    ("error", "reply"),
    [(StorageFull("full"), "452 4.3.1"), (DatabaseUnavailable("gone"), "451 4.3.0")],
    ids=["full", "gone"],
)
def test_trouble_of_the_database_is_temporary_and_passes(open_door, monkeypatch, error, reply):
    """The sender hears to come again, and when the trouble is over he is served without a restart."""
    door = open_door()

    def failing(*_):
        raise error

    with monkeypatch.context() as broken, door.peer() as peer:
        broken.setattr(accept.accepting, "accept", failing)
        assert peer.mails([door.address], MAIL).startswith(reply)
    with door.peer() as peer:
        assert peer.mails([door.address], MAIL).startswith("250")


def test_failed_look_up_of_a_recipient_is_451(open_door, monkeypatch):
    """Whether an address exists is not known without the database, so nobody hears 550."""
    door = open_door()

    def failing(*_):
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr("gateway.listener.directory.Directory._read_one", failing)
    with door.peer() as peer:
        peer.says("EHLO x")
        peer.says("MAIL FROM:<a@b.example>")
        assert peer.says("RCPT TO:<nobody@in.desk.example>").startswith("451 4.3.0")
        assert peer.says(f"RCPT TO:<{door.address}>").startswith("250")


def test_failed_write_stops_the_door_until_the_database_is_open_again(open_door, monkeypatch):
    """After EIO a later fsync may lie: MAIL hears 451 until the files were opened anew."""
    door = open_door()
    reopened = threading.Event()

    def failing(*_):
        raise DatabaseUnavailable("The database does not answer: disk I/O error")

    monkeypatch.setattr(accept, "_REOPEN_SECONDS", 0.5)
    monkeypatch.setattr(door.database, "close", reopened.set)
    with monkeypatch.context() as broken, door.peer() as peer:
        broken.setattr(accept.accepting, "accept", failing)
        assert peer.mails([door.address], MAIL).startswith("451 4.3.0")
        assert peer.says("MAIL FROM:<a@b.example>").startswith("451 4.3.0")
    assert reopened.wait(5)
    until(lambda: _takes_mail(door), 5, "the door takes mail again")


@pytest.mark.parametrize(
    ("error", "reply", "stays_shut"), [(EIO, "451 4.3.0", True), (ENOSPC, "452 4.3.1", False)], ids=["EIO", "full"]
)
def test_pack_that_cannot_be_written_is_temporary(open_door, monkeypatch, error, reply, stays_shut):
    """As with the database; the next mail begins another pack, and a small one needs none."""
    door, large = open_door(), MAIL + b"large\r\n" * 5000

    def failing(_descriptor):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(accept, "_REOPEN_SECONDS", 0.2)
    with door.peer() as peer, monkeypatch.context() as broken:
        broken.setattr(packs.os, "fdatasync", failing)
        assert peer.mails([door.address], large).startswith(reply)
        assert peer.says("MAIL FROM:<a@b.example>").startswith("451" if stays_shut else "250")
    assert door.rows() == []
    until(lambda: _takes_mail(door), 5, "the door takes mail again")
    with door.peer() as peer:
        assert peer.mails([door.address], large).startswith("250")
        assert peer.mails([door.address], MAIL).startswith("250")
    first, second = (raw.pack for raw in door.raws())
    blobs = open_blobs(door.settings)
    assert not second
    assert blobs.get(sha256(large).hexdigest(), first) == large
    assert len([*blobs.packs.iterdir()]) == 2


def test_two_listeners_on_one_database_store_a_mail_once(open_door, database_url):
    """The same bytes come to both at once, thirty times: one row each, and both senders hear its id."""
    first = open_door(database_url=database_url)
    second = open_door(database_url=database_url)
    start = threading.Barrier(2)
    heard = {first.port: [], second.port: []}

    def send(door):
        with door.peer() as peer:
            for number in range(30):
                peer.starts_mail([door.address])
                start.wait()
                heard[door.port].append(peer.gives(b"%d\r\n" % number))

    threads = [threading.Thread(target=send, args=(door,)) for door in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard[first.port] == heard[second.port]
    assert len(first.rows()) == len(set(heard[first.port])) == 30


@pytest.mark.parametrize("size", [100, BLOB_BYTES + 1], ids=["row", "blob"])
def test_mail_accepted_without_a_listener_goes_the_same_way(open_door, database_url, size):
    """`accept_now` keeps the bytes by the same rule, and a second time answers the same id."""
    door = open_door(database_url=database_url)
    content = b"x" * size
    blobs = open_blobs(door.settings)
    first = accept_now(door.database, blobs, arrival(content))
    with door.peer() as peer:
        assert peer.mails([door.address], MAIL).startswith("250")
    assert accept_now(door.database, blobs, arrival(content)) == first
    with door.database.reading() as session:
        assert raw_bytes(session, blobs, sha256(content).hexdigest()) == content


def test_stop_finishes_the_mail_under_way_and_sends_the_idle_away(open_door):
    """SIGTERM: 421 for who waits, time for who is sending, no new connection; what was promised is stored."""
    door = open_door(drain_seconds=10)
    with door.peer() as idle, door.peer() as busy:
        busy.starts_mail([door.address])
        busy.says("DATA")
        door.ask_to_stop()
        assert idle.rest() == ["421 4.3.2 Service is shutting down, try again later"]
        busy.sends(MAIL + b".\r\n")
        assert busy.reply().startswith("250 2.0.0 Accepted as")
        assert busy.rest() == ["421 4.3.2 Service is shutting down, try again later"]
    door.thread.join(5)
    assert not door.thread.is_alive()
    assert len(door.rows()) == 1


def test_stop_waits_no_longer_than_it_is_told_to(open_door):
    """Who is still sending after drain_seconds hears 421."""
    door = open_door(drain_seconds=0.3)
    with door.peer() as busy:
        busy.starts_mail([door.address])
        busy.says("DATA")
        door.ask_to_stop()
        assert busy.rest() == ["421 4.3.2 Service is shutting down, try again later"]
    door.thread.join(8)
    assert not door.thread.is_alive()


def _takes_mail(door):
    with door.peer() as peer:
        peer.says("EHLO x")
        return peer.says("MAIL FROM:<a@b.example>").startswith("250")
