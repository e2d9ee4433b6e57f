"""The database: what is committed is kept, what fails is undone, and nobody's update is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Session, select

from config.errors import BadConfiguration, DatabaseUnavailable, StorageFull
from config.settings import Settings
from storage.database import Database, check_sqlite_version, open_database
from storage.ids import take_numbers
from storage.installation import Fact
from storage.queues import Queue, add_queue


def fact(database: Database, name: str) -> str | None:
    """What stands there."""
    with database.reading() as session:
        found = session.get(Fact, name)
        return found.value if found else None


def _write_and_fail(session: Session) -> None:
    session.add(Fact(name="colour", value="green"))
    session.flush()
    raise ZeroDivisionError


def _outgrow(session: Session) -> None:
    pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar_one()
    session.connection().exec_driver_sql(f"PRAGMA max_page_count={pages}")
    session.add(Fact(name="large", value="x" * 1_000_000))


def test_written_block_is_committed_at_its_end(database: Database) -> None:
    """Another block sees what a writing block has written."""
    with database.writing() as session:
        session.add(Fact(name="colour", value="green"))
    assert fact(database, "colour") == "green"


def test_block_that_raises_is_undone(database: Database) -> None:
    """An exception in a writing block undoes all of it, and is not swallowed."""
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        _write_and_fail(session)
    assert fact(database, "colour") is None


def test_reading_block_keeps_nothing(database: Database) -> None:
    """What a reading block adds is forgotten."""
    with database.reading() as session:
        session.add(Fact(name="colour", value="green"))
    assert fact(database, "colour") is None


def test_reading_block_sees_one_moment(database: Database) -> None:
    """What is committed while a reading block runs is not seen in it, so that its sums agree."""
    with database.reading() as session:
        before = session.exec(select(sa.func.count()).select_from(Fact)).one()
        with database.writing() as other:
            other.add(Fact(name="colour", value="green"))
        assert session.exec(select(sa.func.count()).select_from(Fact)).one() == before
    assert fact(database, "colour") == "green"


def test_reader_does_not_wait_for_a_writer(database: Database) -> None:
    """A block that reads inside a block that has written sees the state before it."""
    with database.writing() as session:
        session.add(Fact(name="colour", value="green"))
        session.flush()
        assert fact(database, "colour") is None


def test_four_threads_lose_no_update(database: Database) -> None:
    """Of 200 numbers that four threads take by reading and writing, none is missing and none is there twice."""
    barrier = threading.Barrier(4)

    def take(_: int) -> list[int]:
        barrier.wait(60)
        taken = []
        for _turn in range(50):
            with database.writing() as session:
                taken += take_numbers(session, "ticket", 1)
        return taken

    with ThreadPoolExecutor(4) as pool:
        numbers = [number for part in pool.map(take, range(4)) for number in part]
    assert sorted(numbers) == list(range(1, 201))


def test_read_then_write_loses_no_update_on_sqlite(database: Database) -> None:
    """Threads that read a value, think, and write one more never overwrite each other where one writes at a time."""
    if not database.is_sqlite:
        pytest.skip("PostgreSQL lets writers run together; what must be exclusive there takes a row lock")
    with database.writing() as session:
        session.add(Fact(name="count", value="0"))

    def add(_: int) -> None:
        for _turn in range(25):
            with database.writing() as session:
                row = session.get_one(Fact, "count")
                row.value = str(int(row.value) + 1)
                session.add(row)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    assert fact(database, "count") == "100"


def test_constraint_that_is_broken_stays_a_programming_error(database: Database) -> None:
    """A second row with the same key is not disguised as trouble of the database."""
    with database.writing() as session:
        add_queue(session, Queue(name="Support"))
    with pytest.raises(IntegrityError), database.writing() as session:
        session.add(Queue(name="Other", key="support"))


def test_foreign_key_to_nothing_is_refused(database: Database) -> None:
    """Both databases keep references whole."""
    with pytest.raises(IntegrityError), database.writing() as session:
        session.exec(sa.text("INSERT INTO ticket_queue VALUES (1, 1)"))


def test_times_come_back_aware_and_equal(database: Database) -> None:
    """A moment with any offset comes back as the same moment in UTC."""
    moment = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    with database.writing() as session:
        add_queue(session, Queue(name="Support", created_at=moment))
    with database.reading() as session:
        stored = session.exec(select(Queue)).one().created_at
    assert stored == moment
    assert stored.tzinfo is UTC


def test_naive_time_is_refused(database: Database) -> None:
    """A time without a zone never gets into a table: nobody knows what it means."""
    with pytest.raises(StatementError, match="aware"), database.writing() as session:
        add_queue(session, Queue(name="Support", created_at=datetime(2026, 1, 1)))


def test_word_outside_a_choice_is_refused(database: Database) -> None:
    """A state that its enum does not know never gets into a table."""
    with pytest.raises(StatementError, match="nonsense"), database.writing() as session:
        add_queue(session, Queue(name="Support", reply_to="nonsense"))


def test_database_that_is_not_there_names_the_command(tmp_path: Path) -> None:
    """Opening makes no file, and says how to make one."""
    settings = Settings.model_validate({"data_dir": tmp_path})
    with pytest.raises(BadConfiguration, match="gateway database upgrade"):
        open_database(settings)
    assert list(tmp_path.iterdir()) == []


def test_server_that_does_not_answer_is_unavailable() -> None:
    """A PostgreSQL that is not there is DatabaseUnavailable: the sender hears 451 and tries again."""
    settings = Settings.model_validate({"database": {"url": "postgresql://nobody@127.0.0.1:1/none", "busy_seconds": 2}})
    database = open_database(settings)
    with pytest.raises(DatabaseUnavailable), database.reading() as session:
        session.exec(select(Fact)).all()


def test_database_that_is_locked_is_unavailable_after_a_while(database: Database, settings: Settings) -> None:
    """A writer whom another one keeps waiting hears DatabaseUnavailable, and can write when the other is done."""
    hasty = open_database(
        settings.model_copy(update={"database": settings.database.model_copy(update={"busy_seconds": 0.3})})
    )
    with database.writing() as session:
        take_numbers(session, "ticket", 1)
        with pytest.raises(DatabaseUnavailable), hasty.writing() as other:
            take_numbers(other, "ticket", 1)
    with hasty.writing() as other:
        assert list(take_numbers(other, "ticket", 1)) == [2]
    hasty.close()


def test_foreign_lock_on_the_file_is_unavailable_after_a_while(tmp_path: Path, sqlite_template: Path) -> None:
    """A program that locks the SQLite file without taking a turn makes writers wait busy_seconds, no longer."""
    path = tmp_path / "gateway.db"
    path.write_bytes(sqlite_template.read_bytes())
    settings = Settings.model_validate({"data_dir": tmp_path, "database": {"busy_seconds": 0.3}})
    database = open_database(settings)
    with database.engine.connect() as foreign:
        foreign.exec_driver_sql("UPDATE fact SET value = value")
        with pytest.raises(DatabaseUnavailable), database.writing() as session:
            take_numbers(session, "ticket", 1)
    with database.writing() as session:
        assert list(take_numbers(session, "ticket", 1)) == [1]
    database.close()


def test_full_database_is_storage_full(tmp_path: Path, sqlite_template: Path) -> None:
    """A SQLite file that may not grow is StorageFull, and what was there is still there."""
    (tmp_path / "gateway.db").write_bytes(sqlite_template.read_bytes())
    database = open_database(Settings.model_validate({"data_dir": tmp_path}))
    with pytest.raises(StorageFull), database.writing() as session:
        _outgrow(session)
    assert fact(database, "large") is None
    assert fact(database, "installation") is not None
    database.close()


def test_every_sqlite_connection_keeps_its_promises(tmp_path: Path, sqlite_template: Path) -> None:
    """Each connection of the pool is durable at commit, in WAL mode, and checks references."""
    (tmp_path / "gateway.db").write_bytes(sqlite_template.read_bytes())
    database = open_database(Settings.model_validate({"data_dir": tmp_path}))
    with database.reading() as first, database.reading() as second:
        for session in (first, second):
            values = [
                session.connection().exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
            ]
            assert values == ["wal", 2, 1, 1]
    database.close()


def test_sqlite_with_the_wal_race_is_refused_unless_overridden() -> None:
    """An old SQLite is refused with what to do; the override and a fixed version pass."""
    with pytest.raises(BadConfiguration, match="unsafe_sqlite"):
        check_sqlite_version((3, 40, 1), override=False)
    check_sqlite_version((3, 40, 1), override=True)
    check_sqlite_version((3, 51, 3), override=False)
