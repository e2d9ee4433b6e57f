"""Find the mail that somebody forwarded by hand: who wrote it, to whom, when, about what, and the note above it.

Evidence is asked for: a separator of a mail client, or a forwarding subject, and then From with a date or
a subject; or the command `@fwd` in the first line; or a mail attached as message/rfc822. The first address
in a text is no evidence: a spammer would choose who the customer is. Redirected mail (Resent-*, RFC 5322
section 3.6.6) is no forward: its From is the author already.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Final

from gateway.reading.attribution import Attribution
from gateway.reading.forward_place import MAX_BLANKS, Place, find_place
from gateway.reading.forward_subject import base_subject, is_finnish_answer, is_forward_subject, prefix_of
from gateway.reading.labels import REPLY_PREFIXES, Label, words_of
from gateway.reading.mail import Forwarded, Mail, Person
from gateway.reading.quoted_header import (
    is_forward_end,
    is_original_separator,
    is_quoted,
    is_rule,
    unquoted,
    visible,
)
from gateway.reading.written_date import read_date
from gateway.reading.written_people import ADDRESS, read_people, read_person

MAX_TEXT: Final = 1_000_000
MAX_LINES: Final = 20_000

_COMMAND: Final = re.compile(
    r"\s{0,20}(?:@fwd|@forward|#fwd|#customer)\b\s{0,20}:?\s{0,20}(?P<rest>[^\n]{0,400})", re.I
)
# What Outlook for Mac writes between the time and the name: "28/10/2021 12:46 användaren Ann".
_FILLERS: Final = frozenset(
    words_of("""
    am | pm | a.m | p.m | uhr | kl | klo | skrev | schrieb | schreef | heeft | hat | użytkownik | użytkownika
    пользователь | користувач | používateľ | uživatel | odesílatel | utilisateur | usuario | usuário
    utilizador | utente | bruger | bruker | användare | käyttäjä | időpontban | г | р | em | a | o | by | från
    fra
    """)
)


def find_forward(subject: str, text: str, embedded: Mail | None) -> Forwarded | None:
    """The mail that was forwarded by hand inside this one, or None."""
    lines = text[:MAX_TEXT].split("\n", MAX_LINES)
    command = _COMMAND.match(text)
    if embedded is not None and (command or _tells_of(subject, text, embedded)):
        return _from_attachment(embedded, _note(lines, 1 if command else 0, len(lines)))
    first = 1 if command else 0
    is_forward = is_forward_subject(subject) and not is_finnish_answer(subject, text)
    is_answer = prefix_of(subject)[0] in REPLY_PREFIXES
    place = find_place(lines, first, is_forward=bool(command) or is_forward, is_answer=is_answer)
    named = read_person(command["rest"]) if command else Person("", "")
    if place is None:
        return _commanded(named, subject, lines) if named.email else None
    found = _from_lines(lines, place, first, base_subject(subject))
    if named.email:
        return Forwarded(named, found.to, found.cc, found.subject, found.date, found.body, note=found.note)
    return found if found.author.email or found.author.name else None


def _tells_of(subject: str, text: str, embedded: Mail) -> bool:
    """An attached mail is what is forwarded if the subject says so, is the same, or there is nothing else to read."""
    if is_forward_subject(subject) or not (subject.strip() and text.strip()):
        return True
    is_answer = prefix_of(subject)[0] in REPLY_PREFIXES
    return not is_answer and base_subject(subject) == base_subject(embedded.subject)


def _from_attachment(mail: Mail, note: str) -> Forwarded:
    return Forwarded(
        mail.author, mail.to, mail.cc, mail.subject, mail.date, mail.text.strip("\n"), mail.message_id, note
    )


def _commanded(author: Person, subject: str, lines: Sequence[str]) -> Forwarded:
    return Forwarded(author, subject=base_subject(subject), body=_trimmed(lines[1:]))


def _from_lines(lines: Sequence[str], place: Place, first: int, subject: str) -> Forwarded:
    note = _note(lines, first, place.separator)
    rest = _above_end(lines[place.body :], lines[place.separator])
    if is_quoted(lines[place.body - 1]) and not is_original_separator(lines[place.body - 1]):
        rest = _quotation(rest)
    if isinstance(place.header, Attribution):
        author, words = _who(lines[place.header.begin : place.header.end + 1])
        return Forwarded(author, subject=subject, date=read_date(words), body=_dedented(rest), note=note)
    fields = place.header.fields
    return Forwarded(
        author=read_person(fields[Label.FROM]),
        to=read_people(fields.get(Label.TO, "")),
        cc=read_people(fields.get(Label.CC, "")),
        subject=fields.get(Label.SUBJECT, subject),
        date=read_date(fields.get(Label.DATE, "")),
        body=_dedented(rest) if _is_all_quoted(rest) else _trimmed(rest),
        note=note,
    )


def _above_end(lines: Sequence[str], separator: str) -> Sequence[str]:
    """Without the separator that Zoho repeats below the header lines, and the one that closes the forwarded mail."""
    first = next((at for at, line in enumerate(lines[: 1 + MAX_BLANKS]) if visible(line).strip()), 0)
    begin = first + 1 if lines and separator.strip() and lines[first].strip() == separator.strip() else 0
    end = next((at for at, line in enumerate(lines) if is_forward_end(line)), len(lines))
    return lines[begin:end]


def _is_all_quoted(lines: Sequence[str]) -> bool:
    """Spark and Proton mark the forwarded text, not its header lines."""
    return any(map(is_quoted, lines)) and all(is_quoted(line) or not visible(line).strip() for line in lines)


def _quotation(lines: Sequence[str]) -> list[str]:
    """The quoted lines from here on, without their mark; an answer below is not part of the forwarded mail."""
    quoted: list[str] = []
    for line in lines:
        if visible(line).strip() and not is_quoted(line):
            break
        quoted.append(unquoted(line))
    return quoted


def _who(lines: Sequence[str]) -> tuple[Person, str]:
    """The author that an attribution names, and its words without him."""
    words = " ".join(visible(line).strip(" \t*>") for line in lines)
    found = ADDRESS.search(words)
    assert found is not None, "an attribution without an address is no introduction of a forward"
    before = words[: found.start()]
    name = re.split(r"\d[\d:./\s]*", before[-200:])[-1].strip(" ,:;<([\"'“”„«»")
    kept = name.split()
    while kept and kept[0].lower().strip(".,:") in _FILLERS:
        del kept[0]
    author = Person(" ".join(kept).strip(" ,:;<([\"'“”„«»"), found.group().strip("'."))
    return author, f"{before} {words[found.end() :]}"


def _dedented(lines: Sequence[str]) -> str:
    if _is_all_quoted(lines):
        lines = _quotation(lines)
    return _trimmed(textwrap.dedent("\n".join(lines)).split("\n"))


def _note(lines: Sequence[str], first: int, end: int) -> str:
    """What stands above the separator, without the rule or the marked line that belongs to it."""
    is_marked = end < len(lines) and is_quoted(lines[end])
    while end > first and _belongs_below(lines[end - 1], is_marked=is_marked):
        end -= 1
    return _trimmed(lines[first:end])


def _belongs_below(line: str, *, is_marked: bool) -> bool:
    return not visible(line).strip(" \t>") or is_rule(line) or (is_marked and is_quoted(line))


def _trimmed(lines: Sequence[str]) -> str:
    """The lines as a text, without blank ones above and below."""
    return "\n".join(line.rstrip() for line in lines).strip("\n\r\ufeff ").rstrip()
