"""Read the mailboxes of From, To, Cc and their like. RFC 5322 section 3.4, and what is really written there.

One pass over the value, no recursion, a bound on the number. What is no address is kept as a name, so that
an agent still sees who wrote. Addresses are not made canonical here: that belongs to whoever compares them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from gateway.reading.bounds import MAX_ADDRESSES, MAX_FIELD_CHARS, MAX_NAME_CHARS
from gateway.reading.mail import Person
from gateway.reading.words import decode_value

_PLAIN: Final = re.compile(r'([^"<>@,;:()\\]*)<([!#-\'*+\-./0-9=?A-Z^_`a-z{|}~]+@[0-9A-Za-z.\-]+)>')
_BARE: Final = re.compile(r"[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]+@[0-9A-Za-z.\-]+")
_STOP: Final = re.compile(r'[",;:()<>\\]')
_QUOTED_LOCAL: Final = re.compile(r'"[^"]{1,64}"@[^\s@"]+')
_WORD_BREAK: Final = re.compile(r"[\s\[\]]+")


def parse_mailboxes(raw: str, charset: str = "") -> tuple[Person, ...]:
    """The people that one header value names, in order."""
    value = raw[:MAX_FIELD_CHARS].strip()
    plain = _PLAIN.fullmatch(value) or _BARE.fullmatch(value)
    if plain is not None:
        name, email = plain.groups() if plain.re is _PLAIN else ("", value)
        return (Person(_tidy_name(name, charset), email),)
    people = _Scanner(value, charset).people()
    if not any("@" in person.email for person in people) and "=?" in value:
        # The whole mailbox stands inside an encoded word, against RFC 2047 section 5.
        people = _Scanner(decode_value(value, charset), charset).people()
    return tuple(people)


@dataclass(slots=True)
class _Draft:
    """One mailbox while it is read."""

    phrase: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    angles: list[str] = field(default_factory=list)


class _Scanner:
    """Walks from one special character to the next."""

    def __init__(self, value: str, charset: str) -> None:
        self.value = value
        self.charset = charset
        self.position = 0
        self.quotes_end = self.comments_end = True  # until one was found that does not end
        self.remark = ""

    def people(self) -> list[Person]:
        found: list[Person] = []
        draft = _Draft()
        while self.position < len(self.value) and len(found) < MAX_ADDRESSES:
            match = _STOP.search(self.value, self.position)
            stop = match.start() if match else len(self.value)
            draft.phrase.append(self.value[self.position : stop])
            self.position = stop + 1
            if match is None:
                break
            if match.group() in ",;":
                found += self._person(draft)
                draft = _Draft()
            elif match.group() == ":":
                draft = self._group(draft)
            else:
                self._special(match.group(), draft)
        # A comment alone is nobody, but for a field that holds nothing else.
        return found + self._person(draft) or (
            [Person(_tidy_name(self.remark, self.charset), "")] if self.remark else []
        )

    def _group(self, draft: _Draft) -> _Draft:
        """`name:` opens a group, whose name is nobody's; `mailto:` and a colon in an address are part of it."""
        text = "".join(draft.phrase)
        if "@" in text or draft.angles or not text.strip() or text.lower().endswith("mailto"):
            draft.phrase.append(":")
            return draft
        return _Draft()

    def _special(self, mark: str, draft: _Draft) -> None:
        if mark == '"':
            draft.phrase.append(self._quoted())
        elif mark == "(":
            self._comment(draft)
        elif mark == "<":
            draft.angles.append(self._angle())
        elif mark == "\\":
            draft.phrase.append(self.value[self.position : self.position + 1])
            self.position += 1

    def _quoted(self) -> str:
        """A quoted string; in front of an at sign it is a local part and keeps its quotes."""
        end = self.position
        while self.quotes_end:
            end = self.value.find('"', end)
            if end == -1:
                self.quotes_end = False
            elif _is_escaped(self.value, end):
                end += 1
            else:
                content = self.value[self.position : end]
                self.position = end + 1
                return f'"{content}"' if self.value[end + 1 : end + 2] == "@" else _unescape(content)
        return ""

    def _comment(self, draft: _Draft) -> None:
        depth, end = 1, self.position
        while self.comments_end and depth:
            match = _PARENTHESIS.search(self.value, end)
            if match is None:
                self.comments_end = False
                return
            end = match.end()
            depth += {"(": 1, ")": -1}.get(match.group(), 0)
        if depth == 0:
            draft.comments.append(_unescape(self.value[self.position : end - 1]))
            self.position = end

    def _angle(self) -> str:
        end = self.value.find(">", self.position)
        if end == -1:
            end = len(self.value)
        content = self.value[self.position : end]
        self.position = end + 1
        return content.replace("<", "")

    def _person(self, draft: _Draft) -> list[Person]:
        phrase = " ".join("".join(draft.phrase).split())
        email = next((one for one in (_tidy_address(angle) for angle in reversed(draft.angles)) if one), "")
        if not email and "@" in phrase:
            email, phrase = _address_in(phrase)
        elif not email and phrase and " " not in phrase and not draft.angles and "=?" not in phrase:
            email, phrase = phrase, ""
        remark = " ".join(draft.comments)
        if not email and not phrase:
            self.remark = remark
            return []
        name = _tidy_name(phrase or remark, self.charset)
        email = decode_value(email, self.charset)[:MAX_NAME_CHARS]
        return [Person(name, email)] if name or email else []


_PARENTHESIS: Final = re.compile(r"\\.|[()]", re.DOTALL)


def _is_escaped(value: str, position: int) -> bool:
    slashes = 0
    while position - slashes > 0 and value[position - slashes - 1] == "\\" and slashes < 20:
        slashes += 1
    return slashes % 2 == 1


def _unescape(content: str) -> str:
    return re.sub(r"\\(.)", r"\1", content) if "\\" in content else content


def _tidy_name(name: str, charset: str) -> str:
    name = " ".join(decode_value(" ".join(name.split()), charset).split())
    if len(name) > 2 and name[0] == name[-1] and name[0] in "'\"":
        # Outlook puts names from the address book into quotes of its own.
        name = name[1:-1].strip()
    return name[:MAX_NAME_CHARS]


def _tidy_address(angle: str) -> str:
    """Without comments, blanks and a source route (RFC 5322 section 4.4)."""
    address = "".join(angle.split()).strip("'\"") if '"' not in angle.strip("'\"") else "".join(angle.split())
    if "(" in address:
        address = re.sub(r"\([^()]*\)", "", address)
    if address.startswith("@") and ":" in address:
        address = address.rpartition(":")[2]
    return address.removeprefix("mailto:").removeprefix("MAILTO:")


def _address_in(phrase: str) -> tuple[str, str]:
    """`ann@example.org Ann`, `Ann [mailto:ann@example.org]`: the last word with an at sign is the address."""
    quoted = _QUOTED_LOCAL.search(phrase)
    if quoted is not None:
        return quoted[0], " ".join((phrase[: quoted.start()] + phrase[quoted.end() :]).split())
    words = [word for word in _WORD_BREAK.split(phrase) if word]
    for index in range(len(words) - 1, -1, -1):
        if "@" in words[index].strip("@"):
            name = " ".join(words[:index] + words[index + 1 :])
            return words[index].strip("'").removeprefix("mailto:"), name
    # `ann @ example.org`, with blanks that RFC 822 allowed.
    joined = re.sub(r"\s?([@.])\s?", r"\1", phrase)
    return (joined, "") if " " not in joined else ("", phrase)
