"""Read the parameters of Content-Type and Content-Disposition. RFC 2045 section 5.1, RFC 2231.

One pass, bounded in number; nothing is decoded but RFC 2231's percent signs and charset, since only
a file name needs more than that.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from gateway.reading.bounds import MAX_PARAMETERS
from gateway.reading.charset import decode_octets

Parameters = dict[str, str]


def parse_parameters(value: str) -> tuple[str, Parameters]:
    """The value before the first semicolon in lower case, and the parameters by their lower-case names."""
    pieces = _pieces(value)
    plain: Parameters = {}
    extended: dict[str, dict[int, tuple[str, bool]]] = {}
    for piece in pieces[1:]:
        name, equals, content = piece.partition("=")
        name = name.strip().lower()
        if not equals or not name:
            continue
        if "*" in name:
            _remember(extended, name, _unquote(content))
        else:
            plain.setdefault(name, _unquote(content))
    for name, sections in extended.items():
        joined = _join(sections)
        if joined:
            # The extended form is the exact one; the plain one beside it is for old readers. RFC 6266 section 4.3.
            plain[name] = joined
    return pieces[0].strip().lower(), plain


def _pieces(value: str) -> list[str]:
    """Cut at semicolons outside of quoted strings."""
    if '"' not in value:
        return value.split(";", MAX_PARAMETERS + 1)[: MAX_PARAMETERS + 1]
    pieces: list[str] = []
    start = position = 0
    while len(pieces) <= MAX_PARAMETERS:
        semicolon = value.find(";", position)
        if semicolon == -1:
            pieces.append(value[start:])
            break
        quote = value.find('"', position, semicolon)
        closing = _closing_quote(value, quote) if quote != -1 else -1
        if closing != -1:
            position = closing + 1
            continue
        pieces.append(value[start:semicolon])
        start = position = semicolon + 1
    return pieces


def _closing_quote(value: str, opening: int) -> int:
    position = value.find('"', opening + 1)
    while position != -1 and _is_escaped(value, position):
        position = value.find('"', position + 1)
    return position


def _is_escaped(value: str, position: int) -> bool:
    """`C:\\dir\\"` is a Windows path that ends, not an escaped quote: what follows tells."""
    if value[position - 1] != "\\" or value[position - 2 : position] == "\\\\":
        return False
    return value[position + 1 : position + 20].lstrip()[:1] not in ("", ";")


def _unquote(content: str) -> str:
    content = content.strip()
    if not content.startswith('"'):
        return content
    content = content[1:]
    closing = _closing_quote('"' + content, 0) - 1
    if closing >= 0:
        content = content[:closing]
    return content.replace('\\"', '"').replace("\\\\", "\\")


def _remember(extended: dict[str, dict[int, tuple[str, bool]]], name: str, content: str) -> None:
    """File one `name*`, `name*0` or `name*0*` section under its name and number."""
    base, _, section = name.partition("*")
    is_encoded = section.endswith("*") or section == ""
    number = section.rstrip("*") or "0"
    if base and number.isascii() and number.isdigit() and len(number) < 4:
        extended.setdefault(base, {}).setdefault(int(number), (content, is_encoded))


def _join(sections: dict[int, tuple[str, bool]]) -> str:
    """Put the sections of one value together; the first one names the charset. RFC 2231 section 4.1."""
    charset, octets = "", bytearray()
    for place, number in enumerate(sorted(sections)):
        content, is_encoded = sections[number]
        if place == 0 and is_encoded and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)
        raw = content.encode("utf-8", "surrogateescape")
        octets += unquote_to_bytes(raw) if is_encoded else raw
    return decode_octets(bytes(octets), charset)[0]
