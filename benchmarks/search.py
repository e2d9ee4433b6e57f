"""What a search costs among many messages, on both databases.

    python -m benchmarks search [--messages 1000000]

The messages have 60 words each of a vocabulary of 50,000 in which a few words are very frequent. Twenty thousand are
written, the others are their copies: a million are there in minutes. Each question is asked several times; the
median counts.
"""

from __future__ import annotations

import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from peers.postgres import postgres_server
from sqlmodel import Session

from config.clock import now
from config.settings import Settings
from storage.columns import table_of
from storage.database import Database
from storage.finding import hits, search_messages
from storage.messages import Message
from storage.migrate import open_or_make, upgrade
from storage.queues import Queue, add_queue
from storage.search import POSTGRES_INDEX, Indexed, index_messages
from storage.tickets import Status, Ticket

_WORDS = 50_000
_LENGTH = 60
_WRITTEN = 20_000
_ROUNDS = 5
_QUESTIONS = (
    ("a rare word", "w40000"),
    ("a word in every second message", "w1"),
    ("three words", "w9 w120 w800"),
    ("a phrase", '"w1 w2"'),
    ("a beginning", "w499"),
    ("in the subject", "subject:w30"),
    ("a frequent word, one queue", "w1 queue:Support"),
    ("a frequent word, before a day", "w1 before:2100-01-01"),
    ("words that nobody wrote", "w7 nothing"),
)


def main(messages: int = 1_000_000) -> None:
    """Fill each kind of database, and ask."""
    print(f"{messages:,} messages of {_LENGTH} words; milliseconds until the first 100 hits with their snippets\n")
    print(f"{'question':<34}{'SQLite':>10}{'PostgreSQL':>12}")
    columns = [_measure(url, messages) for url in ("sqlite", "postgresql")]
    for question, *found in zip((name for name, _ in _QUESTIONS), *columns, strict=True):
        print(f"{question:<34}" + f"{found[0]:>10.1f}" + (f"{found[1]:>12.1f}" if found[1] >= 0 else "left out"))


def _measure(kind: str, messages: int) -> list[float]:
    try:
        with _database(kind) as database:
            _fill(database, messages)
            return [_ask(database, typed) for _, typed in _QUESTIONS]
    except pytest.skip.Exception:
        return [-1.0] * len(_QUESTIONS)


@contextmanager
def _database(kind: str) -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="gateway-search-") as folder:
        if kind == "sqlite":
            yield from _opened(f"sqlite:///{folder}/gateway.db", Path(folder))
            return
        with postgres_server() as server:
            yield from _opened(server.create("search"), Path(folder))


def _opened(url: str, folder: Path) -> Iterator[Database]:
    database = open_or_make(Settings.model_validate({"data_dir": folder, "database": {"url": url}}))
    try:
        upgrade(database)
        yield database
    finally:
        database.close()


def _fill(database: Database, count: int) -> None:
    """So many messages: some that are written word by word, and copies of them, made inside the database."""
    is_sqlite = database.is_sqlite
    first = min(count, _WRITTEN)
    with database.writing() as session:
        _write(session, first)
        if is_sqlite:
            session.connection().execute(sa.text(_SPARE))
            session.connection().execute(sa.text("INSERT INTO spare VALUES (:id, :words)"), _spare(first))
        else:
            # Made anew at the end, which is a fraction of the work.
            session.connection().execute(sa.text("DROP INDEX ix_message_words_words"))
    for start in range(first, count, first):
        with database.writing() as session:
            for statement in _copies(is_sqlite, min(first, count - start)):
                session.connection().execute(sa.text(statement), {"start": start})
    if not is_sqlite:
        with database.writing() as session:
            session.connection().execute(sa.text(POSTGRES_INDEX))
            session.connection().execute(sa.text("ANALYZE"))


def _texts(count: int) -> list[str]:
    chance = random.Random(4711)
    # As in any language: the n-th word is as frequent as one n-th of the first.
    weights = list(itertools.accumulate(1 / place for place in range(1, _WORDS + 1)))
    return [
        " ".join(f"w{n + 1}" for n in chance.choices(range(_WORDS), cum_weights=weights, k=_LENGTH))
        for _ in range(count)
    ]


def _indexed(text: str) -> Indexed:
    return Indexed(text, text[:30], "Ann")


def _write(session: Session, count: int) -> None:
    queue = add_queue(session, Queue(name="Support")).number
    texts = _texts(count)
    session.connection().execute(sa.insert(table_of(Ticket)), [_ticket(n, queue) for n in range(1, count + 1)])
    rows = [_message(n, text) for n, text in enumerate(texts, start=1)]
    session.connection().execute(sa.insert(table_of(Message)), rows)
    index_messages(session, [(n, _indexed(text)) for n, text in enumerate(texts, start=1)])


# The index of SQLite keeps no words, so what goes into it again and again stands beside it.
_SPARE = "CREATE TABLE spare (id INTEGER PRIMARY KEY, words TEXT)"


def _spare(count: int) -> list[dict[str, object]]:
    return [{"id": n, "words": " ".join(_indexed(text).words())} for n, text in enumerate(_texts(count), start=1)]


def _copies(is_sqlite: bool, count: int) -> list[str]:
    """Statements that copy the first `count` tickets, messages and words to the numbers behind `:start`."""
    moved = {"ticket": ("id",), "message": ("id", "ticket_id")}
    statements = []
    for model in (Ticket, Message):
        table = table_of(model)
        names = [column.name for column in table.columns]
        values = ", ".join(f"{name} + :start" if name in moved[table.name] else name for name in names)
        into = ", ".join(names)
        statements.append(f"INSERT INTO {table.name} ({into}) SELECT {values} FROM {table.name} WHERE id <= {count}")
    words = (
        f"INSERT INTO message_words (rowid, words) SELECT id + :start, words FROM spare WHERE id <= {count}"
        if is_sqlite
        else "INSERT INTO message_words (message_id, words) SELECT message_id + :start, words FROM message_words"
        f" WHERE message_id <= {count}"
    )
    return [*statements, words]


def _ticket(number: int, queue: int) -> dict[str, object]:
    at = now()
    row = {"id": number, "queue_id": queue, "subject": "", "status": Status.OPEN, "created_at": at, "updated_at": at}
    return row | {"customer_address": "", "source_inbox": "", "messages": 1, "priority": "normal"}


def _message(number: int, text: str) -> dict[str, object]:
    at, nobody = now(), {f"recipients_{name}": [] for name in ("to", "cc", "bcc")}
    row = {"id": number, "ticket_id": number, "position": 1, "direction": "inbound", "kind": "human", "text": text}
    empty = dict.fromkeys(
        ("author_name", "author_email", "message_id", "subject", "reply_text", "source_inbox", "content_key"), ""
    )
    lists = nobody | {"reply_to": [], "flags": [], "also_received": []}
    return row | empty | lists | {"date": at, "filed_at": at, "automatic": False, "cancelled": False}


def _ask(database: Database, typed: str) -> float:
    spent = []
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        with database.reading() as session:
            hits(session, typed, search_messages(session, typed, 100))
        spent.append(1000 * (time.perf_counter() - begin))
    return statistics.median(spent)
