"""Statements on the driver's own cursor, with the errors that SQLAlchemy would raise.

For the one hot path: SQLAlchemy's way to the driver costs more than a small statement itself.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError


def on_driver(connection: sa.Connection, how: str, sql: str, parameters: Sequence[Any] = ()) -> int:
    """Call `execute` or `executemany`; returns the number of rows."""
    with driver_errors(connection, sql):
        cursor = connection.connection.cursor()
        try:
            getattr(cursor, how)(sql, parameters)
            return int(cursor.rowcount)
        finally:
            cursor.close()


@contextmanager
def driver_errors(connection: sa.Connection, sql: str) -> Iterator[None]:
    """Raise what SQLAlchemy would, and have it forget a connection that is lost."""
    dialect, driver = connection.dialect, connection.connection
    try:
        yield
    except dialect.loaded_dbapi.Error as error:
        is_lost = dialect.is_disconnect(error, driver.dbapi_connection, None)
        if is_lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            sql,
            None,
            error,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=is_lost,
            dialect=dialect,
        ) from error
