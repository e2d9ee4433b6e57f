"""What a server answers about mails, as values; and the sets of UIDs that it is asked about. RFC 3501 section 7.4.2."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.mailbox.account import plain

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UID = re.compile(rb"\bUID (\d{1,10})\b")
_UID_NEXT = re.compile(rb"UIDNEXT (\d{1,10})")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,19})\b")
_DATE = re.compile(rb'\bINTERNALDATE "([^"]{20,30})"')
_BODY = re.compile(rb"\bBODY\[\] ")


@dataclass(frozen=True, slots=True)
class Listed:
    """A mail as the server lists it."""

    uid: int
    size: int
    received: datetime | None


def listed_mails(lines: Sequence[object]) -> Iterator[Listed]:
    """Size and date of each mail that the lines tell of."""
    for line in lines:
        if not isinstance(line, bytes):
            continue
        uid, size, date = _UID.search(line), _SIZE.search(line), _DATE.search(line)
        if uid and size:
            yield Listed(int(uid[1]), int(size[1]), _date(date[1]) if date else None)


def bodies(lines: Sequence[object]) -> Iterator[tuple[int, bytes]]:
    """The literals with their UIDs, which may stand before or behind them."""
    for place, part in enumerate(lines):
        if isinstance(part, tuple) and len(part) == 2 and _BODY.search(part[0]):
            behind = lines[place + 1] if place + 1 < len(lines) else b""
            found = _UID.search(part[0]) or (_UID.search(behind) if isinstance(behind, bytes) else None)
            if found:
                yield int(found[1]), part[1]


def found_uids(lines: Sequence[object]) -> set[int]:
    """The numbers of a search."""
    return {int(word) for line in lines if isinstance(line, bytes) for word in line.split() if word.isdigit()}


def next_uid(lines: Sequence[object]) -> int:
    """UIDNEXT of a status; 0: it is not there."""
    found = _UID_NEXT.search(b" ".join(line for line in lines if isinstance(line, bytes)))
    return int(found[1]) if found else 0


def is_news(line: bytes) -> bool:
    """Whether an untagged line tells of mail."""
    return line.upper().rstrip().endswith((b" EXISTS", b" RECENT"))


def words(lines: Sequence[object]) -> str:
    """What a server says to people."""
    return plain(b" ".join(line for line in lines if isinstance(line, bytes)).decode("utf-8", "replace"))


def set_of(uids: Sequence[int]) -> str:
    """A sequence set, with runs written short."""
    runs: list[list[int]] = []
    for uid in sorted(uids):
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in runs)


def _date(text: bytes) -> datetime | None:
    try:
        day, month, rest = text.decode().strip().split("-", 2)
        return datetime.strptime(f"{day} {MONTHS.index(month.title()) + 1} {rest}", "%d %m %Y %H:%M:%S %z")
    except ValueError:
        return None
