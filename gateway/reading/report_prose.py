"""Delivery reports in prose: qmail, Exim, sendmail, Exchange, Domino, Yahoo, providers' own and those not yet known.

There are more formats than tables could hold, but they write in few ways: the recipient at the head of a line
or behind a label, what the other server said below it, and the returned mail under a line that announces
it. So this reads the ways, not the products. What is in RFC 3464 form is read in `report_status`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.reading.labels import folded, words_of
from gateway.reading.mail import ReportedRecipient
from gateway.reading.report_evidence import tells_delay
from gateway.reading.report_status import MAX_DIAGNOSTIC, status_in
from gateway.reading.written_people import ADDRESS

MAX_LINES: Final = 1_000
MAX_LINE: Final = 1_000
MAX_RECIPIENTS: Final = 200
UNLIKELY: Final = 10  # added to the rank of somebody who is named for another reason

# Lines that announce the returned mail.
_COPIES: Final = words_of("""
    below this line is a copy | enclosed is a copy | included is a copy | this is a copy of the message
    this is a copy of your message | header of the original message | headers of the original message
    original message follows | original message headers | original message | original mail info
    returned message | unsent message follows | message header follow | message headers follow
    below is a copy of the original message | undelivered message follows | your original message
    returned mail follows | original e-mail follows | original mail | message text follows
    the original message | copy of the original | body of message generated | message header:
    ursprüngliche nachricht | message d'origine | mensagem original | mensaje original | returned content
    the following is a copy | the header of the original | unsent message below | received message
    mail header
    """)
_HEADERS_BEGIN: Final = re.compile(
    r"(?:received|return-path|dkim-signature|x-(?:received|google|mailer|originating|yahoo|ymail)[a-z-]{0,30}|message-id|mime-version)\s?:",
    re.IGNORECASE,
)
# A recipient behind a label.
_LABELLED: Final = re.compile(
    r"""[\W_]{0,20}(?:(?:final[- ]|original[- ]|intended[ ]|failed[ ])?recipient(?:[- ]address)?(?:\(s\))?
    |rcpt[ ]to|to|delivery[ ]failed|address|e-?mail|mailbox|user|sent[ ]<<<[ ]rcpt[ ]to|in:\s{1,4}rcpt[ ]to
    |(?:the[ ])?following[ ]recipients[ ]returned[ ]permanent[ ]errors)\s{0,8}[:=]""",
    re.IGNORECASE | re.VERBOSE,
)
_IN_SENTENCE: Final = re.compile(
    r"deliver\w{0,8}|recipient|rcpt|reach|destin\w{0,10}|address|user unknown|unknown user|no such user|mailbox"
    r"|zustell\w{0,5}|entreg\w{0,5}|remis\w{0,3}"
)
_HOST: Final = re.compile(
    r"(?:\bhost:?|while talking to|remote host) ([a-z0-9][a-z0-9.-]{2,253}\.[a-z]{2,24})\b", re.IGNORECASE
)
_ERROR: Final = re.compile(r"(?<![\w.:-])[45]\d\d[ :-]|[45]\.\d{1,3}\.\d{1,3}")
_EXPANDED: Final = re.compile(r"expanded from:?\s{1,8}<([^<>\s]{3,320})>", re.IGNORECASE)
_TO: Final = re.compile(r"^to[ \t]{0,4}:([^\n]{3,1000})", re.IGNORECASE | re.MULTILINE)
_SENDER: Final = re.compile(r"^(?:from|return-path|sender)[ \t]{0,4}:([^\n]{3,1000})", re.IGNORECASE | re.MULTILINE)
_CONTACTS: Final = (
    "contact",
    "assistance",
    "support",
    "questions",
    "please send",
    "help",
    "administrator",
    "<<< mail from",
    "mail from:",
    "on behalf",
)
_BULLETS: Final = " \t*-•·>|\"'<([\u3000"
_TRANSCRIPT: Final = re.compile(r"(?:>>>|<<<|in:|out:|\d{3}[ -])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Failed:
    """What is known of the recipients apart from the prose."""

    named: tuple[str, ...]  # by a header of the report: sure
    addressee: str  # of the returned mail: if nobody else is named
    strangers: frozenset[str]  # the machine, we, and the sender of the returned mail: hardly


@dataclass(frozen=True, slots=True)
class Mention:
    """A recipient, the line where he is named, and how sure it is that he is one (smaller is surer)."""

    address: str
    line: int
    rank: int


def above_copy(prose: str) -> tuple[str, str]:
    """What the report says, and the returned mail that is pasted below it."""
    lines = prose.split("\n", MAX_LINES)
    for at, line in enumerate(lines):
        if at > 0 and (_announces_copy(line) or (_HEADERS_BEGIN.match(line) and _is_header(lines[at + 1 : at + 3]))):
            return "\n".join(lines[:at]), "\n".join(lines[at:])
    return prose, ""


def _announces_copy(line: str) -> bool:
    shown = line.strip()
    if not 8 <= len(shown) <= 120 or (shown.endswith(".") and shown[0].isalnum() and not shown.endswith("follow.")):
        return False
    told = folded(shown)
    marked = not shown[0].isalnum() or shown.endswith((":", "follow.", "follows"))
    return marked and any(words in told for words in _COPIES)


def _is_header(lines: Sequence[str]) -> bool:
    """Two lines of a header in sequence; a single one may be part of the report."""
    return any(re.match(r"[A-Za-z][A-Za-z-]{1,40}:|\s{1,20}\S", line[:80]) for line in lines)


def recipients_in(prose: str, failed: Failed, subject: str) -> tuple[ReportedRecipient, ...]:
    """Who was not reached and why."""
    lines = [line[:MAX_LINE] for line in prose.split("\n", MAX_LINES)[:MAX_LINES]]
    mentions = list(_mentions(lines, failed.strangers))
    named = failed.named
    if not named and failed.addressee and all(mention.rank >= UNLIKELY for mention in mentions):
        named = (failed.addressee,)
    mentions = _best(mentions, named)
    action = "delayed" if tells_delay(f"{subject}\n{prose}") else "failed"
    if not mentions:
        status = status_in(prose)
        return (ReportedRecipient("", action, status, _joined(_errors(lines))),) if status else ()
    ends = [mention.line for mention in mentions[1:]] + [len(lines)]
    return tuple(
        _recipient(mention, lines[mention.line : max(end, mention.line + 1)], lines, action, alone=len(mentions) == 1)
        for mention, end in zip(mentions, ends, strict=True)
    )


def _recipient(
    mention: Mention, below: Sequence[str], lines: Sequence[str], action: str, *, alone: bool
) -> ReportedRecipient:
    told = "\n".join(below)
    status = status_in(told) or (status_in("\n".join(lines)) if alone else "")
    diagnostic = _joined(_errors(below)) or (_joined(_errors(lines)) if alone else "") or _joined(below)
    return ReportedRecipient(mention.address, action, status, diagnostic, _host_in(told))


def _errors(lines: Sequence[str]) -> list[str]:
    """From the first line on that looks like the word of a server, up to a blank line."""
    found: list[str] = []
    for line in lines:
        if found and not line.strip():
            break
        if found or _ERROR.search(line):
            found.append(line)
    return found


def _joined(lines: Sequence[str]) -> str:
    return " ".join(" ".join(lines[:40]).split())[:MAX_DIAGNOSTIC]


def _host_in(told: str) -> str:
    """`host mx.example.org [192.0.2.1]` as Exim, sendmail and qmail name the other server."""
    found = re.search(
        r"(?:\bhost:?|while talking to|remote host) ([a-z0-9][a-z0-9.-]{2,253}\.[a-z]{2,24})\b",
        told[:4000],
        re.IGNORECASE,
    )
    return "" if found is None else found[1]


def _best(mentions: Sequence[Mention], failed: Sequence[str]) -> list[Mention]:
    """Those of the surest kind, each once, in their order."""
    if failed:
        lines = {mention.address.lower(): mention.line for mention in reversed(mentions)}
        return sorted((Mention(one, lines.get(one.lower(), 0), 0) for one in failed), key=lambda mention: mention.line)
    rank = min((mention.rank for mention in mentions), default=0)
    best = {mention.address.lower(): mention for mention in reversed(mentions) if mention.rank == rank}
    return sorted(best.values(), key=lambda mention: mention.line)[:MAX_RECIPIENTS]


def _mentions(lines: Sequence[str], strangers: frozenset[str]) -> Iterator[Mention]:
    for at, line in enumerate(lines):
        if "@" not in line:
            continue
        told = folded(line)
        if any(words in told for words in _CONTACTS) and not _LABELLED.match(line):
            continue
        for found in list(ADDRESS.finditer(line))[:20]:
            address = found.group().strip("'.")
            unlikely = address.lower() in strangers or _names_sender(lines, at)
            yield Mention(address, at, _rank(line, told, found.start()) + (UNLIKELY if unlikely else 0))


def _names_sender(lines: Sequence[str], at: int) -> bool:
    """Exim: `A message sent by`, and the sender in the next line."""
    return at > 0 and folded(lines[at - 1]).endswith(("sent by", "message from"))


def _rank(line: str, told: str, start: int) -> int:
    """1 at the head of its line, 2 behind a label or in a transcript, 3 in a sentence about delivery, 4 elsewhere."""
    if not line[:start].strip(_BULLETS):
        return 1
    if _LABELLED.match(line) or (_TRANSCRIPT.match(line.lstrip()) and not told.lstrip(" ><").startswith("mail from")):
        return 2
    return 3 if _IN_SENTENCE.search(told) else 4


def expanded_from(prose: str) -> str:
    """The address that was written to, where the report names the account that stands behind it."""
    found = _EXPANDED.search(prose[:20_000])
    return "" if found is None else found[1]


def addressee_of(copy: str) -> str:
    """The one recipient of the returned mail: a guess for reports that name nobody."""
    found = _TO.search(copy[:20_000])
    addresses = {match.group() for match in ADDRESS.finditer(found[1])} if found is not None else set()
    return addresses.pop() if len(addresses) == 1 else ""


def senders_of(copy: str) -> frozenset[str]:
    """Who sent the returned mail."""
    fields = [found[1] for found in _SENDER.finditer(copy[:20_000])][:10]
    return frozenset(match.group().lower() for field in fields for match in ADDRESS.finditer(field))
