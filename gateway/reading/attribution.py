"""The line that says who wrote what follows, and when: `On 5 March 2024 at 10:23, Ann <ann@x.y> wrote:`.

In some languages the author comes first, in others the time; some clients name no verb, others frame it with
dashes, and most fold it over several lines. Blocks of header lines are read in `quoted_header`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.reading.labels import ATTRIBUTION_BEGINS, WROTE, WROTE_LAST, folded
from gateway.reading.quoted_header import ATTRIBUTION_INSIDE, visible
from gateway.reading.written_people import ADDRESS

MAX_LINES: Final = 4
MAX_LENGTH: Final = 600
MAX_BARE: Final = 120
MAX_TAIL: Final = 80  # letters at the end of a line in which an address names who wrote

_FRAME: Final = " \t*_>-"  # Zimbra, Zoho and Notes set dashes around who wrote when
_ENDS: Final = (":", *WROTE_LAST)
_CLOCK: Final = re.compile(r"\d{1,2}\s?[:.h時时시點点]\s?\d{2}")
# The years of the Buddhist era too, which Thai programs count.
_DAY: Final = re.compile(r"(?<!\d)(?:19|20|25)\d{2}(?!\d)|\d{1,2}[./-]\s?\d{1,2}[./-]\s?\d{2}")


@dataclass(frozen=True, slots=True)
class Attribution:
    """Its words, folded, and the lines on which it begins and ends."""

    words: str
    begin: int
    end: int

    @property
    def is_certain(self) -> bool:
        """Says who, and when or by address: believed also where no line after it is marked as quoted."""
        has_day, has_clock = bool(_DAY.search(self.words)), bool(_CLOCK.search(self.words))
        return (has_day and has_clock) or ("@" in self.words and (has_day or has_clock))


def read_attribution(lines: Sequence[str], end: int, first: int = 0) -> Attribution | None:
    """The attribution whose last line is this one; lines before `first` are not part of it."""
    shown = visible(lines[end]).strip()
    last = shown.strip(_FRAME)
    if len(last) > MAX_LENGTH or not (last.endswith(_ENDS) or shown.endswith(("---", " >>>"))):
        return None
    begin = _beginning(lines, end, first)
    words = folded(" ".join(visible(line) for line in lines[begin : end + 1])[:MAX_LENGTH]).strip(_FRAME)
    return Attribution(words, begin, end) if _is_attribution(words) else None


def read_bare_attribution(lines: Sequence[str], end: int, first: int) -> Attribution | None:
    """Without a verb that is known, as can be told only where quoted lines follow: who, or when to the minute."""
    shown = visible(lines[end]).strip()
    if not shown.endswith((":", ")", "]")) or len(shown) > MAX_BARE or end != first:
        return None
    words = folded(shown).strip(_FRAME)
    names = ADDRESS.search(words[-MAX_TAIL:]) is not None and shown.endswith(":")
    return Attribution(words, end, end) if names or (_DAY.search(words) and _CLOCK.search(words)) else None


def attribution_within(line: str) -> Attribution | None:
    """`On Tue, Mar 5, 2024, Ann<ann@x.y> wrote:   It is done.`: with the quotation in the same line."""
    words, mark, _ = visible(line)[: 2 * MAX_LENGTH].partition(ATTRIBUTION_INSIDE)
    attribution = read_attribution((f"{words}:",), 0) if mark else None
    return attribution if attribution is not None and "@" in words and attribution.is_certain else None


def _is_attribution(words: str) -> bool:
    says = any(verb in words for verb in WROTE)
    dated = bool(_DAY.search(words))
    addressed = ADDRESS.search(words) is not None
    if says:
        return addressed or dated or len(words) < 80
    # Gmail in Russian and Japanese names time and author and has no verb.
    tail = words.rstrip(": >)*")
    return addressed and dated and bool(_CLOCK.search(words)) and tail[-60:].count("@") > 0


def _beginning(lines: Sequence[str], end: int, first: int) -> int:
    """Up to the line that begins like an attribution, or as far as its lines are folded."""
    lowest = max(first, end - MAX_LINES + 1)
    for begin in range(end, lowest - 1, -1):
        shown = visible(lines[begin]).strip(_FRAME)
        if not shown or (begin < end and _is_sentence(shown)):
            break
        if folded(shown.split(" ", 1)[0][:20]) in ATTRIBUTION_BEGINS and any(map(str.isdigit, shown[:80])):
            return begin
        if _DAY.search(shown[:80]) and _CLOCK.search(shown):
            return _unfolded(lines, begin, end, lowest)
    return _unfolded(lines, end, end, lowest)


def _is_sentence(shown: str) -> bool:
    return shown.endswith((":", ".", "!", "?")) and not _DAY.search(shown)


def _unfolded(lines: Sequence[str], begin: int, end: int, lowest: int) -> int:
    """Where the author comes first: up to the line that names him, when what is there so far does not."""
    has_author = any(ADDRESS.search(visible(line)) for line in lines[begin : end + 1])
    while begin > lowest:
        above = visible(lines[begin - 1]).strip(_FRAME)
        if not above:
            break
        is_folded = above.endswith("<") or visible(lines[begin]).lstrip(" \t>*(").startswith("<")
        if not is_folded and (has_author or not ADDRESS.search(above) or _is_sentence(above)):
            break
        has_author = has_author or ADDRESS.search(above) is not None
        begin -= 1
    return begin
