"""Insert many rows into one table at the least cost: a statement made once, and rows as plain tuples.

For the one hot path where reading a statement and binding by name cost more than the database itself does;
elsewhere Core and the ORM are quick enough. What the columns are, is said by the model alone. A row whose
key is there already is passed over.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from storage.columns import table_of
from storage.driver import on_driver

_Bind = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Statement:
    sql: str
    fixed: tuple[Any, ...]
    conversions: tuple[tuple[int, _Bind], ...]  # place in the row, and what the column does to its value


class BulkInsert:
    """An INSERT of these columns, and of values that are the same in every row."""

    def __init__(self, model: type[SQLModel], columns: Sequence[str], fixed: Mapping[str, Any] | None = None) -> None:
        self._model = model
        self._columns = tuple(columns)
        self._fixed = dict(fixed or {})
        self._statements: dict[str, _Statement] = {}

    def run(self, connection: sa.Connection, rows: Iterable[tuple[Any, ...]]) -> int:
        """Insert rows in their order, each a tuple in the order of the columns; returns how many were new."""
        dialect = connection.dialect.name
        statement = self._statements.get(dialect) or self._prepare(connection)
        columns = [list(column) for column in zip(*rows, strict=True)]
        for place, convert in statement.conversions:
            columns[place] = [convert(value) for value in columns[place]]
        if dialect == "postgresql":
            # One statement for all rows: every column is one array.
            return on_driver(connection, "execute", statement.sql, (*statement.fixed, *columns))
        tuples = [(*statement.fixed, *row) for row in zip(*columns, strict=True)]
        return on_driver(connection, "executemany", statement.sql, tuples)

    def _prepare(self, connection: sa.Connection) -> _Statement:
        table, dialect = table_of(self._model), connection.dialect
        binds = {column.name: column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.c}
        fixed = tuple(bind(value) if (bind := binds[name]) else value for name, value in self._fixed.items())
        conversions = tuple((place, bind) for place, name in enumerate(self._columns) if (bind := binds[name]))
        make = _from_arrays if dialect.name == "postgresql" else _by_row
        statement = _Statement(make(table, dialect, (*self._fixed,), self._columns), fixed, conversions)
        self._statements[dialect.name] = statement
        return statement


def _by_row(table: sa.Table, _dialect: sa.Dialect, fixed: Sequence[str], varying: Sequence[str]) -> str:
    names = (*fixed, *varying)
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608 - names of our models


def _from_arrays(table: sa.Table, dialect: sa.Dialect, fixed: Sequence[str], varying: Sequence[str]) -> str:
    # Binary: bytes as text would be twice as long.
    arrays = ", ".join(f"%b::{table.c[name].type.compile(dialect)}[]" for name in varying)
    values = ", ".join([*("%s" for _ in fixed), "rows.*"])
    return (
        f"INSERT INTO {table.name} ({', '.join((*fixed, *varying))}) "  # noqa: S608 - names of our models
        f"SELECT {values} FROM unnest({arrays}) AS rows ON CONFLICT DO NOTHING"
    )
