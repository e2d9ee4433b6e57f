"""Identifiers that any process can make by itself, and numbers that the database counts.

An id is 80 bits: 48 bits of milliseconds and 32 random ones, in 16 characters of base32hex (RFC 4648
section 7, lower case), so that ids sort by time and new rows stay together in their index.
"""

import re
from base64 import b32hexdecode, b32hexencode
from secrets import token_bytes

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from config.clock import now

_ID = re.compile(r"[0-9a-v]{16}")
ID_BYTES = 10


class Counter(SQLModel, table=True):
    """Numbers that people read: tickets and messages count from 1 without gaps."""

    name: str = Field(primary_key=True)
    value: int = Field(default=0, sa_type=sa.BigInteger)


def new_id() -> str:
    """A new id: 16 characters, later ones sort after earlier ones."""
    milliseconds = int(now().timestamp() * 1000)
    return id_text(milliseconds.to_bytes(6, "big") + token_bytes(4))


def id_text(raw: bytes) -> str:
    """The text of an id's 10 bytes."""
    return b32hexencode(raw).decode().lower()


def id_bytes(text: str) -> bytes:
    """The 10 bytes of an id's text."""
    return b32hexdecode(text.upper())


def is_id(text: str) -> bool:
    """Whether this could be an id of ours."""
    return _ID.fullmatch(text) is not None


def take_numbers(session: Session, name: str, count: int) -> range:
    """The next `count` numbers of a counter. Concurrent takers wait for each other until commit."""
    if count == 0:
        return range(0)
    statement = sa.text("UPDATE counter SET value = value + :count WHERE name = :name RETURNING value")
    last: int = session.connection().execute(statement, {"count": count, "name": name}).scalar_one()
    return range(last - count + 1, last + 1)


def lock_filing(session: Session) -> None:
    """Let one transaction at a time decide what belongs where; otherwise two could open one ticket each.

    A row lock, so that it works behind pgbouncer. On SQLite every writer is alone already.
    """
    if session.connection().dialect.name == "postgresql":
        session.connection().execute(sa.text("SELECT value FROM counter WHERE name = 'filing' FOR UPDATE"))
