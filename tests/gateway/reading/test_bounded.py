"""Reading in a child process that has limits."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from gateway.reading import frames
from gateway.reading.bounded import BoundedReader
from gateway.reading.child_process import ReaderLimits, Unreadable
from gateway.reading.conversation import _result
from gateway.reading.mail import Mail
from gateway.reading.parse import read_mail

ARRIVED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SMALL = b"From: a@example.org\r\nSubject: small\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n\r\nHello\r\n"
BIG = b"Content-Type: application/pdf; name=a.pdf\r\n\r\n" + b"x" * 3_000_000


@pytest.fixture(scope="module")
def reader() -> Iterator[BoundedReader]:
    """One reader for the tests that do not hurt it."""
    with BoundedReader() as bounded:
        bounded.start()
        yield bounded


def test_mail_is_the_same_when_read_by_the_child(reader):
    """What comes through the pipes equals what `read_mail` says, offset of the date included."""
    (read,) = reader.read([SMALL], ARRIVED)
    assert read == read_mail(SMALL, arrived=ARRIVED)
    assert read.date.isoformat() == "1997-11-21T09:55:06-06:00"


def test_order_is_kept_when_sizes_differ(reader):
    """Large and small mails in one batch neither block each other nor change places."""
    read = reader.read([SMALL, BIG, SMALL, BIG, BIG, SMALL] * 3, ARRIVED)
    assert [len(one.attachments) for one in read] == [0, 1, 0, 1, 1, 0] * 3


def test_empty_batch_is_empty(reader):
    """No mails, no answers."""
    assert reader.read([], ARRIVED) == []


def test_threads_share_one_reader(reader):
    """Calls from several threads each get their own answers."""
    found: dict[int, object] = {}

    def ask(number: int) -> None:
        (found[number],) = reader.read([b"Subject: %d\n\n" % number], ARRIVED)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number].subject for number in range(8)] == [str(number) for number in range(8)]


def test_child_is_renewed_when_it_is_worn():
    """After its number of mails a child ends and another one goes on."""
    with BoundedReader(ReaderLimits(mails_per_child=2)) as bounded:
        read = bounded.read([SMALL] * 5, ARRIVED)
    assert all(isinstance(one, Mail) for one in read)
    assert len(read) == 5


def test_child_is_renewed_when_it_has_grown():
    """A child that keeps what it has read goes before its limit on memory would be held against a mail."""
    with BoundedReader(ReaderLimits(grown_bytes=1024 * 1024)) as bounded:
        children = []
        for raw in (SMALL, SMALL, b"Content-Type: application/pdf\r\n\r\n" + b"x" * 30_000_000, SMALL):
            bounded.read([raw], ARRIVED)
            children.append(bounded._child._process.pid)
    assert children[0] == children[1] == children[2] != children[3]


def test_memory_limit_is_a_verdict_on_one_mail():
    """A mail that needs more memory than allowed is unreadable for good; its neighbours are read."""
    with BoundedReader(ReaderLimits(memory_bytes=24 * 1024 * 1024)) as bounded:
        read = bounded.read([SMALL, b"Content-Type: application/pdf\r\n\r\n" + b"x" * 30_000_000, SMALL], ARRIVED)
    assert isinstance(read[1], Unreadable)
    assert (read[1].reason, read[1].is_deterministic) == ("memory", True)
    assert [type(read[0]), type(read[2])] == [Mail, Mail]


def test_wall_limit_is_a_verdict_on_one_mail():
    """A mail that takes too long is unreadable for good, and the next read starts a new child."""
    with BoundedReader(ReaderLimits(wall_seconds=1.0)) as bounded:
        bounded.read([SMALL], ARRIVED)
        os.kill(bounded._child._process.pid, signal.SIGSTOP)
        (stuck,) = bounded.read([SMALL], ARRIVED)
        (read,) = bounded.read([SMALL], ARRIVED)
    assert stuck == Unreadable("wall", is_deterministic=True)
    assert isinstance(read, Mail)


def test_cpu_limit_is_a_verdict_on_one_mail():
    """A child that the kernel stopped for its CPU time leaves a mail that is unreadable for good."""
    with BoundedReader() as bounded:
        bounded.read([SMALL], ARRIVED)
        os.kill(bounded._child._process.pid, signal.SIGSTOP)
        threading.Timer(0.2, kill_stopped, (bounded._child._process.pid, signal.SIGXCPU)).start()
        (stopped,) = bounded.read([SMALL], ARRIVED)
    assert (stopped.reason, stopped.is_deterministic) == ("cpu", True)


def kill_stopped(process: int, number: int) -> None:
    """Send a signal to a stopped process, and let it go on so that it is delivered."""
    os.kill(process, number)
    os.kill(process, signal.SIGCONT)


def test_close_kills_what_does_not_end(monkeypatch):
    """A child that hangs when its input is closed is killed."""
    monkeypatch.setattr("gateway.reading.child_process._GRACE_SECONDS", 0.1)
    bounded = BoundedReader()
    bounded.start()
    process = bounded._child._process
    os.kill(process.pid, signal.SIGSTOP)
    bounded.close()
    bounded.close()
    assert process.returncode == -signal.SIGKILL


def test_exception_in_the_child_is_told():
    """A fault of ours is a verdict with its traceback, and garbage in a frame too."""
    told = _result(bytearray(frames.ERROR + b"Traceback"))
    assert told == Unreadable("error", is_deterministic=True, detail="Traceback")
    assert _result(bytearray(frames.MAIL + b"\xc1")).reason == "error"


def test_child_that_ended_by_itself_is_replaced():
    """A child that died between two calls costs no mail."""
    with BoundedReader() as bounded:
        bounded.start()
        bounded._child._process.kill()
        bounded._child._process.wait()
        (read,) = bounded.read([SMALL], ARRIVED)
    assert isinstance(read, Mail)


def test_unexplained_death_is_not_held_against_the_mail():
    """A child that is killed from outside leaves a mail that may be tried again."""
    with BoundedReader() as bounded:
        bounded.read([SMALL], ARRIVED)
        os.kill(bounded._child._process.pid, signal.SIGSTOP)
        threading.Timer(0.2, os.kill, (bounded._child._process.pid, signal.SIGKILL)).start()
        (died, read) = bounded.read([SMALL, SMALL], ARRIVED)
    assert (died.reason, died.is_deterministic) == ("died", False)
    assert isinstance(read, Mail)
