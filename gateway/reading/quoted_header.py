"""The lines that introduce an earlier mail: separators, marks of quotation and blocks of header lines.

Shared by quotation and manual forwards, which ask the same question of the same lines; the line that says who wrote
and when is read in `attribution`. All functions look at a bounded number of lines and of letters in each, so
that a scan that asks at every line stays linear.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.reading.labels import LABELS, LONGEST_LABEL, WROTE_LAST, Label, folded
from gateway.reading.separators import FORWARD_ENDS, FORWARDED, FORWARDED_FROM, ORIGINAL

MAX_LINE: Final = 2_000
MAX_BLOCK_LINES: Final = 40
MAX_UNKNOWN: Final = 25  # letters of a label
LONG_RULE: Final = 38  # KMail closes a forwarded mail with a rule of 41 dashes
ATTRIBUTION_INSIDE: Final = ":   "  # Yahoo on Android goes on in the same line

_UNSEEN: Final = "\ufeff\u200b\u200c\u200d\u2060\u2063\u00ad\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069\r"
_INVISIBLE: Final[dict[int, str | None]] = {
    **dict.fromkeys(map(ord, _UNSEEN)),
    **{0xA0: " ", 0x202F: " ", 0x2007: " ", 0x3000: " ", 0xFF1A: ":"},
    # Arabic, Persian and Indian digits.
    **{ord(zero) + value: str(value) for zero in "\u0660\u06f0\u0966" for value in range(10)},
}
# QQ and WP write these into plain text.
_REFERENCES: Final = (("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"))
_LABEL_END: Final = LONGEST_LABEL + 12
# ProtonMail draws its rules with hyphens of Unicode.
_DASHES: Final = "-_=—–─━‐‑‒―"
_SCISSORS: Final = "8<"  # The Bat!
_DRAWN: Final = _DASHES + "*#~+\\"
# What the first or the last letter of a separator or an attribution can be.
_FIRSTS: Final = frozenset(_DRAWN + "|") | frozenset(map(chr, _INVISIBLE))
_LASTS: Final = (*_DRAWN, *"|:：", *WROTE_LAST)
_LAST_LETTERS: Final = frozenset(ending[-1] for ending in _LASTS)
_MARKS: Final = " \t*_|#\\"
_RULES: Final = _DRAWN + " \t>|"
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20|25)\d{2}(?!\d)")
_CLOCK: Final = re.compile(r"(?<!\d)\d{1,2}[:.]\d{2}(?!\d)")
_CORE: Final = frozenset({Label.FROM, Label.TO, Label.CC, Label.DATE, Label.SUBJECT})


@dataclass(frozen=True, slots=True)
class Block:
    """Header lines as a client writes them above a mail; `end` is the first line after them."""

    fields: dict[Label, str]
    end: int

    @property
    def introduces(self) -> bool:
        """From, and when or about what: enough to believe that a mail follows. A journey has From, To and Date too."""
        if Label.FROM not in self.fields or len(_CORE & self.fields.keys()) < 2:
            return False
        timed, titled = Label.DATE in self.fields, Label.SUBJECT in self.fields
        return (timed or titled) if "@" in self.fields[Label.FROM] else (timed and titled)

    @property
    def is_certain(self) -> bool:
        """Four such lines are no accident."""
        return self.introduces and len(_CORE & self.fields.keys()) >= 4


def visible(line: str) -> str:
    """The line without what nobody sees, bounded."""
    line = line[:MAX_LINE]
    if "&" in line:
        for written, meant in _REFERENCES:
            line = line.replace(written, meant)
    return line.replace("\r", "") if line.isascii() else line.translate(_INVISIBLE)


def may_introduce(line: str) -> bool:
    """A cheap question before the dear ones: most lines of a mail cannot be any of what this file looks for."""
    shown = line.strip("> \t\r\u00a0")
    if not shown:
        return False
    if shown[0] in _FIRSTS or line.startswith(">>> ") or (shown[-1] in _LAST_LETTERS and shown.endswith(_LASTS)):
        return True
    return ":" in shown[:_LABEL_END] or "：" in shown[:_LABEL_END] or ATTRIBUTION_INSIDE in shown[:MAX_LINE]


def core(line: str) -> str:
    """What a separator says, without its dashes: `-----Original Message-----`."""
    return folded(visible(line[:200]).strip(_RULES).removeprefix(_SCISSORS).strip(_RULES + ":"))


def is_rule(line: str) -> bool:
    """A line of dashes, or of such signs."""
    if line[:1].isalnum():
        return False
    shown = visible(line).strip()
    return len(shown) >= 3 and not shown.strip(_DRAWN + " ")


def is_framed(line: str) -> bool:
    """`----- words -----`: a separator in whatever language."""
    shown = visible(line[:200]).strip(" \t>|")
    return shown.startswith("----") and shown.endswith("----")


def is_forward_separator(line: str) -> bool:
    """Mutt and Horde name the author within it: `----- Forwarded message from Ann <a@b.c> -----`."""
    words = core(line)
    return words in FORWARDED or (line.startswith("-----") and words.startswith(FORWARDED_FROM))


def is_forward_end(line: str) -> bool:
    """The line that some clients write below a forwarded mail."""
    return line.startswith((*_FIRSTS, _SCISSORS)) and (
        core(line) in FORWARD_ENDS or (is_rule(line) and len(line) >= LONG_RULE)
    )


def is_original_separator(line: str) -> bool:
    """Its dashes tell the separator from a sentence; Apple writes none, but says "forwarded"."""
    shown = visible(line).strip(" \t>*|").removeprefix(_SCISSORS)
    if shown[:1] in _DASHES + "+":
        return core(line) in ORIGINAL
    # GroupWise: `>>> Ann Lee <ann@x.y> 05.03.24 09:41 Uhr >>>`
    return line.startswith(">>> ") and line.rstrip().endswith(" >>>") and any(map(str.isdigit, shown))


def unquoted(line: str) -> str:
    """The line without one quotation mark."""
    shown = line.lstrip("\ufeff \t") if len(line) < MAX_LINE else line
    return shown[1:].removeprefix(" ") if shown[:1] == ">" else line


def is_quoted(line: str) -> bool:
    return line[:1] == ">" or (not line[:1].isalnum() and visible(line[:40]).lstrip()[:1] == ">")


def label_of(line: str) -> tuple[Label, str] | None:
    """What a header line is about, and what it says: `*De :* Ann` is From and Ann."""
    shown = visible(line).lstrip(_MARKS)
    colon = shown.find(":", 0, LONGEST_LABEL + 8)
    if colon < 1:
        return None
    label = LABELS.get(folded(shown[:colon].strip(_MARKS)))
    return None if label is None else (label, shown[colon + 1 :].strip(_MARKS))


def read_block(lines: Sequence[str], start: int) -> Block:
    """The header lines from here on; blank lines between them are passed where all are spaced so."""
    fields: dict[Label, str] = {}
    last: Label | None = None
    place, end = start, start
    spaced = False
    while place < min(len(lines), start + MAX_BLOCK_LINES):
        line = lines[place]
        if not visible(line).strip(_MARKS):
            spaced = spaced or len(fields) == 1
            if not spaced and not _subject_follows(lines[place + 1 : place + 2], fields):
                break
            place += 1
            continue
        found = label_of(line) or _label_between(lines[place : place + 2], fields)
        if found is None:
            if last is None or end < place or not _continues(line, last, fields.get(last, "")):
                break
            fields[last] = f"{fields[last]} {visible(line).strip(_MARKS)}"[:MAX_LINE]
        elif found[0] in fields and found[0] is not Label.OTHER:
            break
        else:
            last = found[0]
            fields.update(_split(*found))
        place += 1
        end = place
    return Block(fields, end)


def _label_between(lines: Sequence[str], fields: dict[Label, str]) -> tuple[Label, str] | None:
    """A label that no table knows, between others that are known: what it says is a time, or nothing to us."""
    label, colon, value = visible(lines[0]).lstrip(_MARKS).partition(":")
    if Label.FROM not in fields or not colon or len(label) > MAX_UNKNOWN or not label.strip(_MARKS):
        return None
    if not any(label_of(line) for line in lines[1:]):
        return None
    is_date = Label.DATE not in fields and is_instant(value)
    return (Label.DATE if is_date else Label.OTHER), value.strip(_MARKS)


def is_instant(value: str) -> bool:
    """A year and a time of day."""
    return _YEAR.search(value[:200]) is not None and _CLOCK.search(value[:200]) is not None


def _subject_follows(lines: Sequence[str], fields: dict[Label, str]) -> bool:
    """QQ leaves a blank line above the subject."""
    found = next(map(label_of, lines), None)
    return found is not None and found[0] is Label.SUBJECT not in fields and len(fields) > 2


def _continues(line: str, label: Label, value: str) -> bool:
    """A long list of addresses goes on in the next line."""
    shown = visible(line)
    if label not in (Label.TO, Label.CC, Label.BCC, Label.FROM, Label.REPLY_TO):
        return False
    if value.endswith((",", ";")) or shown.lstrip().startswith("<"):
        return True
    return "@" in shown and (shown[:1] in " \t" or shown.rstrip().endswith((">", ";", ",")))


def _split(label: Label, value: str) -> dict[Label, str]:
    """Yahoo writes all header lines as one: `From: Ann <a@b.c>To: d@e.fSent: Monday, ...Subject: Hello`."""
    parts: dict[Label, str] = {}
    colon = value.find(":")
    for _ in range(MAX_BLOCK_LINES):
        if colon < 0:
            break
        begin = _label_before(value, colon, parts.keys() | {label})
        if begin is not None:
            parts[label] = value[:begin].strip(_MARKS)
            label, value = LABELS[folded(value[begin:colon])], value[colon + 1 :]
            colon = -1
        colon = value.find(":", colon + 1)
    parts[label] = value.strip(_MARKS)
    complete = {Label.FROM, Label.SUBJECT} <= parts.keys() and len(parts) >= 3
    return parts if complete else {next(iter(parts)): _joined(parts, value)}


def _joined(parts: dict[Label, str], value: str) -> str:
    return value.strip(_MARKS) if len(parts) == 1 else " ".join(parts.values())


def _label_before(value: str, colon: int, known: set[Label]) -> int | None:
    """Where a label begins that ends at this colon: with a capital letter, and not within a word of capitals."""
    for begin in range(max(0, colon - LONGEST_LABEL - 1), colon):
        label = LABELS.get(folded(value[begin:colon])) if value[begin : begin + 1].isupper() else None
        # "UPDATE:" holds no date; "UTCSubject:" does hold a subject.
        is_within = value[begin - 1 : begin].isupper() and not value[begin + 1 : begin + 2].islower()
        if label is not None and label not in known and not is_within:
            return begin
    return None
