"""Insert or update many rows of one table at the least cost: a statement made once, and rows as plain tuples.

For hot paths where reading a statement and binding by name cost more than the database itself does; elsewhere Core
and the ORM are quick enough. What the columns are, is said by the model alone. On SQLite it is one statement a row;
on PostgreSQL, where each would be a round trip, one for all rows, in which every column is an array.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
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


@dataclass(frozen=True, slots=True)
class _Shape:
    """The names of a statement as the database writes them."""

    table: str
    fixed: tuple[str, ...]
    varying: tuple[str, ...]
    arrays: str  # PostgreSQL: one array for each varying column


class _Bulk:
    """Values that vary from row to row, and others that are the same in all of them."""

    def __init__(self, model: type[SQLModel], varying: Sequence[str], fixed: Mapping[str, Any] | None) -> None:
        self._model = model
        self._varying = tuple(varying)
        self._fixed = dict(fixed or {})
        self._statements: dict[str, _Statement] = {}

    def run(self, connection: sa.Connection, rows: Iterable[tuple[Any, ...]]) -> int:
        """Write rows in their order, each a tuple in the order of the columns; returns how many were written."""
        columns = [list(column) for column in zip(*rows, strict=True)]
        if not columns:
            return 0
        dialect = connection.dialect.name
        statement = self._statements.get(dialect) or self._prepare(connection)
        for place, convert in statement.conversions:
            columns[place] = [convert(value) for value in columns[place]]
        if dialect == "postgresql":
            return on_driver(connection, "execute", statement.sql, (*statement.fixed, *columns))
        tuples = [(*statement.fixed, *row) for row in zip(*columns, strict=True)]
        return on_driver(connection, "executemany", statement.sql, tuples)

    def run_named(self, connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> int:
        """As `run`, for rows that name their values; more than the columns may be named."""
        return self.run(connection, map(itemgetter(*self._varying), rows))

    def _prepare(self, connection: sa.Connection) -> _Statement:
        table, dialect = table_of(self._model), connection.dialect
        binds = {column.name: column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.c}
        fixed = tuple(bind(value) if (bind := binds[name]) else value for name, value in self._fixed.items())
        conversions = tuple((place, bind) for place, name in enumerate(self._varying) if (bind := binds[name]))
        quoted = dialect.identifier_preparer.quote
        # Binary: bytes as text would be twice as long.
        arrays = ", ".join(f"%b::{table.c[name].type.compile(dialect)}[]" for name in self._varying)
        shape = _Shape(quoted(table.name), (*map(quoted, self._fixed),), (*map(quoted, self._varying),), arrays)
        sql = self._from_arrays(shape) if dialect.name == "postgresql" else self._by_row(shape)
        statement = _Statement(sql, fixed, conversions)
        self._statements[dialect.name] = statement
        return statement

    def _by_row(self, shape: _Shape) -> str:
        raise NotImplementedError

    def _from_arrays(self, shape: _Shape) -> str:
        raise NotImplementedError


class BulkInsert(_Bulk):
    """An INSERT of these columns, and of values that are the same in every row.

    A row whose key is there already is passed over, or is an error when it is `new` for certain.
    """

    def __init__(
        self,
        model: type[SQLModel],
        columns: Sequence[str],
        fixed: Mapping[str, Any] | None = None,
        *,
        is_new: bool = False,
    ) -> None:
        super().__init__(model, columns, fixed)
        self._end = "" if is_new else " ON CONFLICT DO NOTHING"

    def _by_row(self, shape: _Shape) -> str:
        names = (*shape.fixed, *shape.varying)
        marks = ", ".join("?" * len(names))
        return f"INSERT INTO {shape.table} ({', '.join(names)}) VALUES ({marks}){self._end}"  # noqa: S608 - names of our models

    def _from_arrays(self, shape: _Shape) -> str:
        values = ", ".join([*("%s" for _ in shape.fixed), "rows.*"])
        return (
            f"INSERT INTO {shape.table} ({', '.join((*shape.fixed, *shape.varying))}) "  # noqa: S608 - names of our models
            f"SELECT {values} FROM unnest({shape.arrays}) AS rows{self._end}"
        )


class BulkUpdate(_Bulk):
    """An UPDATE of these columns, and to values that are the same in every row, where these keys are the row's.

    A row has its new values first and then its keys; `where` is a further condition.
    """

    def __init__(
        self,
        model: type[SQLModel],
        columns: Sequence[str],
        keys: Sequence[str],
        fixed: Mapping[str, Any] | None = None,
        where: str = "",
    ) -> None:
        super().__init__(model, (*columns, *keys), fixed)
        self._count = len(columns)
        self._where = f" AND {where}" if where else ""

    def _by_row(self, shape: _Shape) -> str:
        changed, keys = shape.varying[: self._count], shape.varying[self._count :]
        values = ", ".join(f"{name} = ?" for name in (*shape.fixed, *changed))
        return f"UPDATE {shape.table} SET {values} WHERE {' AND '.join(f'{key} = ?' for key in keys)}{self._where}"  # noqa: S608 - names of our models

    def _from_arrays(self, shape: _Shape) -> str:
        changed, keys = shape.varying[: self._count], shape.varying[self._count :]
        values = ", ".join([*(f"{name} = %s" for name in shape.fixed), *(f"{name} = rows.{name}" for name in changed)])
        same = " AND ".join(f"{shape.table}.{key} = rows.{key}" for key in keys)
        return (
            f"UPDATE {shape.table} SET {values} FROM unnest({shape.arrays}) "  # noqa: S608 - names of our models
            f"AS rows({', '.join(shape.varying)}) WHERE {same}{self._where}"
        )
