"""Processes forked from the supervisor: they end with their work, by a signal, or when nobody holds the lifeline."""

import os
import select
import signal
from collections.abc import Callable, Iterator

import pytest

from gateway.serve.child import Child, fork

SECONDS = 30


@pytest.fixture
def lifeline() -> Iterator[tuple[int, int]]:
    """A pipe, as the supervisor has one: what children read, and its own end."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def ended(child: Child) -> int | None:
    """The status of a child that is about to end."""
    select.select([child.ready], (), (), SECONDS)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    return child.poll()


def say_and_wait() -> int:
    """Say that we are ready, and wait for the end of the lifeline."""
    os.write(1, b"ready\n")
    return len(os.read(0, 1))


def fails() -> int:
    """Work with a fault of ours in it."""
    raise ValueError


@pytest.mark.parametrize(("work", "status"), [(lambda: 0, 0), (lambda: 78, 78), (fails, 70)])
def test_child_ends_with_the_status_of_its_work(
    lifeline: tuple[int, int], work: Callable[[], int], status: int
) -> None:
    """What the work returns is the exit status; an exception is EX_SOFTWARE, and never gets back into our code."""
    child = fork(work, "gw-test", lifeline=lifeline[0])
    assert ended(child) == status


def test_child_says_when_it_is_ready_and_dies_of_a_signal(lifeline: tuple[int, int]) -> None:
    """It is heard once, and SIGTERM has its own meaning in it, whatever we made of it."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        child = fork(say_and_wait, "gw-test", lifeline=lifeline[0])
        assert select.select([child.ready], (), (), SECONDS)[0]
        assert (child.poll(), child.says_ready(), child.says_ready()) == (None, True, False)
        child.send(signal.SIGTERM)
        assert ended(child) == -signal.SIGTERM
        child.send(signal.SIGTERM)  # nobody is there any more
    finally:
        signal.signal(signal.SIGTERM, before)


def test_children_hear_that_the_supervisor_is_gone() -> None:
    """No child holds our end of the lifeline, so each reads the end when we close ours."""
    theirs, ours = os.pipe()
    children = [fork(say_and_wait, "gw-test", lifeline=theirs) for _ in range(2)]
    os.close(theirs)
    os.close(ours)
    assert [ended(child) for child in children] == [0, 0]


def test_child_has_no_descriptor_but_what_was_kept_for_it(lifeline: tuple[int, int]) -> None:
    """Standard input, output and error, and the sockets that were handed over."""
    kept, other = os.pipe()

    def look() -> int:
        opened = [number for number in range(3, 256) if _is_open(number)]
        return 0 if opened == [kept] else 1

    child = fork(look, "gw-test", lifeline=lifeline[0], keep=[kept])
    assert ended(child) == 0
    os.close(kept)
    os.close(other)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
