"""Moments that people write: 2026-11-01, 2026-11-01T10:00, or so long ago: 30m, 12h, 7d."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from config.clock import now
from config.errors import AskedWrongly

_AGO = re.compile(r"(\d{1,6})\s?([mhd])(?:\s?ago)?")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def moment_of(text: str, zone: str, option: str) -> datetime:
    """The moment that somebody wrote, in his time zone where he names none. Raises AskedWrongly."""
    text = text.strip()
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise AskedWrongly(
            f"{option}: {text!r} is no moment: write 2026-11-01, 2026-11-01T10:00, 30m, 12h or 7d"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
