"""A condition of a rule: `subject contains offer`, `not from equals boss@client.example`, `size over 5MB`.

Read when it is written, so that a wrong one is refused then, and read again from the same words when it is asked.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from config.errors import AskedWrongly
from gateway.intake.rules.facts import TEXTS, TRUTHS, Facts
from gateway.intake.rules.hours import parse_hours
from gateway.intake.rules.pattern import compile_pattern
from gateway.reading.authenticity import Identity
from gateway.reading.mail import Kind

_HEADER = re.compile(r"header:[!-9;-~]{1,100}", re.IGNORECASE)
_SIZE = re.compile(r"(\d{1,9})\s*(|b|kb|mb)")
_UNITS = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20}
_TEXT_OPS = ("equals", "contains", "matches")
# Words that have their own list of values.
_CHOICES: Mapping[str, tuple[str, ...]] = {"kind": tuple(Kind), "authenticity": tuple(Identity)}
FIELDS = (*TEXTS, "header:NAME", *TRUTHS, "size", "office-hours")
_MAX_VALUE = 1000

Holds = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as it was written, and the question that it asks."""

    words: str
    holds: Holds


@lru_cache(maxsize=2000)
def parse_condition(words: str) -> Condition:
    """Read a condition. Raises AskedWrongly and says what is wrong with it."""
    rest = words.strip()
    is_negated = rest.lower().startswith("not ")
    field, operator, value = _parts(rest[4:].strip() if is_negated else rest, words)
    holds = _question(field, operator, value)
    return Condition(words.strip(), (lambda facts: not holds(facts)) if is_negated else holds)


def _parts(text: str, words: str) -> tuple[str, str, str]:
    parts = text.split(None, 2)
    if len(parts) != 3:
        raise AskedWrongly(f"{words!r} is no condition: write FIELD OP VALUE, like `subject contains offer`")
    field, operator, value = parts[0].lower(), parts[1].lower(), parts[2].strip()
    if len(value) > _MAX_VALUE:
        raise AskedWrongly(f"The value of a condition has {_MAX_VALUE} characters at most")
    return field, "equals" if operator == "is" else operator, value.strip('"') or value


def _question(field: str, operator: str, value: str) -> Holds:
    if field in _CHOICES:
        _one_of(field, operator, ("equals",))
        _one_of(f"{field} equals", value.lower(), _CHOICES[field])
    if field in TRUTHS:
        _one_of(field, operator, ("equals",))
        wanted = _one_of(f"{field} equals", value.lower(), ("yes", "no")) == "yes"
        return lambda facts: TRUTHS[field](facts) is wanted
    if field in TEXTS:
        return _text_question(TEXTS[field], _one_of(field, operator, _TEXT_OPS), value)
    if _HEADER.fullmatch(field):
        name = field.partition(":")[2]
        return _text_question(lambda facts: facts.mail.header_all(name), _one_of(field, operator, _TEXT_OPS), value)
    if field == "size":
        return _size_question(_one_of(field, operator, ("over", "under")), value)
    if field == "office-hours":
        _one_of(field, operator, ("equals",))
        spans = parse_hours(value)
        return lambda facts: any(span.holds(facts.received) for span in spans)
    raise AskedWrongly(f"{field!r} is none of {', '.join(FIELDS)}")


def _one_of(what: str, word: str, choice: tuple[str, ...]) -> str:
    if word not in choice:
        raise AskedWrongly(f"{what}: {word!r} is none of {', '.join(choice)}")
    return word


def _text_question(values: Callable[[Facts], list[str]], operator: str, value: str) -> Holds:
    if operator == "matches":
        pattern = compile_pattern(value)
        return lambda facts: any(pattern.search(text) for text in values(facts))
    wanted = value.casefold()
    if operator == "contains":
        return lambda facts: any(wanted in text.casefold() for text in values(facts))
    return lambda facts: any(wanted == text.strip().casefold() for text in values(facts))


def _size_question(operator: str, value: str) -> Holds:
    found = _SIZE.fullmatch(value.lower())
    if found is None:
        raise AskedWrongly(f"{value!r} is no size: write 500KB or 5MB")
    limit = int(found[1]) * _UNITS[found[2]]
    return (lambda facts: facts.size > limit) if operator == "over" else (lambda facts: facts.size < limit)
