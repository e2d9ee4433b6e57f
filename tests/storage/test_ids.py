"""Ids that sort by time and never repeat; numbers without gaps."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from config.clock import now
from storage import ids
from storage.database import Database
from storage.ids import first_id, give_back_numbers, id_bytes, id_text, is_id, lock_filing, new_id, take_numbers


@pytest.fixture(autouse=True)
def own_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sequence for each test: one that has seen a later clock goes on from there, for the other tests too."""
    monkeypatch.setattr(ids, "_sequence", ids._Sequence())


def test_ids_of_a_process_sort_as_they_were_made() -> None:
    """Ten thousand ids made in a row are in order and all different."""
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(set(made))
    assert all(is_id(id_) for id_ in made)


def test_ids_of_four_threads_are_all_different() -> None:
    """Threads that make ids at once never make the same one, and each sees its own in order."""
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda _: [new_id() for _ in range(5000)], range(4)))
    assert len({id_ for part in parts for id_ in part}) == 20_000
    assert all(part == sorted(part) for part in parts)


def test_ids_go_on_when_the_clock_goes_back() -> None:
    """An id made after the clock was set back still sorts behind the ones before."""
    with time_machine.travel(now() + timedelta(hours=1)):
        before = new_id()
    assert new_id() > before


def test_first_id_of_a_moment_parts_older_from_younger() -> None:
    """What sorts before the first id of a moment was made before it."""
    moment = now() + timedelta(hours=2)
    before = new_id()
    with time_machine.travel(moment + timedelta(milliseconds=5)):
        assert before < first_id(moment) < new_id()


@given(st.binary(min_size=10, max_size=10))
def test_text_of_an_id_gives_its_bytes_back(raw: bytes) -> None:
    """Ten bytes and sixteen characters are the same id."""
    assert id_bytes(id_text(raw)) == raw
    assert is_id(id_text(raw))


@pytest.mark.parametrize("text", ["", "a" * 15, "a" * 17, "w" * 16, "A" * 16, "a" * 16 + "\n", "-" * 16])
def test_other_text_is_no_id(text: str) -> None:
    """Wrong length, letters or case are no id of ours."""
    assert not is_id(text)


def test_numbers_are_taken_without_gaps(database: Database) -> None:
    """Ranges follow each other, each counter for itself; what is given back or undone is taken again."""
    with database.writing() as session:
        assert take_numbers(session, "ticket", 3) == range(1, 4)
        assert take_numbers(session, "message", 1) == range(1, 2)
        assert take_numbers(session, "ticket", 0) == range(0)
        give_back_numbers(session, "ticket", 2)
        lock_filing(session)
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        take_numbers(session, "ticket", 1 // 0)
    with database.writing() as session:
        assert take_numbers(session, "ticket", 1) == range(2, 3)
