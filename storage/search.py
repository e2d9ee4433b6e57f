"""The words of messages: FTS5 on SQLite, tsvector on PostgreSQL. What people type is read in `storage.finding`.

Accents are folded here, before either database sees the words, so that both find the same and PostgreSQL needs
no extension. Everything is quoted: no operator of either engine gets through. Words of the subject, the author
and the names of files stand in the index a second time, with a sign in front, so that one look-up finds them.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa
from sqlalchemy.types import UserDefinedType
from sqlmodel import Session

from storage.driver import on_driver

_WORD = re.compile(r"[^\W_]+")
# The same for text in ASCII, at an eighth of the cost: what is no part of a word becomes a blank.
_DIVIDED = bytes(code if _WORD.fullmatch(chr(code)) else ord(" ") for code in range(128)) + bytes(128)
_MAX_INDEXED = 100_000
_MAX_WORD = 100
# No letters nor digits, so that no word begins so; FTS5's tokenizer takes them for parts of a word.
SUBJECT, AUTHOR, FILES, _BREAK = "\u00a7", "\u00b6", "\u00a4", "\u241e"
# What a tsvector keeps of a word, and the last place that it can tell.
_MAX_PLACES, _LAST_PLACE = 255, 16383

# The tokenizer `ascii` takes the words as they were divided here; FTS5's own idea of a letter is another one.
SQLITE_TABLE = (
    "CREATE VIRTUAL TABLE message_words USING fts5(words, content='', contentless_delete=1, tokenize='ascii')"
)
POSTGRES_TABLE = "CREATE TABLE message_words (message_id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)"
POSTGRES_INDEX = "CREATE INDEX ix_message_words_words ON message_words USING GIN (words)"
_TABLE = sa.table("message_words")


class TSQUERY(UserDefinedType[str]):
    """PostgreSQL's type of a search; its dialect's module is slow to import."""

    cache_ok = True

    def get_col_spec(self, **_more: object) -> str:
        """The name of the type."""
        return "tsquery"


def folded_words(text: str) -> list[str]:
    """The words of a text in lower case without accents."""
    plain = text[:_MAX_INDEXED].casefold()
    if not plain.isascii():
        # Signs like the squared "TEL" are capitals again once they are decomposed, and grow: PostgreSQL
        # refuses words of more than a megabyte for one message.
        plain = unicodedata.normalize("NFKD", plain).translate(_accents()).casefold()[:_MAX_INDEXED]
    words = plain.encode().translate(_DIVIDED).decode().split() if plain.isascii() else _WORD.findall(plain)
    return words if max(map(len, words), default=0) <= _MAX_WORD else [word[:_MAX_WORD] for word in words]


@cache
def _accents() -> dict[int, None]:
    """Combining marks of every script, taken away after decomposition. Looking for them takes a while."""
    return dict.fromkeys(code for code in range(0x300, 0x1E900) if unicodedata.combining(chr(code)))


@dataclass(frozen=True, slots=True)
class Indexed:
    """What of a message is found. `author`, `subject` and `files` are also found as such."""

    text: str
    subject: str = ""
    author: str = ""
    people: str = ""
    files: str = ""

    def words(self) -> list[str]:
        """All words in one row: a phrase does not reach from one part into the next."""
        subject, author, files = folded_words(self.subject), folded_words(self.author), folded_words(self.files)
        row: list[str] = []
        for words in (subject, folded_words(self.text), author, folded_words(self.people), files):
            row += words
            row.append(_BREAK)
        for field, words in ((SUBJECT, subject), (AUTHOR, author), (FILES, files)):
            row += [field + word for word in words]
            row.append(_BREAK)
        return row


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand beside each other, of one field when it has one; `is_begun`: the last one may go on."""

    words: tuple[str, ...]
    field: str = ""
    is_begun: bool = False

    def within(self, field: str) -> "Term":
        """The same words, of a field."""
        return Term(self.words, self.field or field, self.is_begun)


def index_messages(session: Session, messages: Sequence[tuple[int, Indexed]]) -> None:
    """Remember the words of messages, given by their numbers."""
    if not messages:
        return
    connection = session.connection()
    numbers, words = [number for number, _ in messages], [indexed.words() for _, indexed in messages]
    if connection.dialect.name == "sqlite":
        rows = list(zip(numbers, map(" ".join, words), strict=True))
        on_driver(connection, "executemany", _SQLITE_INSERT, rows)
    else:
        on_driver(connection, "execute", _POSTGRES_INSERT, (numbers, [_tsvector(one) for one in words]))


_SQLITE_INSERT = "INSERT INTO message_words (rowid, words) VALUES (?, ?)"
_POSTGRES_INSERT = (
    "INSERT INTO message_words SELECT rows.id, CAST(rows.words AS tsvector) "
    "FROM unnest(%b::bigint[], %b::text[]) AS rows(id, words)"
)


def _tsvector(words: Sequence[str]) -> str:
    """The text form of a tsvector. PostgreSQL's own parser divides words by the locale of the database; we did."""
    places: dict[str, list[str]] = {}
    for place, word in zip(_places(len(words)), words, strict=True):
        if word in places:
            places[word].append(place)
        else:
            places[word] = [place]
    return " ".join([f"'{word}':{','.join(found[:_MAX_PLACES])}" for word, found in places.items()])


def _places(count: int) -> list[str]:
    """The places of so many words, as they are written; all that lie too far back are one."""
    return [*map(str, range(1, min(count, _LAST_PLACE) + 1)), *[str(_LAST_PLACE)] * (count - _LAST_PLACE)]


def forget_words(session: Session, numbers: Sequence[int]) -> None:
    """Take messages out of the index."""
    connection = session.connection()
    key = "rowid" if connection.dialect.name == "sqlite" else "message_id"
    statement = sa.delete(_TABLE).where(sa.literal_column(key).in_(sa.bindparam("numbers", expanding=True)))
    connection.execute(statement, {"numbers": list(numbers)})


@dataclass(frozen=True, slots=True)
class Matching:
    """Pieces of a query for the messages that have some terms: their number, their table and the condition."""

    number: sa.ColumnElement[int]
    table: sa.FromClause
    condition: sa.ColumnElement[bool]
    is_newest_first: bool  # the index itself has that order, so that reading it may stop early


def matching(session: Session, terms: Sequence[Term]) -> Matching:
    """What has all the terms, in the words of the database."""
    if session.connection().dialect.name == "sqlite":
        wanted = " ".join(_sqlite_term(term) for term in terms)
        found = sa.literal_column("message_words").op("MATCH", is_comparison=True)(sa.literal(wanted))
        return Matching(sa.literal_column("message_words.rowid", sa.Integer), _TABLE, found, is_newest_first=True)
    wanted = " & ".join(_postgres_term(term) for term in terms)
    found = sa.literal_column("message_words.words").op("@@", is_comparison=True)(sa.cast(sa.literal(wanted), TSQUERY))
    return Matching(sa.literal_column("message_words.message_id", sa.Integer), _TABLE, found, is_newest_first=False)


def _sqlite_term(term: Term) -> str:
    phrase = " ".join(term.field + word for word in term.words)
    return f'"{phrase}"' + ("*" if term.is_begun else "")


def _postgres_term(term: Term) -> str:
    quoted = [f"'{term.field}{word}'" for word in term.words]
    if term.is_begun:
        quoted[-1] += ":*"
    return "(" + " <-> ".join(quoted) + ")"
