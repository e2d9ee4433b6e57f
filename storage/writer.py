"""A writer that keeps its connection: what one thread commits again and again costs only its statements.

Taking a connection from the pool, SQLAlchemy's own transaction and giving it back cost three times as much
as the commit of a small mail. Everybody else writes with `Database.writing`.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from storage.database import Database, our_errors
from storage.driver import commit_on_driver, let_statements_commit, on_driver


class Writer:
    """Of one thread. A transaction that fails takes its connection along, so that the next one begins anew."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: sa.Connection | None = None

    @contextmanager
    def transaction(self, *, is_one_statement: bool = False) -> Iterator[sa.Connection]:
        """A block that is one transaction, as `Database.writing_connection` has it; it raises the same.

        Where one statement writes all, PostgreSQL commits it by itself, and two round trips are saved. What the
        block reads after it is read in transactions of its own.
        """
        with our_errors(), self._database.turn():
            connection = self._connection or self._database.kept_connection()
            self._connection = connection
            try:
                if self._database.is_sqlite:
                    on_driver(connection, "execute", "BEGIN IMMEDIATE")
                else:
                    let_statements_commit(connection, is_one_statement)
                yield connection
                commit_on_driver(connection)
                if connection.in_transaction():
                    connection.rollback()  # SQLAlchemy's own idea of a transaction; ours is committed
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Let go of the connection; what is not committed is undone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()
            connection.close()
