"""Column types and names that all tables share."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.orm.instrumentation import ClassManager
from sqlmodel import SQLModel

# Alembic needs the name of every constraint to change it on SQLite, which gives none by itself.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# Tables validate nothing, so what pydantic would validate with need not be made for each of them at every start.
SQLModel.model_config["defer_build"] = True


class _SqliteMoment(sqlite.DATETIME):
    """SQLAlchemy's text for a moment, written by `isoformat`, which costs less than its own way to write the same."""

    def bind_processor(self, _dialect: Dialect) -> Callable[[datetime | None], str | None]:
        """As 2026-01-05 10:00:00.000000."""
        return lambda value: None if value is None else value.isoformat(" ", "microseconds")


_Row = TypeVar("_Row", bound=SQLModel)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment: aware in, UTC in the database, aware out. SQLite alone would give back naive ones."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        """`timestamptz` on PostgreSQL, text in UTC on SQLite."""
        return sa.DateTime(timezone=True) if dialect.name == "postgresql" else _SqliteMoment()  # type: ignore[no-untyped-call]

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time: nobody knows what it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(sa.types.TypeDecorator[Any]):
    """A small list or table, stored as text: nobody queries inside it."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Compact text."""
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The value again."""
        return None if value is None else msgspec.json.decode(value)


class Choice(sa.types.TypeDecorator[StrEnum]):
    """A StrEnum, stored as its value."""

    impl = sa.String
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__(length=32)
        self.enum = enum

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:
        """The value; a word outside the enum is an error of ours."""
        return None if value is None else str(self.enum(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """The member."""
        return None if value is None else self.enum(value)


def partial_index(name: str, *columns: str, where: str) -> sa.Index:
    """An index of some of the rows only. The migration makes it so, and a test holds the two together.

    SQLAlchemy's own word for it, `postgresql_where`, would import the dialect of PostgreSQL, and asyncio with it,
    into every command on SQLite.
    """
    return sa.Index(name, *columns, info={"where": where})


def table_of(model: type[SQLModel]) -> sa.Table:
    """The Core table behind a model, for statements on hot paths."""
    table: sa.Table = model.__table__  # type: ignore[attr-defined]  # SQLModel sets it and does not declare it
    return table


def column_names(model: type[SQLModel]) -> tuple[str, ...]:
    """The names of all columns of a model."""
    return tuple(column.name for column in table_of(model).c)


def as_read(model: type[_Row], **values: object) -> _Row:
    """A row as if it had been read from the database, defaults and all: making an object costs ten times as much."""
    manager: ClassManager[_Row] = sa.inspect(model).class_manager
    made = manager.new_instance()
    made.__dict__.update(_defaults(model) | values)
    return made


@cache
def _defaults(model: type[SQLModel]) -> dict[str, object]:
    return {name: field.default for name, field in model.model_fields.items() if not field.is_required()}


def insert_or_skip(connection: sa.Connection, model: type[SQLModel]) -> sa.Insert:
    """An INSERT that passes over rows whose key is already there, in the words of the database."""
    return _insert_or_skip(connection.dialect.name, model)


@cache
def _insert_or_skip(dialect: str, model: type[SQLModel]) -> sa.Insert:
    # Made once: SQLAlchemy then finds its compiled form without reading the statement again.
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table_of(model)).on_conflict_do_nothing()
    # Slow, and it brings asyncio along: a command on SQLite must not wait for it.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table_of(model)).on_conflict_do_nothing()
