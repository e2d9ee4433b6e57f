"""The turnstile: one writer at a time over threads and processes, and nobody waits for long."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes.spawn import SPAWN, running
from fakes.turns import count_turn, take_turns, turns_taken

from config.errors import DatabaseUnavailable
from storage.turnstile import Turnstile

TURNS = 60
# One is what is seen: the turn that runs when we ask. The rest is for a machine that puts us to sleep between
# looking at the number and asking; with a lock that is only polled, hundreds pass.
MOST_BETWEEN = 20


@pytest.fixture
def count_file(tmp_path: Path) -> Path:
    """A number in a file, for whoever holds the turn."""
    path = tmp_path / "count"
    path.write_bytes(b"%08d" % 0)
    return path


def test_patient_process_waits_few_turns_beside_a_busy_one(tmp_path: Path, count_file: Path) -> None:
    """While another process takes turn after turn, each of our own comes after a few of its turns; none is lost."""
    file, ready, stop = tmp_path / "gateway.db", SPAWN.Event(), SPAWN.Event()
    turnstile = Turnstile(file, 60)
    with running(take_turns, file, count_file, ready, stop):
        assert ready.wait(60)
        waits = []
        for _ in range(TURNS):
            before = turns_taken(count_file)
            with turnstile.turn():
                waits.append(count_turn(count_file) - before - 1)
            stop.wait(0.005)
        stop.set()
    assert sum(waits) >= TURNS / 2  # the other one was busy indeed
    assert max(waits) <= MOST_BETWEEN


def test_two_processes_and_four_threads_never_hold_the_turn_together(tmp_path: Path, count_file: Path) -> None:
    """A number that each holder reads and writes one higher counts every turn of all of them."""
    file, ready, stop = tmp_path / "gateway.db", SPAWN.Event(), SPAWN.Event()
    turnstile, holders = Turnstile(file, 60), []
    with running(take_turns, file, count_file, ready, stop):
        assert ready.wait(60)

        def take(name: int) -> list[int]:
            taken = []
            for _ in range(25):
                with turnstile.turn():
                    holders.append(name)
                    assert holders == [name]
                    taken.append(count_turn(count_file))
                    holders.clear()
            return taken

        with ThreadPoolExecutor(4) as pool:
            numbers = [number for part in pool.map(take, range(4)) for number in part]
        stop.set()
    assert len(set(numbers)) == 100
    assert max(numbers) <= turns_taken(count_file)


def test_turn_that_never_comes_is_a_database_that_is_busy(tmp_path: Path) -> None:
    """Who waits longer than the settings allow hears DatabaseUnavailable, and the turn is free afterwards."""
    patient, hasty = Turnstile(tmp_path / "gateway.db", 60), Turnstile(tmp_path / "gateway.db", 0.05)
    with patient.turn(), pytest.raises(DatabaseUnavailable), hasty.turn():
        pass
    with hasty.turn():
        pass


def test_turn_is_free_after_an_exception(tmp_path: Path) -> None:
    """A holder whose work fails lets the next one in."""
    turnstile = Turnstile(tmp_path / "gateway.db", 1)
    with pytest.raises(ValueError, match="no"), turnstile.turn():
        raise ValueError("no")
    with turnstile.turn():
        pass


def test_third_in_line_is_not_overtaken_for_ever(tmp_path: Path) -> None:
    """Of three threads that all want the turn all the time each gets a share."""
    turnstile, stop = Turnstile(tmp_path / "gateway.db", 60), threading.Event()
    shares = [0, 0, 0]

    def work(name: int) -> None:
        while not stop.is_set():
            with turnstile.turn():
                shares[name] += 1
                if sum(shares) >= 300:
                    stop.set()
                stop.wait(0.001)

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(work, name) for name in range(3)]:
            future.result()
    assert min(shares) >= 10
