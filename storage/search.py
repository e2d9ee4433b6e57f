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

_WORD = re.compile(r"[^\W_]+")
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


def folded_words(text: str) -> str:
    """The words of a text in lower case without accents, with blanks between them."""
    plain = text[:_MAX_INDEXED].casefold()
    if not plain.isascii():
        # Signs like the squared "TEL" are capitals again once they are decomposed, and grow: PostgreSQL
        # refuses words of more than a megabyte for one message.
        plain = unicodedata.normalize("NFKD", plain).translate(_accents()).casefold()[:_MAX_INDEXED]
    return " ".join(word[:_MAX_WORD] for word in _WORD.findall(plain))


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
        parts = (self.subject, self.text, self.author, self.people, self.files)
        row = [word for part in parts for word in (*folded_words(part).split(), _BREAK)]
        for field, part in ((SUBJECT, self.subject), (AUTHOR, self.author), (FILES, self.files)):
            row += [*(field + word for word in folded_words(part).split()), _BREAK]
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
    is_sqlite = connection.dialect.name == "sqlite"
    statement = _SQLITE_INSERT if is_sqlite else _POSTGRES_INSERT
    written = " ".join if is_sqlite else _tsvector
    connection.execute(statement, [{"id": number, "words": written(words.words())} for number, words in messages])


_SQLITE_INSERT = sa.text("INSERT INTO message_words (rowid, words) VALUES (:id, :words)")
_POSTGRES_INSERT = sa.text("INSERT INTO message_words VALUES (:id, CAST(:words AS tsvector))")


def _tsvector(words: Sequence[str]) -> str:
    """The text form of a tsvector. PostgreSQL's own parser divides words by the locale of the database; we did."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(words, start=1):
        known = places.setdefault(word, [])
        if len(known) < _MAX_PLACES:
            known.append(min(place, _LAST_PLACE))
    return " ".join(f"'{word}':{','.join(map(str, found))}" for word, found in places.items())


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


def matching(session: Session, terms: Sequence[Term]) -> Matching:
    """What has all the terms, in the words of the database."""
    if session.connection().dialect.name == "sqlite":
        wanted = " ".join(_sqlite_term(term) for term in terms)
        found = sa.literal_column("message_words").op("MATCH", is_comparison=True)(sa.literal(wanted))
        return Matching(sa.literal_column("message_words.rowid", sa.Integer), _TABLE, found)
    wanted = " & ".join(_postgres_term(term) for term in terms)
    found = sa.literal_column("message_words.words").op("@@", is_comparison=True)(sa.cast(sa.literal(wanted), TSQUERY))
    return Matching(sa.literal_column("message_words.message_id", sa.Integer), _TABLE, found)


def _sqlite_term(term: Term) -> str:
    phrase = " ".join(term.field + word for word in term.words)
    return f'"{phrase}"' + ("*" if term.is_begun else "")


def _postgres_term(term: Term) -> str:
    quoted = [f"'{term.field}{word}'" for word in term.words]
    if term.is_begun:
        quoted[-1] += ":*"
    return "(" + " <-> ".join(quoted) + ")"
