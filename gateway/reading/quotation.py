"""What is new in an answer: the text without the mails that it quotes and without its signature.

A view only: the whole text is kept beside it. Where quotation and new text alternate the context is kept, and
where little or nothing would be left and the evidence is weak, the whole text is the answer. One pass over
the lines, with a bounded look at each: time grows as the text does. RFC 3676 sections 4.3 (signatures)
and 4.5 (quotation); the rest is what clients do. Where HTML tells the quotation, `quoted_html` reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise, takewhile
from typing import Final

from gateway.reading.attribution import attribution_within, read_attribution, read_bare_attribution
from gateway.reading.initials import with_plain_marks
from gateway.reading.labels import Label, is_reply_marker
from gateway.reading.quoted_header import (
    is_forward_separator,
    is_framed,
    is_original_separator,
    is_quoted,
    is_rule,
    label_of,
    may_introduce,
    read_block,
    visible,
)
from gateway.reading.quoted_html import quoted_line
from gateway.reading.signature import is_device_line, postscript, signature_begins
from gateway.reading.unknown_header import read_unknown_block

MAX_TEXT: Final = 1_000_000
MAX_LINES: Final = 20_000
MIN_SHARE: Final = 0.2
_BLANKS: Final = "\n\r\ufeff \t"
MAX_TO_MARKER: Final = 8  # lines between an attribution and our marker
MAX_LABELS: Final = 5  # lines with labels above an attribution
MAX_BLANK: Final = 400  # a longer line says something
WRAPPED: Final = 55  # a quoted line at least so long may have spilled into the next one


class Sort(Enum):
    """What a line is."""

    BLANK = 0
    NEW = 1
    QUOTED = 2


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the earlier mail begins, and whether that is beyond doubt."""

    line: int
    certain: bool
    end: int = 0  # up to here it was forwarded, and is new to us


def reply_text(text: str, html: str | None) -> str:
    """What is new in this text; the whole text where that cannot be told."""
    lines = text[:MAX_TEXT].split("\n")
    is_long = len(text) > MAX_TEXT or len(lines) > MAX_LINES
    lines = lines[:MAX_LINES]
    marked = with_plain_marks(lines)
    cut = _first_cut(marked, quoted_line(lines, html))
    if is_long and (cut.end or cut.line == len(lines)):
        return text  # nothing says that what was not looked at is old
    sorts = _sorts(marked[: cut.line])
    kept = [*_without_signature(_without_quotation(lines, sorts)), *_postscript(lines, sorts)]
    forwarded = ["", *lines[cut.line : cut.end]]
    new = "\n".join([*kept, *forwarded]).strip(_BLANKS)
    return new if _is_enough(new, text, certain=cut.certain) else text.strip(_BLANKS)


def _is_enough(new: str, text: str, *, certain: bool) -> bool:
    """A short answer over a long quotation is common; it is doubted only where the cut is."""
    if not any(letter.isalnum() for letter in new) and not any(ord(letter) > 0x2000 for letter in new):
        return False
    return certain or len(new) >= MIN_SHARE * len(text)


def _first_cut(lines: Sequence[str], structural: int | None) -> Cut:
    """The first line that belongs to an earlier mail up to the end of the text."""
    end = len(lines) if structural is None else structural
    for at in range(end):
        line = lines[at]
        if not may_introduce(line):
            continue
        if is_reply_marker(line):
            return Cut(_above(lines, at), True)
        if is_forward_separator(line) and _is_forwarded(lines, at):
            return Cut(at, True, end=len(lines))
        found = _introduction(lines, at)
        if found is not None:
            return found
    if structural is not None and structural < len(lines):
        return Cut(_above(lines, structural), True)
    return Cut(len(lines), True)


def _is_forwarded(lines: Sequence[str], at: int) -> bool:
    """Apple marks a forwarded mail as quoted; a forward within what is answered stands below other quoted lines."""
    if not is_quoted(lines[at]):
        return True
    above = _before(lines, at) - 1
    return above < 0 or not (is_quoted(lines[above]) or read_attribution(lines, above))


def _introduction(lines: Sequence[str], at: int) -> Cut | None:
    """Does an earlier mail begin here that goes on to the end?"""
    line = lines[at]
    if is_original_separator(line):
        return Cut(_before(lines, at), True)
    if is_quoted(line):
        return None
    found = label_of(line)
    if found is not None and found[0] in (Label.FROM, Label.DATE, Label.SUBJECT, Label.TO):
        block = read_block(lines, at)
        if not block.introduces or (found[0] is not Label.FROM and not block.is_certain):
            return None
        return Cut(_above(lines, at), block.is_certain or is_rule(_line_above(lines, at)))
    if found is None and read_unknown_block(lines, at).is_certain:
        return Cut(_before(lines, at), True)
    return _unmarked_attribution(lines, at)


def _unmarked_attribution(lines: Sequence[str], at: int) -> Cut | None:
    """Who wrote and when, above lines that nobody marked as quoted."""
    if attribution_within(lines[at]) is not None:
        return Cut(_before(lines, at), True)
    attribution = read_attribution(lines, at)
    if attribution is None or not attribution.is_certain or _next_is_quoted(lines, at):
        return None
    is_certain = "@" in attribution.words or any(map(is_reply_marker, lines[at + 1 : at + MAX_TO_MARKER]))
    return Cut(_before(lines, _without_labels(lines, attribution.begin)), is_certain)


def _without_labels(lines: Sequence[str], at: int) -> int:
    """Yandex writes a rule, to whom and about what above the attribution."""
    begin = at
    while begin > 0 and at - begin < MAX_LABELS and label_of(lines[begin - 1]) is not None:
        begin -= 1
    return begin if 0 < begin < at and is_rule(lines[begin - 1]) else at


def _next_is_quoted(lines: Sequence[str], at: int) -> bool:
    """Is the next line that says anything marked as quoted?"""
    for line in lines[at + 1 : at + 6]:
        if visible(line[:80]).strip():
            return is_quoted(line)
    return False


def _line_above(lines: Sequence[str], at: int) -> str:
    return next((line for line in reversed(lines[max(0, at - 3) : at]) if visible(line[:80]).strip()), "")


def _before(lines: Sequence[str], at: int) -> int:
    """The end of what stands above, without blank lines and the rule of the client."""
    while at > 0 and (not visible(lines[at - 1][:80]).strip() or is_rule(lines[at - 1])):
        at -= 1
    return at


def _above(lines: Sequence[str], at: int) -> int:
    """The end of what stands above, without the line that introduces what is cut."""
    end = _before(lines, at)
    if end > 0 and is_framed(lines[end - 1]):
        return _before(lines, end - 1)
    attribution = read_attribution(lines, end - 1) if end > 0 else None
    return end if attribution is None else _before(lines, attribution.begin)


def _sorts(lines: Sequence[str]) -> list[Sort]:
    """What each line is; an attribution above quoted lines is quoted too."""
    sorts = [_sort(line) for line in lines]
    if Sort.QUOTED not in sorts:
        return sorts
    below = Sort.BLANK
    for at in range(len(sorts) - 1, -1, -1):
        sort = sorts[at]
        if sort is Sort.NEW and below is Sort.QUOTED:
            _mark_introduction(lines, sorts, at)
        if sort is Sort.NEW and _is_spilled(lines, sorts, at):
            sorts[at] = Sort.QUOTED
        if sort is not Sort.BLANK:
            below = sort
    return sorts


def _sort(line: str) -> Sort:
    if line[:1].isalnum():
        return Sort.NEW
    if is_quoted(line):
        return Sort.QUOTED
    return Sort.NEW if len(line) > MAX_BLANK or visible(line).strip() else Sort.BLANK


def _mark_introduction(lines: Sequence[str], sorts: list[Sort], at: int) -> None:
    first = next((place + 1 for place in range(at, max(-1, at - 4), -1) if sorts[place] is not Sort.NEW), 0)
    attribution = read_attribution(lines, at, first) or read_bare_attribution(lines, at, first)
    if attribution is not None:
        begin = _without_labels(lines, attribution.begin)
        sorts[begin : at + 1] = [Sort.QUOTED] * (at + 1 - begin)


def _is_spilled(lines: Sequence[str], sorts: Sequence[Sort], at: int) -> bool:
    """A client that folds quoted lines leaves a bit of each without its mark."""
    between = 0 < at < len(sorts) - 1 and sorts[at - 1] is Sort.QUOTED is sorts[at + 1]
    return between and len(lines[at - 1]) >= WRAPPED and len(lines[at]) < WRAPPED and is_quoted(lines[at - 1])


def _without_quotation(lines: Sequence[str], sorts: Sequence[Sort]) -> list[str]:
    """New text alone, or with the quotations between where somebody answers point by point."""
    end = len(sorts)
    signed = signature_begins(lines[:end]) if Sort.NEW in sorts else None
    while end > 0 and (sorts[end - 1] is not Sort.NEW or _is_foot(lines, sorts, end, signed)):
        end -= 1
    if Sort.QUOTED not in sorts[:end] or _answered_quotations(sorts[:end]) >= 2:
        return list(lines[:end])
    return _without_quoted(lines[:end], sorts[:end])


def _without_quoted(lines: Sequence[str], sorts: Sequence[Sort]) -> list[str]:
    """The blank lines on both sides of what is left out become one."""
    kept: list[str] = []
    above, is_gap = Sort.BLANK, False
    for line, sort in zip(lines, sorts, strict=True):
        if sort is Sort.QUOTED:
            is_gap = True
        elif not (is_gap and sort is above is Sort.BLANK):
            kept.append(line)
            above, is_gap = sort, is_gap and sort is Sort.BLANK
    return kept


def _is_foot(lines: Sequence[str], sorts: Sequence[Sort], end: int, signed: int | None) -> bool:
    """The signature, or the rule that a client sets above what it quotes."""
    return (signed is not None and end > signed) or (end < len(sorts) and is_rule(lines[end - 1]))


def _answered_quotations(sorts: Sequence[Sort]) -> int:
    """How many quotations have new text below them."""
    shown = [sort for sort in sorts if sort is not Sort.BLANK]
    return sum(sort is Sort.QUOTED and after is Sort.NEW for sort, after in pairwise(shown))


def _postscript(lines: Sequence[str], sorts: Sequence[Sort]) -> list[str]:
    """What somebody added below his signature."""
    begin = signature_begins(lines[: len(sorts)]) or len(sorts)
    below = takewhile(lambda at: sorts[at] is not Sort.QUOTED, range(begin, len(sorts)))
    return postscript([lines[at] for at in below])


def _without_signature(lines: Sequence[str]) -> list[str]:
    begin = signature_begins(lines)
    kept = lines if begin is None else lines[:begin]
    return [line for at, line in enumerate(kept) if not (_stands_alone(kept, at) and is_device_line(line))]


def _stands_alone(lines: Sequence[str], at: int) -> bool:
    """The line of a device is a paragraph of its own, or the last line."""
    return at == 0 or at == len(lines) - 1 or not lines[at - 1] or lines[at - 1].isspace()
