"""Checkpoints: the log is copied beside whoever commits, and trouble of it is nobody else's."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from fakes.rows import accept_mails
from peers.ports import until

from config.errors import DatabaseUnavailable
from config.settings import Settings
from storage import checkpoints as module
from storage.checkpoints import Checkpoints
from storage.database import Database, sqlite_path


@pytest.fixture
def checkpoints(database: Database) -> Iterator[Checkpoints]:
    """Those of a database, on each kind."""
    with closing(Checkpoints(database)) as checkpoints:
        yield checkpoints


def copied(database: Database) -> tuple[int, int]:
    """How many pages the log has, and how many of them are copied; looking copies nothing."""
    with database.kept_connection() as connection:
        _busy, pages, done = connection.exec_driver_sql("PRAGMA wal_checkpoint(NOOP)").one()
    return pages, done


def test_what_is_committed_is_copied_soon(database: Database, checkpoints: Checkpoints, settings: Settings) -> None:
    """While readers are there, and without a commit that is large enough for SQLite's own."""
    if not database.is_sqlite:
        checkpoints.count(1000)
        assert not checkpoints._thread.is_alive()
        return
    before = sqlite_path(settings.database_url).stat().st_size
    for count in (100, 200, 300):
        accept_mails(database, count)
        checkpoints.count(299)
        assert copied(database)[0] > copied(database)[1]
        checkpoints.count(1)
        until(lambda: len({*copied(database)}) == 1, 5, "the log is copied")
    assert sqlite_path(settings.database_url).stat().st_size > before


def test_trouble_is_told_and_tried_again(
    settings: Settings, database: Database, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails for a moment ends no thread."""
    if not database.is_sqlite:
        pytest.skip("PostgreSQL has a process of its own for it")
    tries, real = [], database.checkpoint

    def failing() -> None:
        tries.append(threading.current_thread().name)
        if len(tries) == 1:
            raise DatabaseUnavailable("disk I/O error")
        real()

    monkeypatch.setattr(module, "_TROUBLE_SECONDS", 0.01)
    monkeypatch.setattr(database, "checkpoint", failing)
    accept_mails(database, 100)
    checkpoints.count(300)
    until(lambda: len(tries) == 1, 5, "the first try")
    checkpoints.count(300)
    until(lambda: len({*copied(database)}) == 1, 5, "the second try")
    assert set(tries) == {"checkpoint"}
