"""Statements on the driver's own cursor, with the errors that SQLAlchemy would raise.

For the one hot path: SQLAlchemy's way to the driver costs more than a small statement itself.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIModule
from sqlalchemy.exc import DBAPIError


def on_driver(connection: sa.Connection, how: str, sql: str, parameters: Sequence[Any] = ()) -> int:
    """Call `execute` or `executemany`; returns the number of rows."""
    driver = connection.connection
    try:
        cursor = driver.cursor()
        try:
            getattr(cursor, how)(sql, parameters)
            return int(cursor.rowcount)
        finally:
            cursor.close()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_sqlalchemy(connection, driver, sql, error) from error


def commit_on_driver(connection: sa.Connection) -> None:
    """Commit what the driver has begun."""
    driver = connection.connection
    try:
        driver.commit()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_sqlalchemy(connection, driver, "COMMIT", error) from error


def let_statements_commit(connection: sa.Connection, each_by_itself: bool) -> None:
    """Whether each statement of psycopg is a transaction by itself; said between two transactions."""
    driver: Any = connection.connection.driver_connection
    driver.autocommit = each_by_itself


def _as_sqlalchemy(
    connection: sa.Connection, driver: sa.PoolProxiedConnection, sql: str, error: DBAPIModule.Error
) -> Exception:
    """What SQLAlchemy would raise; it forgets a connection that is lost."""
    dialect = connection.dialect
    is_lost = dialect.is_disconnect(error, driver.dbapi_connection, None)
    if is_lost:
        connection.invalidate(error)
    return DBAPIError.instance(
        sql,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=is_lost,
        dialect=dialect,
    )
