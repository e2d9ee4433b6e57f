"""Take the signed content out of an S/MIME message that hides it in its signature. RFC 8551 section 3.5.2.

Only the envelope of CMS (RFC 5652) is walked, as far as the content; no signature is checked here, and what is
encrypted stays closed. BER is read with its indefinite lengths and its strings in pieces, since Outlook writes both.
"""

from __future__ import annotations

from typing import Final

_SIGNED_DATA: Final = bytes.fromhex("2a864886f70d010702")
_DATA: Final = bytes.fromhex("2a864886f70d010701")
_SEQUENCE: Final = 0x30
_CONTEXT_0: Final = 0xA0
_OCTETS: Final = 0x04
_OCTETS_IN_PIECES: Final = 0x24
_OBJECT: Final = 0x06
_MAX_STEPS: Final = 100_000

Element = tuple[int, int, int]
"""Tag, where the content begins, where it ends; an end of -1 means: until the end-of-contents mark."""


def signed_content(octets: bytes) -> bytes | None:
    """The MIME entity that was signed, or None when this is no opaque signature."""
    try:
        return _content(octets)
    except (IndexError, ValueError):
        return None


def _content(octets: bytes) -> bytes | None:
    outer = _expect(octets, 0, _SEQUENCE)
    position = _object(octets, outer[1], _SIGNED_DATA)
    explicit = _expect(octets, position, _CONTEXT_0)
    signed = _expect(octets, explicit[1], _SEQUENCE)
    position = signed[1]
    for _ in range(2):  # version and digest algorithms
        position = _after(octets, _element(octets, position))
    inner = _expect(octets, position, _SEQUENCE)
    position = _object(octets, inner[1], _DATA)
    content = _expect(octets, position, _CONTEXT_0)
    return _string(octets, _element(octets, content[1]))


def _element(octets: bytes, position: int) -> Element:
    tag, length = octets[position], octets[position + 1]
    start = position + 2
    if length == 0x80:
        return tag, start, -1
    if length > 0x80:
        size = length - 0x80
        if size > 8:
            raise ValueError("length of more than eight octets")
        length = int.from_bytes(octets[start : start + size], "big")
        start += size
    return tag, start, min(start + length, len(octets))


def _expect(octets: bytes, position: int, tag: int) -> Element:
    found = _element(octets, position)
    if found[0] != tag:
        raise ValueError("another structure")
    return found


def _object(octets: bytes, position: int, identifier: bytes) -> int:
    """Where the element after this object identifier begins."""
    _, start, end = _expect(octets, position, _OBJECT)
    if octets[start:end] != identifier:
        raise ValueError("another content type")
    return end


def _after(octets: bytes, element: Element) -> int:
    """Where the next element begins; one without a length is walked through, without recursion."""
    _, start, end = element
    if end != -1:
        return end
    depth, position = 1, start
    for _ in range(_MAX_STEPS):
        if octets[position : position + 2] == b"\0\0":
            depth, position = depth - 1, position + 2
            if depth == 0:
                return position
            continue
        _, inner, inner_end = _element(octets, position)
        depth, position = (depth + 1, inner) if inner_end == -1 else (depth, inner_end)
    raise ValueError("too many elements")


def _string(octets: bytes, element: Element) -> bytes | None:
    tag, start, end = element
    if tag == _OCTETS:
        return octets[start:end] if end != -1 else None
    if tag != _OCTETS_IN_PIECES:
        return None
    pieces: list[bytes] = []
    limit = len(octets) if end == -1 else end
    while start < limit and octets[start : start + 2] != b"\0\0":
        piece_tag, piece_start, piece_end = _element(octets, start)
        if piece_tag != _OCTETS or piece_end == -1:
            return None
        pieces.append(octets[piece_start:piece_end])
        start = piece_end
    return b"".join(pieces)
