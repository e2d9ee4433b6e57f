"""Identifiers that any process can make by itself, and numbers that the database counts.

An id is 80 bits: 48 bits of milliseconds and 32 random ones, in 16 characters of base32hex (RFC 4648
section 7, lower case), so that ids sort by time and new rows stay together in their index.
"""

import re
import threading
from base64 import b32hexdecode
from datetime import UTC, datetime
from secrets import token_bytes

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from config.clock import now

_ID = re.compile(r"[0-9a-v]{16}")
ID_BYTES = 10
_ID_LENGTH = 16
_DIGITS = "0123456789abcdefghijklmnopqrstuv"
# Ten bits at a time; the encoder of the library takes five times as long as the rest of an id.
_PAIRS = tuple(high + low for high in _DIGITS for low in _DIGITS)
# What a column of integers holds on PostgreSQL; it and SQLite each raise an error of their own beyond theirs.
MAX_NUMBER = 2**31 - 1


class Counter(SQLModel, table=True):
    """Numbers that people read: tickets and messages count from 1 without gaps."""

    name: str = Field(primary_key=True)
    value: int = Field(default=0, sa_type=sa.BigInteger)


class _Sequence:
    """Ids of one process: each is greater than the one before, also within one millisecond."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self, count: int) -> list[int]:
        """80 bits each: time, then chance; while the clock stands still or goes back, the last one and a little."""
        chance, steps = token_bytes(4), token_bytes(count)
        fresh = int(now().timestamp() * 1000) << 32 | int.from_bytes(chance, "big") >> 1
        made = []
        with self._lock:
            for step in steps:
                # A random step: another process in the same millisecond must not count along with us.
                self._last = fresh if fresh > self._last else self._last + 1 + step
                made.append(self._last)
        return made


_sequence = _Sequence()


def new_id() -> str:
    """A new id: 16 characters, later ones of this process sort after earlier ones."""
    return new_ids(1)[0]


def new_ids(count: int) -> list[str]:
    """That many new ids, in order."""
    return [_text(number) for number in _sequence.next(count)]


def first_id(at: datetime) -> str:
    """What sorts before every id that was made at this moment or later."""
    return _text(int(at.timestamp() * 1000) << 32)


def time_of(id_: str) -> datetime:
    """When an id was made."""
    return datetime.fromtimestamp(int.from_bytes(id_bytes(id_[:_ID_LENGTH])[:6], "big") / 1000, UTC)


def id_text(raw: bytes) -> str:
    """The text of an id's 10 bytes."""
    return _text(int.from_bytes(raw, "big"))


def _text(bits: int) -> str:
    pairs = _PAIRS
    return (
        f"{pairs[bits >> 70]}{pairs[bits >> 60 & 1023]}{pairs[bits >> 50 & 1023]}{pairs[bits >> 40 & 1023]}"
        f"{pairs[bits >> 30 & 1023]}{pairs[bits >> 20 & 1023]}{pairs[bits >> 10 & 1023]}{pairs[bits & 1023]}"
    )


def id_bytes(text: str) -> bytes:
    """The 10 bytes of an id's text."""
    return b32hexdecode(text.upper())


def is_id(text: str) -> bool:
    """Whether this could be an id of ours."""
    return _ID.fullmatch(text) is not None


# Made once: every batch of mail takes numbers.
_TAKE = sa.text("UPDATE counter SET value = value + :count WHERE name = :name RETURNING value")
_GIVE_BACK = sa.text("UPDATE counter SET value = value - :count WHERE name = :name")
_LOCK_FILING = sa.text("SELECT value FROM counter WHERE name = 'filing' FOR UPDATE")


def take_numbers(session: Session, name: str, count: int) -> range:
    """The next `count` numbers of a counter. Concurrent takers wait for each other until commit."""
    if count == 0:
        return range(0)
    last: int = session.connection().execute(_TAKE, {"count": count, "name": name}).scalar_one()
    return range(last - count + 1, last + 1)


def give_back_numbers(session: Session, name: str, count: int) -> None:
    """Return the last `count` numbers that this transaction took and did not use: nobody else can have taken any."""
    if count:
        session.connection().execute(_GIVE_BACK, {"count": count, "name": name})


def lock_filing(session: Session) -> None:
    """Let one transaction at a time decide what belongs where; otherwise two could open one ticket each.

    A row lock, so that it works behind pgbouncer. On SQLite every writer is alone already.
    """
    if session.connection().dialect.name == "postgresql":
        session.connection().execute(_LOCK_FILING)
