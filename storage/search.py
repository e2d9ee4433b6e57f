"""Find messages by their words: FTS5 on SQLite, tsvector on PostgreSQL.

Accents are folded here, before either database sees the words, so that both find the same
and PostgreSQL needs no extension. What people type is quoted: no operator of either engine gets through.
"""

import re
import unicodedata
from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import Session

_WORD = re.compile(r"[^\W_]+")
_MAX_INDEXED = 100_000
_MAX_WORD = 100
# FTS5 refuses an expression that is nested too deeply; nobody remembers more words of a mail.
_MAX_WANTED = 64
# Combining marks of every script, taken away after decomposition.
_ACCENTS = dict.fromkeys(code for code in range(0x300, 0x1E900) if unicodedata.combining(chr(code)))

# The tokenizer `ascii` takes the words as they were divided here; FTS5's own idea of a letter is another one.
SQLITE_TABLE = (
    "CREATE VIRTUAL TABLE message_words USING fts5(words, content='', contentless_delete=1, tokenize='ascii')"
)
POSTGRES_TABLE = "CREATE TABLE message_words (message_id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)"
POSTGRES_INDEX = "CREATE INDEX ix_message_words_words ON message_words USING GIN (words)"


def folded_words(text: str) -> str:
    """The words of a text in lower case without accents, with blanks between them."""
    plain = text[:_MAX_INDEXED].casefold()
    if not plain.isascii():
        # Signs like the squared "TEL" are capitals again once they are decomposed, and grow: PostgreSQL
        # refuses words of more than a megabyte for one message.
        plain = unicodedata.normalize("NFKD", plain).translate(_ACCENTS).casefold()[:_MAX_INDEXED]
    return " ".join(word[:_MAX_WORD] for word in _WORD.findall(plain))


def index_messages(session: Session, words: Sequence[tuple[int, str]]) -> None:
    """Remember the words of messages, given as (message id, text)."""
    if not words:
        return
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        statement = sa.text("INSERT INTO message_words (rowid, words) VALUES (:id, :words)")
    else:
        statement = sa.text("INSERT INTO message_words VALUES (:id, array_to_tsvector(string_to_array(:words, ' ')))")
    connection.execute(statement, [{"id": number, "words": _indexed(text, connection)} for number, text in words])


def forget_words(session: Session, message_ids: Sequence[int]) -> None:
    """Messages are found no more."""
    key = "rowid" if session.connection().dialect.name == "sqlite" else "message_id"
    statement = sa.text(f"DELETE FROM message_words WHERE {key} = :id")  # noqa: S608 - one of two words of ours
    for number in message_ids:
        session.connection().execute(statement, {"id": number})


def _indexed(text: str, connection: sa.Connection) -> str:
    plain = folded_words(text)
    if connection.dialect.name == "sqlite":
        return plain
    # array_to_tsvector refuses empty words, and wants each once.
    return " ".join(dict.fromkeys(plain.split())) or "\u2400"


def search_messages(session: Session, words: str, limit: int = 50) -> list[int]:
    """The ids of messages that have all the words, the last one also as a beginning; the newest first."""
    wanted = folded_words(words).split()[:_MAX_WANTED]
    if not wanted:
        return []
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        query = " ".join(f'"{word}"' for word in wanted) + "*"
        statement = "SELECT rowid FROM message_words WHERE message_words MATCH :query ORDER BY rowid DESC LIMIT :limit"
    else:
        query = " & ".join(f"'{word}'" for word in wanted) + ":*"
        statement = (
            "SELECT message_id FROM message_words WHERE words @@ CAST(:query AS tsquery)"
            " ORDER BY message_id DESC LIMIT :limit"
        )
    return list(connection.execute(sa.text(statement), {"query": query, "limit": limit}).scalars())
