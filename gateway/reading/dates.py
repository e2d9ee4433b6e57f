"""Read the Date field. RFC 5322 sections 3.3 and 4.3, ISO 8601, and what programs write there for people.

A date is a claim of the sender: one that lies after the arrival is taken for the arrival, since such a mail
would stand on top of every list for ever.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from typing import Final

from gateway.reading.written_date import read_date

_NOISE: Final = re.compile(r"\([^()]*\)|[^\x20-\x7e]")
_NAMED_OFFSET: Final = re.compile(r"\b(?:GMT|UTC) {0,2}([+-])(\d{1,2})(?::?(\d{2}))?\b")
_SPACED_TIME: Final = re.compile(r"(\d{1,2}) {0,9}: {0,9}(\d{2})(?: {0,9}: {0,9}(\d{2}))?")
_DAY_OFFSET: Final = timedelta(hours=24)


def parse_date(raw: str, arrived: datetime) -> datetime | None:
    """The instant in the sender's own offset, never after `arrived`; None when it cannot be read."""
    moment = _parse(raw[:200])
    if moment is None:
        return None
    return arrived if moment > arrived else moment


def _parse(raw: str) -> datetime | None:
    text = _NAMED_OFFSET.sub(_plain_offset, _NOISE.sub(" ", raw)).strip()
    if not text:
        return None
    for candidate in (text, _SPACED_TIME.sub(_join_time, text, count=1)):
        moment = _parse_rfc5322(candidate)
        if moment is not None:
            return moment
    written = None if (moment := _parse_iso(text)) else read_date(raw)
    return moment or (_in_range(written) if written else None)


def _plain_offset(match: re.Match[str]) -> str:
    """`GMT+2` is `+0200`."""
    return f"{match[1]}{int(match[2]):02}{match[3] or '00'}"


def _join_time(match: re.Match[str]) -> str:
    return f"{match[1]}:{match[2]}:{match[3] or '00'}"


def _parse_rfc5322(text: str) -> datetime | None:
    try:
        found = parsedate_tz(text)
        if found is None:
            return None
        offset = timedelta(seconds=found[9] or 0)
        if abs(offset) >= _DAY_OFFSET:
            offset = timedelta()
        # A leap second is the second before it.
        moment = datetime(*found[:5], min(found[5], 59), tzinfo=timezone(offset))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return _in_range(moment)


def _parse_iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return _in_range(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _in_range(moment: datetime) -> datetime | None:
    """Years at either end of the calendar cannot be moved to another offset."""
    return moment if 1900 <= moment.year <= 9000 else None
