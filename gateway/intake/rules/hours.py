"""Office hours as people write them: `Mon-Fri 09:00-18:00`, or several, with commas."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache

from config.errors import AskedWrongly

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? (\d\d):(\d\d)-(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class Span:
    """Some days of the week from one time to another; a span that ends before it begins goes over midnight."""

    days: frozenset[int]
    begin: time
    end: time

    def holds(self, at: datetime) -> bool:
        """Whether a moment lies in it."""
        clock = at.time()
        if self.begin <= self.end:
            return at.weekday() in self.days and self.begin <= clock < self.end
        yesterday = (at.weekday() - 1) % 7
        return (at.weekday() in self.days and clock >= self.begin) or (yesterday in self.days and clock < self.end)


@lru_cache(maxsize=100)
def parse_hours(text: str) -> tuple[Span, ...]:
    """The spans of a text. Raises AskedWrongly with the form."""
    return tuple(_span(part, text) for part in text.lower().split(","))


def _span(part: str, whole: str) -> Span:
    found = _SPAN.fullmatch(" ".join(part.split()))
    wrong = AskedWrongly(f"{whole!r} are no office hours: write `Mon-Fri 09:00-18:00, Sat 10:00-13:00`")
    if found is None or found[1] not in _DAYS or (found[2] or found[1]) not in _DAYS:
        raise wrong
    first, last = _DAYS.index(found[1]), _DAYS.index(found[2] or found[1])
    days = frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
    try:
        return Span(days, time(int(found[3]), int(found[4])), time(int(found[5]), int(found[6])))
    except ValueError:
        raise wrong from None
