"""Take the bytes of a mail apart into header fields and MIME parts, within bounds.

This is structure only: nothing is decoded here, neither words nor transfer encodings nor
charsets. The stdlib parser is not used because its time and its stack grow with what a mail claims;
the wire form is simple, and here each level costs one search for its delimiter.
RFC 5322 section 2.2, RFC 2046 section 5.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from gateway.reading.bounds import MAX_DEPTH, MAX_FIELD_CHARS, MAX_FIELDS, MAX_HEADER_BYTES, MAX_PARTS
from gateway.reading.defects import Defects
from gateway.reading.parameters import Parameters, parse_parameters

Fields = tuple[tuple[str, str], ...]
"""Names as written and unfolded raw values; octets that are no UTF-8 stand as surrogates (PEP 383)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One MIME entity. `body` is still transfer-encoded, and empty where `children` hold it."""

    fields: Fields
    body: bytes
    content_type: str
    parameters: Parameters = field(default_factory=dict)
    children: tuple[Part, ...] = ()

    def first(self, name: str) -> str:
        """The raw value of the first field of this name (in lower case), or an empty string."""
        for key, value in self.fields:
            if key.lower() == name:
                return value
        return ""


_SURE_NAMES: Final = frozenset(
    ("content-type", "content-transfer-encoding", "mime-version", "message-id", "received", "return-path", "references")
)
_MAX_CANDIDATES: Final = 100_000  # lines that look like a delimiter, whether they are or not


def take_apart(raw: bytes, defects: Defects) -> Part:
    """The part tree of a whole mail, whatever the bytes are."""
    if b"\n" not in raw and b"\r" in raw:
        # Only bare CR as line ends: an old Macintosh, or a file that went through one.
        raw = raw.replace(b"\r", b"\n")
    return _Splitter(raw, defects).split(_after_blank_lines(raw), len(raw), 0, "text/plain")


def parse_fields(block: bytes) -> Fields:
    """The fields of a bare header block, as in message/delivery-status or text/rfc822-headers."""
    return _read_fields(block[:MAX_HEADER_BYTES], Defects(), False)[0]


def _after_blank_lines(raw: bytes) -> int:
    start = 0
    while start < len(raw) and raw[start] in b"\r\n":
        start += 1
    return start if b":" in raw[start : start + 200] else 0


class _Splitter:
    """Holds what one mail has used of its bounds; recursion is no deeper than MAX_DEPTH."""

    def __init__(self, data: bytes, defects: Defects) -> None:
        self.data = data
        self.defects = defects
        self.parts_left = MAX_PARTS

    def split(self, start: int, end: int, depth: int, default_type: str) -> Part:
        self.parts_left -= 1
        fields, body_start = self._header(start, end, depth > 0)
        content_type, parameters = _content_type(fields, default_type)
        if not content_type.startswith("multipart/"):
            return Part(fields, self.data[body_start:end], content_type, parameters)
        if depth >= MAX_DEPTH:
            self.defects.add("nested-too-deep")
            # Headers and all, so that a mail program can open what we did not.
            return Part((), self.data[start:end], "message/rfc822")
        return self._multipart(fields, content_type, parameters, (body_start, end, depth))

    def _header(self, start: int, end: int, is_inner: bool) -> tuple[Fields, int]:
        """The fields, and where the body begins."""
        if self.data.startswith((b"\n", b"\r\n"), start, end):
            return (), self.data.index(b"\n", start, end) + 1
        block_end, body_start = _blank_line(self.data, start, end)
        if block_end - start > MAX_HEADER_BYTES:
            self.defects.add("header-too-large")
        block = self.data[start : min(block_end, start + MAX_HEADER_BYTES)]
        fields, consumed = _read_fields(block, self.defects, is_inner)
        return fields, body_start if consumed is None else start + consumed

    def _multipart(
        self, fields: Fields, content_type: str, parameters: Parameters, place: tuple[int, int, int]
    ) -> Part:
        start, end, depth = place
        boundary = parameters.get("boundary", "").encode("utf-8", "surrogateescape").rstrip()
        delimiters = list(_delimiters(self.data, start, end, boundary, self.parts_left)) if boundary else []
        if not delimiters:
            boundary = _guess_boundary(self.data, start, end)
            delimiters = list(_delimiters(self.data, start, end, boundary, self.parts_left)) if boundary else []
            self.defects.add("boundary-missing")
        if not delimiters:
            return Part(fields, self.data[start:end], "text/plain", {"charset": parameters.get("charset", "")})
        default = "message/rfc822" if content_type == "multipart/digest" else "text/plain"
        children = self._children(delimiters, end, depth + 1, default)
        return Part(fields, b"", content_type, parameters, tuple(children))

    def _children(self, delimiters: list[_Delimiter], end: int, depth: int, default: str) -> list[Part]:
        children: list[Part] = []
        for number, delimiter in enumerate(delimiters):
            is_last = number + 1 == len(delimiters)
            part_end = end if is_last else delimiters[number + 1].before
            if delimiter.is_close:
                children += self._epilogue(delimiter.after, part_end)
            elif self.parts_left <= 0:
                # What is left stays together, delimiters and all.
                self.defects.add("too-many-parts")
                children.append(Part((), self.data[delimiter.before : end].lstrip(b"\r\n"), "application/octet-stream"))
                break
            elif delimiter.after < part_end or not is_last:
                children.append(self.split(delimiter.after, max(delimiter.after, part_end), depth, default))
        if not delimiters[-1].is_close:
            self.defects.add("boundary-not-closed")
        return children

    def _epilogue(self, start: int, end: int) -> list[Part]:
        """Text behind the closing delimiter is nobody's, but sometimes the mail's only text."""
        text = self.data[start:end]
        if not text.strip(b"-\r\n\t \0"):
            return []
        self.defects.add("text-after-last-part")
        disposition = ("Content-Disposition", 'attachment; filename="epilogue.txt"')
        return [Part((disposition,), text, "text/plain")]


@dataclass(frozen=True, slots=True)
class _Delimiter:
    before: int  # where the part above ends
    after: int  # where the part below begins
    is_close: bool


def _delimiters(data: bytes, start: int, end: int, boundary: bytes, limit: int) -> Iterator[_Delimiter]:
    """All delimiter lines of this boundary; a longer boundary that begins like it is another one."""
    mark = b"--" + boundary
    position, found = data.find(mark, start, end), 0
    for _ in range(_MAX_CANDIDATES):
        if position == -1 or found > limit:
            break
        tail = position + len(mark)
        line_end = data.find(b"\n", tail, end)
        after = end if line_end == -1 else line_end + 1
        rest = data[tail : min(after, tail + 200)].strip()
        if (position == start or data[position - 1] == 10) and rest in (b"", b"--"):
            found += 1
            yield _Delimiter(_before_line_end(data, start, position), after, rest == b"--")
            position = data.find(mark, after, end)
        else:
            position = data.find(mark, tail, end)


def _before_line_end(data: bytes, start: int, position: int) -> int:
    """The line end before a delimiter belongs to the delimiter. RFC 2046 section 5.1.1."""
    if position - 2 >= start and data[position - 2] == 13:
        return position - 2
    return max(start, position - 1)


def _guess_boundary(data: bytes, start: int, end: int) -> bytes:
    """The first line that begins with two dashes and has a Content- field below it."""
    head = data[start : min(end, start + 16 * 1024)]
    lines = head.split(b"\n")
    for line, below in pairwise(lines):
        if line.startswith(b"--") and len(line.strip()) > 2 and below[:8].lower() == b"content-":
            return line.strip()[2:]
    return b""


def _blank_line(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the header block ends and where the body begins; both `end` when there is no blank line."""
    near = min(end, start + 16 * 1024)  # nearly always here; the far search costs the whole mail
    for limit in (near, end):
        found = [at for at in (data.find(b"\n\n", start, limit), data.find(b"\n\r\n", start, limit)) if at != -1]
        if found:
            block_end = min(found) + 1
            return block_end, data.index(b"\n", block_end, end) + 1
    return end, end


def _read_fields(block: bytes, defects: Defects, is_inner: bool) -> tuple[Fields, int | None]:
    """The fields, and where text begins that is no header, when it stands in the block."""
    lines = block.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")
    fields: list[tuple[str, str]] = []
    for number, line in enumerate(lines):
        if len(fields) >= MAX_FIELDS:
            defects.add("too-many-fields")
            break
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t"):
            _continue(fields, line, defects)
        elif colon and _is_name(name):
            fields.append((name.rstrip(), value.strip()[:MAX_FIELD_CHARS]))
        elif line and not _is_noise(line, number):
            if fields and _is_lost_fold(fields[-1][1], lines[number : number + 5]):
                defects.add("header-line-broken")
                _continue(fields, line, defects)
                continue
            if not (is_inner and number == 0):
                defects.add("header-without-end")
            return tuple(fields), _octets_before(block, number)
    return tuple(fields), None


def _octets_before(block: bytes, number: int) -> int:
    position = 0
    for _ in range(number):
        position = block.index(b"\n", position) + 1
    return position


def _continue(fields: list[tuple[str, str]], line: str, defects: Defects) -> None:
    if not fields:
        return
    name, value = fields[-1]
    if len(value) + len(line) > MAX_FIELD_CHARS:
        defects.add("field-too-long")
        return
    fields[-1] = (name, f"{value} {line.strip()}" if value else line.strip())


def _is_name(name: str) -> bool:
    """Printable ASCII without blanks (RFC 5322 section 3.6.8); a blank before the colon is obsolete but legal."""
    name = name.rstrip(" \t")
    return 0 < len(name) <= 200 and name.isascii() and name.isprintable() and " " not in name


def _starts_field(line: str) -> bool:
    name, colon, _ = line.partition(":")
    return bool(colon) and _is_name(name)


def _is_lost_fold(above: str, lines: list[str]) -> bool:
    """Is this a folded line that lost its leading blank, and the header goes on? Else the text begins here."""
    if above.endswith((";", ",")) or (above.count("<") > above.count(">") and ">" in lines[0]):
        return True
    if len(lines) > 1 and _starts_field(lines[1]):
        return True
    # Several such lines in a row: only names that no text begins with count.
    return any(line.partition(":")[0].rstrip().lower() in _SURE_NAMES and ":" in line for line in lines[2:])


def _is_noise(line: str, number: int) -> bool:
    """An mbox separator, which some programs leave on top of the header."""
    return line.startswith(("From ", ">From ")) and number < 2


def _content_type(fields: Fields, default: str) -> tuple[str, Parameters]:
    """Type and parameters. Of several fields a multipart one wins: only it makes sense of the body."""
    values = [value for name, value in fields if name.lower() == "content-type"]
    if not values:
        return default, {}
    read = [parse_parameters(value) for value in values[:5]]
    chosen = next((one for one in read if one[0].startswith("multipart/")), read[0])
    kind, parameters = chosen
    return kind if _is_type(kind) else "text/plain", parameters


def _is_type(kind: str) -> bool:
    main, slash, sub = kind.partition("/")
    return (
        bool(main and slash and sub) and " " not in kind and kind.isascii() and kind.isprintable() and len(kind) < 128
    )
