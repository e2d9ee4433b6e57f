"""A mail as its signers saw it: raw header fields, and the body in the canonical forms of RFC 6376 section 3.4.

dkimpy has these forms too, but its regular expressions are quadratic in a run of blanks and it makes the form anew
for each signature. Here each is made once and in linear time; that both agree is tested.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

_HEADER_END: Final = re.compile(rb"\r?\n\r?\n")
_LINE_END: Final = re.compile(rb"\r?\n")
_FIELD: Final = re.compile(rb"([\x21-\x39\x3b-\x7e]+):")
_MAX_FIELDS: Final = 500
_MAX_HEADER_BYTES: Final = 1_048_576
_SIGNATURES: Final = (b"dkim-signature", b"arc-message-signature")


@dataclass(frozen=True, slots=True)
class CanonicalBody:
    """What signers sign of a body: its length and SHA-256 in a canonical form."""

    length: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class SignedMail:
    """Fields as they stand on the wire (their folds and the final CRLF included), in order, and the body.

    The body of a mail that nobody has signed is left out: nothing asks for it, and it may be large.
    """

    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes
    is_malformed: bool = False  # a line that is no field, or far too many: no signature of it can be judged
    _forms: dict[bytes, CanonicalBody] = field(default_factory=dict, compare=False, repr=False)
    _values: dict[bytes, list[bytes]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name, value in self.fields:
            self._values.setdefault(name.lower(), []).append(value)

    def values(self, name: bytes) -> list[bytes]:
        """The values of all fields of this name, which is in lower case."""
        return self._values.get(name, [])

    def canonical_body(self, form: bytes) -> CanonicalBody:
        """The body in the form `simple` or `relaxed`."""
        if form not in self._forms:
            octets = relaxed(self.body) if form == b"relaxed" else without_empty_end(self.body)
            self._forms[form] = CanonicalBody(len(octets), sha256(octets).digest())
        return self._forms[form]


def take_apart(raw: bytes) -> SignedMail:
    """Split header and body; a bare LF counts as a line end, as every verifier takes it."""
    end = _HEADER_END.search(raw)
    size = end.start() if end else len(raw)
    if size > _MAX_HEADER_BYTES or raw.startswith((b"\r\n", b"\n")):
        return SignedMail((), b"", is_malformed=True)
    fields, is_malformed = _fields(raw[:size])
    if end is None or not any(name.lower() in _SIGNATURES for name, _ in fields):
        return SignedMail(fields, b"", is_malformed)
    body = raw[end.end() :]
    if body.count(b"\n") != body.count(b"\r\n"):
        body = body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return SignedMail(fields, body, is_malformed)


def _fields(head: bytes) -> tuple[tuple[tuple[bytes, bytes], ...], bool]:
    fields: list[tuple[bytes, list[bytes]]] = []
    is_malformed = False
    for line in _LINE_END.split(head):
        match = _FIELD.match(line)
        if line[:1] in (b" ", b"\t"):
            is_malformed |= not fields
            if fields:
                fields[-1][1].append(line)
        elif match and len(fields) < _MAX_FIELDS:
            fields.append((match[1], [line[match.end() :]]))
        elif line and not line.startswith(b"From "):  # the envelope line of an mbox
            is_malformed = True
    return tuple((name, b"\r\n".join([*lines, b""])) for name, lines in fields), is_malformed


def relaxed(body: bytes) -> bytes:
    """Runs of blanks become one, none stands at the end of a line, no empty line at the end (section 3.4.4)."""
    body = body.replace(b"\t", b" ")
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    body = without_empty_end(body.replace(b" \r\n", b"\r\n"))
    return b"" if body == b"\r\n" else body


def without_empty_end(body: bytes) -> bytes:
    """The body with one line end at its end (section 3.4.3)."""
    text = body.rstrip(b"\r\n")
    # Only whole CRLFs count; the tail may hold a bare CR too.
    rest = body[len(text) :].replace(b"\r\n", b"\0").rstrip(b"\0").replace(b"\0", b"\r\n")
    return text + rest + b"\r\n"
