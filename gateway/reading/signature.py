"""Where a signature begins: `-- `, a line of a phone, the footer of a mailing list.

It does not guess at names and job titles: a signature without a mark stays. RFC 3676 section 4.3.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gateway.reading.labels import folded
from gateway.reading.quoted_header import is_rule, visible
from gateway.reading.sent_from import SENDERS, SENDS, SENDS_LAST, SENT_FROM, SENT_FROM_ENDS

MAX_SIGNATURE_LINES: Final = 14  # below a mark without its blank; above that it is a rule in the text
MAX_MARK: Final = 10
MAX_TO_POSTSCRIPT: Final = 60  # lines
MAX_DEVICE_LINE: Final = 90
MAX_DEVICE_WORDS: Final = 7
MAX_TO_SENDER: Final = 42  # letters from the verb to the name of what sent it

_POSTSCRIPT: Final = re.compile(
    r"(?:p\.?\s?-?(?:p\.?\s?)?s(?:\.(?=\s)|\s?[.:])|p\.\s?d\.|pd:|n\.\s?b\.|nb:|з\.\s?[ыі]\.|п\.\s?п?\.?\s?с\.|зы:|υ\.\s?γ\.|נ\.\s?ב\.|追伸|追記|附言|又及|추신)",
    re.IGNORECASE,
)
_LINK: Final = re.compile(r"\[([^\]\n]{1,80})\]\([^()\n]{0,300}\)")
_ADDRESS: Final = re.compile(r"[<(]?\s?https?:")
_MARKS: Final = ("--", "—", "--=20")
_LIST_FOOTERS: Final = (
    "mailing list",
    "to unsubscribe",
    "you received this message because",
    "unsubscribe from this group",
    "list info",
)


def signature_begins(lines: Sequence[str]) -> int | None:
    """The line of the mark below which the signature stands; the last one if there are several."""
    following = 0
    found = None
    asks = False  # nobody signs with a question
    for at in range(len(lines) - 1, -1, -1):
        line = lines[at]
        if following > MAX_SIGNATURE_LINES and found is not None:
            break
        if line[:1].isalnum():
            following += 1  # most lines: neither mark nor rule
            asks = asks or line.endswith("?")
            continue
        if _is_mark(line, following, asks) or (is_rule(line) and _is_list_footer(lines[at + 1 : at + 4])):
            found = at
        following += bool(line) and not line.isspace()
    return found


def _is_mark(line: str, following: int, asks: bool) -> bool:
    if len(line) > MAX_MARK or not line:
        return False
    shown = line.rstrip("\r")
    if shown in ("-- ", "--\u00a0"):
        return True
    return not asks and following <= MAX_SIGNATURE_LINES and visible(shown).strip("* \t\\") in _MARKS


def _is_list_footer(lines: Sequence[str]) -> bool:
    footer = folded(" ".join(line[:200] for line in lines))
    return any(words in footer for words in _LIST_FOOTERS)


def postscript(lines: Sequence[str]) -> list[str]:
    """The paragraph that begins with P.S. among the lines of a signature, below a blank line."""
    begin = next((at for at, line in enumerate(lines[:MAX_TO_POSTSCRIPT]) if _POSTSCRIPT.match(line)), None)
    if begin is None:
        return []
    end = next((at for at in range(begin, len(lines)) if not lines[at].strip()), len(lines))
    return ["", *lines[begin:end]]


def is_device_line(line: str) -> bool:
    """`Sent from my iPhone`, but not `Sent from my desk, which is easier.`"""
    if len(line) > 4 * MAX_DEVICE_LINE:
        return False
    shown = folded(_ADDRESS.split(_LINK.sub(r"\1", visible(line)), maxsplit=1)[0].strip(" \t*_>-"))
    if not 5 <= len(shown) <= MAX_DEVICE_LINE:
        return False
    if _names_sender(shown):
        return True
    if len(shown.split()) > MAX_DEVICE_WORDS:
        return False
    if "," in shown or ": " in shown:
        return False
    return shown.startswith(SENT_FROM) or shown.endswith(SENT_FROM_ENDS)


def _names_sender(shown: str) -> bool:
    """`Sent from FairEmail, an open source app`: the device or the program stands close to the verb."""
    begins = shown.startswith(SENDS) and any(name in shown[:MAX_TO_SENDER] for name in SENDERS)
    return begins or (
        shown.rstrip(".").endswith(SENDS_LAST) and any(name in shown[-MAX_TO_SENDER:] for name in SENDERS)
    )
