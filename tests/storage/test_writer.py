"""A writer that keeps its connection: each block is one transaction, and no failure outlives its block."""

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from config.errors import DatabaseUnavailable
from storage.database import Database
from storage.driver import on_driver
from storage.installation import Fact
from storage.writer import Writer


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    """A writer on either database."""
    writer = Writer(database)
    yield writer
    writer.close()


def put(connection: sa.Connection, name: str) -> None:
    """A row, by the driver itself."""
    on_driver(connection, "execute", f"INSERT INTO fact (name, value) VALUES ('{name}', 'x')")


def write(writer: Writer, names: str) -> None:
    """A transaction with these rows."""
    with writer.transaction() as connection:
        for name in names:
            put(connection, name)


def write_and_fail(writer: Writer) -> None:
    """A transaction that somebody breaks off."""
    with writer.transaction() as connection:
        put(connection, "a")
        raise ZeroDivisionError


def write_while_the_server_ends(writer: Writer, database: Database) -> None:
    """The backend is gone when the transaction is to be committed."""
    with writer.transaction() as connection:
        put(connection, "a")
        end_backends(database)


def end_backends(database: Database) -> None:
    """What an administrator does, or a restart of the server."""
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    with database.reading() as session:
        session.connection().execute(sa.text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))


def names(database: Database) -> str:
    """The rows of this test that are committed."""
    with database.reading() as session:
        return "".join(sorted(name for name in session.exec(select(Fact.name)).all() if len(name) == 1))


def test_each_block_is_committed_at_its_end(writer: Writer, database: Database) -> None:
    """What SQLAlchemy reads in a block belongs to the same transaction, and others see it after the block."""
    for name in "abc":
        with writer.transaction() as connection:
            put(connection, name)
            count = connection.execute(sa.text("SELECT count(*) FROM fact WHERE name = :n"), {"n": name}).scalar_one()
            assert count == 1
            assert name not in names(database)
        assert name in names(database)


def test_block_that_raises_is_undone_and_the_next_one_is_not(writer: Writer, database: Database) -> None:
    """An error of ours or of the database undoes all of its block."""
    with pytest.raises(ZeroDivisionError):
        write_and_fail(writer)
    with pytest.raises(IntegrityError):
        write(writer, "bb")
    write(writer, "c")
    assert names(database) == "c"


def test_block_of_one_statement_is_committed_and_the_next_one_is_a_transaction_again(
    writer: Writer, database: Database
) -> None:
    """What one statement writes is kept at the end of its block; any other block is undone as a whole."""
    with writer.transaction(is_one_statement=True) as connection:
        put(connection, "a")
    with pytest.raises(IntegrityError):
        write(writer, "ba")
    with pytest.raises(IntegrityError), writer.transaction(is_one_statement=True) as connection:
        put(connection, "a")
    assert names(database) == "a"


def test_lost_connection_is_our_error_and_the_next_block_has_a_new_one(writer: Writer, database: Database) -> None:
    """The server ends the backend between two transactions, or in the middle of one."""
    if database.is_sqlite:
        pytest.skip("a file is not disconnected")
    write(writer, "x")
    end_backends(database)
    with pytest.raises(DatabaseUnavailable):
        write(writer, "b")
    with pytest.raises(DatabaseUnavailable):
        write_while_the_server_ends(writer, database)
    write(writer, "y")
    assert names(database) == "xy"


def test_writers_of_two_threads_take_turns(database: Database) -> None:
    """Each keeps a connection of its own, and none waits for more than the other's transaction."""

    def write_each(letters: str) -> None:
        writer = Writer(database)
        for letter in letters:
            write(writer, letter)
        writer.close()

    threads = [threading.Thread(target=write_each, args=(letters,)) for letters in ("abcdefgh", "ijklmnop")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert names(database) == "abcdefghijklmnop"
