"""Header lines above a quoted mail in a language whose labels stand in no table.

What the lines hold tells what they are: a name with its address, another one, a time, and something else. The labels
that are known are read in `quoted_header`; this is asked where that finds none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gateway.reading.labels import LABELS, Label, folded
from gateway.reading.quoted_header import Block, is_instant, read_block, visible

MAX_LABEL: Final = 30
MAX_WORDS: Final = 4
MAX_ROWS: Final = 8
MIN_ROWS: Final = 4

_MARKS: Final = " \t*_|>"
_PERSON: Final = re.compile(r"[^<>]{0,200}<[^<>@\s]{1,64}@[^<>@\s]{1,255}>")


def read_unknown_block(lines: Sequence[str], start: int) -> Block:
    """The header lines from here on, by what they hold; a block without fields where it is none."""
    nothing = Block({}, start)
    if "@" not in lines[start]:
        return nothing
    rows: list[str] = []
    for line in lines[start : start + MAX_ROWS]:
        value = _value(line)
        if value is None:
            break
        rows.append(value)
    people = [value for value in rows if _PERSON.match(value)]
    dates = [value for value in rows if is_instant(value) and value not in people]
    others = [value for value in rows if value not in people and value not in dates]
    if len(rows) < MIN_ROWS or rows[0] not in people or not (len(people) > 1 and len(dates) == 1 and others):
        return nothing
    fields = {Label.FROM: people[0], Label.TO: people[1], Label.DATE: dates[0], Label.SUBJECT: others[-1]}
    if len(people) > 2:
        fields[Label.CC] = people[2]
    return Block(fields, start + len(rows))


def read_bare_block(lines: Sequence[str], start: int) -> Block:
    """The header lines of eM Client, which stand below a separator and have no colon: `From "Ann" <ann@x.y>`."""
    written = [_with_colon(line) for line in lines[start : start + MAX_ROWS]]
    block = read_block(written, 0)
    return Block(block.fields, start + block.end)


def _with_colon(line: str) -> str:
    label, _, value = visible(line).strip(_MARKS).partition(" ")
    return f"{label}: {value}" if folded(label) in LABELS else line


def _value(line: str) -> str | None:
    """What stands behind a short label."""
    label, colon, value = visible(line).lstrip(_MARKS).partition(":")
    if not colon or not 0 < len(label) <= MAX_LABEL or len(label.split()) > MAX_WORDS:
        return None
    return value.strip(" \t*_|") if any(map(str.isalpha, label)) and not any(map(str.isdigit, label)) else None
