"""Where a mail that was forwarded by hand begins: its separator, its header lines and the first line of its text.

A separator says so by itself; what answers have too (header lines, an attribution) is one of a forward only where the
subject says so. What then stands in those lines is read in `forward`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.reading.attribution import Attribution, read_attribution
from gateway.reading.labels import Label
from gateway.reading.quoted_header import (
    Block,
    core,
    is_forward_separator,
    is_framed,
    is_original_separator,
    is_quoted,
    is_rule,
    label_of,
    may_introduce,
    read_block,
    unquoted,
    visible,
)
from gateway.reading.separators import FORWARDED
from gateway.reading.unknown_header import read_bare_block, read_unknown_block
from gateway.reading.written_people import ADDRESS

MAX_NOTE_LINES: Final = 2_000  # a forwarded mail that begins later is not looked for
MAX_BLANKS: Final = 4  # between a separator and the header lines below it


@dataclass(frozen=True, slots=True)
class Place:
    """Where a forwarded mail begins: the line of its separator, the first line of its body, and who wrote it."""

    separator: int
    body: int
    header: Block | Attribution


def find_place(lines: Sequence[str], first: int, *, is_forward: bool, is_answer: bool) -> Place | None:
    """The first introduction of another mail; whatever comes after the first belongs to that mail."""
    for at in range(first, min(len(lines), MAX_NOTE_LINES)):
        line = lines[at]
        if not may_introduce(line):
            continue
        if is_forward_separator(line) or _opens_with_separator(line):
            place = _below(lines, at)
            if place is not None:
                return place
        elif place := _unmarked(lines, at, first, is_forward=is_forward, is_answer=is_answer):
            return place
        elif not is_forward and _is_answer_from(lines, at, first):
            return None
    return None


def _unmarked(lines: Sequence[str], at: int, first: int, *, is_forward: bool, is_answer: bool) -> Place | None:
    """An introduction that does not say by itself that it is one of a forward."""
    place = _silent(lines, at, first) if is_forward else None
    return place if place is not None or is_answer else _unknown_separator(lines, at)


def _unknown_separator(lines: Sequence[str], at: int) -> Place | None:
    """`----- words -----` of a language that no table knows, above header lines that are beyond doubt."""
    if not is_framed(lines[at]) or is_rule(lines[at]) or is_original_separator(lines[at]):
        return None
    place = _below(lines, at)
    return place if place is not None and isinstance(place.header, Block) and place.header.is_certain else None


def _silent(lines: Sequence[str], at: int, first: int) -> Place | None:
    """An introduction that answers have too: only the subject says that this is a forward."""
    line = lines[at]
    if is_original_separator(line) or is_rule(line) or is_framed(line):
        return _below(lines, at) or _attribution_at(lines, at, at)
    if (found := label_of(unquoted(line))) and found[0] is not Label.OTHER:
        return _block_at(lines, at, at)
    return _unknown_at(lines, at) or _attribution_at(lines, at, first)


def _unknown_at(lines: Sequence[str], at: int) -> Place | None:
    block = read_unknown_block(lines, at)
    return Place(at, block.end, block) if block.introduces else None


def _attribution_at(lines: Sequence[str], at: int, first: int) -> Place | None:
    attribution = read_attribution(lines, at, first)
    if attribution is None or not attribution.is_certain or not ADDRESS.search(attribution.words):
        return None
    return Place(attribution.begin, at + 1, attribution)


def _is_answer_from(lines: Sequence[str], at: int, first: int) -> bool:
    """Here begins what is answered; a forward within it was made by somebody else."""
    line = lines[at]
    if is_original_separator(line):
        return True
    if (found := label_of(line)) and found[0] is Label.FROM and read_block(lines, at).is_certain:
        return True
    attribution = read_attribution(lines, at, first)
    return attribution is not None and (attribution.is_certain or any(map(is_quoted, lines[at + 1 : at + 3])))


def _opens_with_separator(line: str) -> bool:
    """Yahoo: `----- Forwarded Message ----- From: Ann <a@b.c>To: ...` in one line."""
    shown = visible(line).strip(" \t>")
    if not shown.startswith("---"):
        return False
    words, dashes, _ = shown.lstrip("- ").partition("--")
    return bool(dashes) and core(words) in FORWARDED


def _below(lines: Sequence[str], at: int) -> Place | None:
    """The header lines that follow a separator."""
    if not is_rule(lines[at]) and _opens_with_separator(lines[at]):
        after = visible(lines[at]).strip(" \t>").lstrip("- ").partition("--")[2].lstrip("- ")
        if after:
            return _block_at([*lines[:at], after, *lines[at + 1 : at + 60]], at, at)
    for start in range(at + 1, min(len(lines), at + 2 + MAX_BLANKS)):
        if visible(lines[start][:80]).strip(" \t>|"):
            return _block_at(lines, start, at) or _attribution_below(lines, start, at)
    return None


def _attribution_below(lines: Sequence[str], start: int, separator: int) -> Place | None:
    """Yandex writes who and when in one line below its separator."""
    place = _attribution_at(lines, start, start)
    return None if place is None else Place(separator, place.body, place.header)


def _block_at(lines: Sequence[str], start: int, separator: int) -> Place | None:
    window = list(map(unquoted, lines[start : start + 60])) if is_quoted(lines[start]) else lines[start : start + 60]
    # Without colons they count below a separator only: "To wait is hard" begins like one.
    readers = (read_block, read_unknown_block, read_bare_block)
    for read in readers if start > separator else readers[:2]:
        block = read(window, 0)
        if block.introduces:
            return Place(separator, start + block.end, block)
    return None
