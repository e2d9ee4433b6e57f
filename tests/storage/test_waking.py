"""Waking: a datagram shortens the wait; without it, everything still works."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.waking import Waiter, Waker, wake


@pytest.fixture
def waiter(tmp_path: Path) -> Iterator[Waiter]:
    """The ear of intake."""
    waiter = Waiter(tmp_path, "intake")
    yield waiter
    waiter.close()


def test_woken_part_does_not_wait(waiter: Waiter, tmp_path: Path) -> None:
    """A call that came before ends the wait at once."""
    wake(tmp_path, "intake")
    began = time.monotonic()
    assert waiter.wait(30)
    assert time.monotonic() - began < 10


def test_kept_waker_wakes_whoever_listens(waiter: Waiter, tmp_path: Path) -> None:
    """It calls the ear that is there at the time, again and again, and minds no deaf one."""
    waker = Waker(tmp_path, "intake")
    waker.wake()
    assert waiter.wait(30)
    second = Waiter(tmp_path, "intake")
    waker.wake()
    assert second.wait(30)
    second.close()
    waker.wake()
    waker.close()
    waker.wake()


def test_many_calls_are_one_awakening(waiter: Waiter, tmp_path: Path) -> None:
    """After a hundred calls a part wakes once, and then waits again."""
    for _ in range(100):
        wake(tmp_path, "intake")
    assert waiter.wait(30)
    assert not waiter.wait(0.01)


def test_wait_without_a_call_ends_by_time(waiter: Waiter, tmp_path: Path) -> None:
    """Nobody called this part: the wait ends, and says so."""
    wake(tmp_path, "relay")
    assert not waiter.wait(0.01)
    assert not waiter.wait(0)


def test_waking_nobody_is_no_error(tmp_path: Path) -> None:
    """A call that nobody hears, a dead ear and a folder that is not there are passed over."""
    wake(tmp_path, "intake")
    wake(tmp_path / "missing", "intake")
    wake(tmp_path / ("x" * 200), "intake")
    Waiter(tmp_path, "intake").close()
    wake(tmp_path, "intake")


def test_last_of_two_ears_hears(waiter: Waiter, tmp_path: Path) -> None:
    """A second worker takes over the ear; the first one still works by polling."""
    second = Waiter(tmp_path, "intake")
    wake(tmp_path, "intake")
    assert second.wait(30)
    assert not waiter.wait(0.01)
    second.close()


def test_ear_where_no_socket_can_be_polls(tmp_path: Path) -> None:
    """In a folder with a name too long for a socket a part cannot be woken, and does not fail."""
    folder = tmp_path / ("x" * 150)
    folder.mkdir()
    waiter = Waiter(folder, "intake")
    wake(folder, "intake")
    assert not waiter.wait(0.01)
    waiter.close()
