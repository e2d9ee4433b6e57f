"""What people type to find tickets: words, "phrases", beginnings* and filters like `from:maria before:2026-03-01`.

Whole words come before words that only begin so. What stands in the subject comes first, then what stands in names of
people and files, then the rest; within each the newest message first. Both databases find the same.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config.errors import AskedWrongly
from storage.agents import find_agent
from storage.columns import table_of
from storage.messages import Message
from storage.queues import find_queue
from storage.search import AUTHOR, FILES, SUBJECT, Term, folded_words, matching
from storage.tags import TicketTag, canonical_tag
from storage.tickets import Priority, Status, Ticket

_PART = re.compile(r'(?:([a-z]+):)?("[^"]*"|\S+)', re.IGNORECASE)
_FIELDS = {"subject": SUBJECT, "from": AUTHOR, "file": FILES}
_FILTERS = ("queue", "status", "priority", "tag", "assignee", "customer", "before", "after")
# FTS5 refuses an expression that is nested too deeply; nobody remembers more words of a mail.
_MAX_WORDS = 64
# A phrase of so many words is found like the whole: more of them only cost.
_RANKS: tuple[tuple[str, ...], ...] = ((SUBJECT,), (AUTHOR, FILES), ("",))
_AROUND = 8
_RECENT = 8000
_MESSAGE = table_of(Message)


@dataclass(frozen=True, slots=True)
class Query:
    """What was typed: terms that must all be there, and filters with their values."""

    terms: tuple[Term, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    is_open: bool = False  # the last word may go on: somebody is still typing it


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found, with the words around the first place."""

    message_id: int
    ticket: int
    ref: str
    snippet: str


def parse_query(typed: str) -> Query:
    """Read what somebody typed. A word before a colon that is no filter is a word like any other."""
    terms: list[Term] = []
    filters: list[tuple[str, str]] = []
    for name, value in _PART.findall(typed):
        key, plain = name.lower(), value.strip('"')
        if key in _FILTERS:
            filters.append((key, plain))
        elif key in _FIELDS or not name:
            terms += _terms(plain, _FIELDS.get(key, ""), is_phrase=value.startswith('"'), is_begun=value.endswith("*"))
        else:
            terms += _terms(f"{name} {plain}", "", is_phrase=False, is_begun=value.endswith("*"))
    terms = terms[:_MAX_WORDS]
    is_open = bool(terms) and not typed.rstrip().endswith('"') and _ends_in_word(typed) and not terms[-1].is_begun
    if is_open:
        terms[-1] = replace(terms[-1], is_begun=True)
    return Query(tuple(terms), tuple(filters), is_open)


def _terms(text: str, field: str, *, is_phrase: bool, is_begun: bool) -> list[Term]:
    words = folded_words(text)[:_MAX_WORDS]
    if not words:
        return []
    if is_phrase:
        return [Term(tuple(words), field)]
    terms = [Term((word,), field) for word in words]
    return [*terms[:-1], replace(terms[-1], is_begun=is_begun)]


def _ends_in_word(typed: str) -> bool:
    """The last part is a word or a field with a word, not a filter."""
    *_, (name, _value) = _PART.findall(typed)
    return name.lower() not in _FILTERS


def search_messages(session: Session, typed: str, limit: int = 50) -> list[int]:
    """The numbers of the messages that were meant, the best first. Raises AskedWrongly or NotFound for a filter."""
    query = parse_query(typed)
    conditions = [condition for key, value in query.filters for condition in _condition(session, key, value)]
    if not query.terms:
        return list(session.connection().execute(_newest(conditions, limit)).scalars()) if conditions else []
    found: dict[int, None] = {}
    for terms in _readings(query):
        for field in (field for fields in _ranks(terms) for field in fields):
            found |= dict.fromkeys(_matching(session, [term.within(field) for term in terms], conditions, limit))
            if len(found) >= limit:
                return list(found)[:limit]
    return list(found)


def _readings(query: Query) -> list[tuple[Term, ...]]:
    """The words as they stand, then with the last one as the beginning of a longer word.

    A beginning gathers whatever goes on so, and SQLite reads all of it before it knows the newest; whole words are
    found at once, and mostly are enough.
    """
    if not query.is_open:
        return [query.terms]
    *before, last = query.terms
    return [(*before, replace(last, is_begun=False)), query.terms]


def _ranks(terms: Sequence[Term]) -> tuple[tuple[str, ...], ...]:
    """Where to look first; terms that all name their field stand there already."""
    return _RANKS if any(not term.field for term in terms) else (("",),)


def _matching(
    session: Session, terms: Sequence[Term], conditions: Sequence[sa.ColumnElement[bool]], limit: int
) -> Iterator[int]:
    match = matching(session, terms)
    found = sa.select(match.number.label("number")).select_from(match.table).where(match.condition)
    if match.is_newest_first:
        query = found.where(*conditions)
        if conditions:
            query = query.join(Message, col(Message.id) == match.number).join(
                Ticket, col(Ticket.id) == Message.ticket_id
            )
        yield from session.connection().execute(query.order_by(match.number.desc()).limit(limit)).scalars()
        return
    # PostgreSQL cannot tell a rare word from a frequent one: it would read all messages backwards to find a hundred
    # of a word that stands in three. So it looks among the newest first; for what is rare there, the index is quick.
    recent = found.where(match.number > sa.select(sa.func.max(_MESSAGE.c.id) - _RECENT).scalar_subquery())
    page = list(_page(session, recent, conditions, limit))
    yield from page if len(page) >= limit else _page(session, found, conditions, limit)


def _page(
    session: Session, found: sa.Select[int], conditions: Sequence[sa.ColumnElement[bool]], limit: int
) -> Iterator[int]:
    """The newest of those that were found, and that the filters let through."""
    all_found = found.cte("found").prefix_with("MATERIALIZED", dialect="postgresql")
    query = sa.select(all_found.c.number).where(*conditions)
    if conditions:
        query = query.join(Message, col(Message.id) == all_found.c.number)
        query = query.join(Ticket, col(Ticket.id) == Message.ticket_id)
    yield from session.connection().execute(query.order_by(all_found.c.number.desc()).limit(limit)).scalars()


def _newest(conditions: Sequence[sa.ColumnElement[bool]], limit: int) -> sa.Select[int]:
    query = sa.select(col(Message.id)).join(Ticket, col(Ticket.id) == Message.ticket_id).where(*conditions)
    return query.order_by(col(Message.id).desc()).limit(limit)


def _condition(session: Session, key: str, value: str) -> list[sa.ColumnElement[bool]]:
    if key == "queue":
        return [col(Ticket.queue_id) == find_queue(session, value).number]
    if key == "status":
        return [col(Ticket.status) == _word(Status, key, value)]
    if key == "priority":
        return [col(Ticket.priority) == _word(Priority, key, value)]
    if key == "tag":
        return [col(Ticket.id).in_(select(TicketTag.ticket_id).where(TicketTag.tag == canonical_tag(value)))]
    if key == "assignee":
        nobody = value.lower() == "nobody"
        return [col(Ticket.assignee_id) == (None if nobody else find_agent(session, value).id)]
    if key == "customer":
        return [col(Ticket.customer_address) == value.lower()]
    moment = _day(key, value)
    return [col(Message.filed_at) < moment if key == "before" else col(Message.filed_at) >= moment]


def _word(words: type[Status] | type[Priority], key: str, value: str) -> str:
    if value.lower() not in tuple(words):
        raise AskedWrongly(f"{key}: {value!r} is none of {', '.join(words)}")
    return value.lower()


def _day(key: str, value: str) -> datetime:
    """The beginning of a day in UTC; `after` means after it."""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise AskedWrongly(f"{key}: {value!r} is no date like 2026-03-01") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1 if key == "after" else 0)


def hits(session: Session, typed: str, numbers: Sequence[int]) -> list[Hit]:
    """These messages with the place that was found, in their order."""
    columns = sa.select(_MESSAGE.c.id, _MESSAGE.c.ticket_id, _MESSAGE.c.position, _MESSAGE.c.subject, _MESSAGE.c.text)
    found = session.connection().execute(columns.where(_MESSAGE.c.id.in_(numbers)))
    rows = {row.id: row for row in found}
    terms = parse_query(typed).terms
    return [
        Hit(row.id, row.ticket_id, f"{row.ticket_id}.{row.position}", snippet(row.text, terms) or row.subject)
        for row in (rows[number] for number in numbers if number in rows)
    ]


def snippet(text: str, terms: Sequence[Term]) -> str:
    """The words around the first place where one of the terms stands; empty when none does."""
    words = text[:100_000].split()
    wanted = [(term.words[0], term.is_begun and len(term.words) == 1) for term in terms]
    for place, word in enumerate(words):
        folded = folded_words(word)
        if any(one == found or (begun and one.startswith(found)) for one in folded for found, begun in wanted):
            start, end = max(0, place - _AROUND), place + _AROUND + 1
            before, after = "... " if start else "", " ..." if end < len(words) else ""
            return before + " ".join(words[start:end])[:300] + after
    return ""
