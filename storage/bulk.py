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
_Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement in the words of one database."""

    sql: str
    fixed: tuple[Any, ...]
    conversions: tuple[tuple[int, _Bind], ...]  # place in the row, and what the column does to its value
    binary: frozenset[int]  # places of the columns of bytes

    def rows(self, rows: _Rows) -> Sequence[Sequence[Any]]:
        """What `executemany` takes."""
        if not self.conversions:
            return [(*self.fixed, *row) for row in rows]
        bound, start = [[*self.fixed, *row] for row in rows], len(self.fixed)
        for place, convert in self.conversions:
            for row in bound:
                row[start + place] = convert(row[start + place])
        return bound

    def arrays(self, rows: _Rows) -> list[Any]:
        """What `execute` takes on PostgreSQL after the fixed values: an array for each column."""
        columns = [list(column) for column in zip(*rows, strict=True)]
        for place, convert in self.conversions:
            columns[place] = [convert(value) for value in columns[place]]
        return [column if place in self.binary else _array(column) for place, column in enumerate(columns)]


def _array(values: list[Any]) -> str:
    """An array as PostgreSQL writes it. The driver asks for the type of each element, at ten times the cost."""
    return "{" + ",".join(["NULL" if value is None else _quoted(str(value)) for value in values]) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


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
        self._statements: dict[str, Prepared] = {}

    def run(self, connection: sa.Connection, rows: Iterable[tuple[Any, ...]]) -> int:
        """Write rows in their order, each a tuple in the order of the columns; returns how many were written."""
        rows = list(rows)
        if not rows:
            return 0
        statement = self.prepared(connection)
        if connection.dialect.name == "postgresql":
            return on_driver(connection, "execute", statement.sql, [*statement.fixed, *statement.arrays(rows)])
        return on_driver(connection, "executemany", statement.sql, statement.rows(rows))

    def run_named(self, connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> int:
        """As `run`, for rows that name their values; more than the columns may be named."""
        return self.run(connection, map(itemgetter(*self._varying), rows))

    def prepared(self, connection: sa.Connection) -> Prepared:
        """The statement itself, for who has another one with the same rows."""
        dialect = connection.dialect.name
        return self._statements.get(dialect) or self._statements.setdefault(dialect, self._prepare(connection))

    def _prepare(self, connection: sa.Connection) -> Prepared:
        table, dialect = table_of(self._model), connection.dialect
        binds = {column.name: column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.c}
        fixed = tuple(bind(value) if (bind := binds[name]) else value for name, value in self._fixed.items())
        conversions = tuple((place, bind) for place, name in enumerate(self._varying) if (bind := binds[name]))
        quoted = dialect.identifier_preparer.quote
        # Binary: bytes as text would be twice as long.
        binary = frozenset(
            place for place, name in enumerate(self._varying) if isinstance(table.c[name].type, sa.LargeBinary)
        )
        marks = ("%b" if place in binary else "%s" for place in range(len(self._varying)))
        types = (table.c[name].type.compile(dialect) for name in self._varying)
        arrays = ", ".join(f"{mark}::{type_}[]" for mark, type_ in zip(marks, types, strict=True))
        shape = _Shape(quoted(table.name), (*map(quoted, self._fixed),), (*map(quoted, self._varying),), arrays)
        sql = self._from_arrays(shape) if dialect.name == "postgresql" else self._by_row(shape)
        return Prepared(sql, fixed, conversions, binary)

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
            f"SELECT {values} FROM unnest({shape.arrays}) AS rows({', '.join(shape.varying)}){self._end}"
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
