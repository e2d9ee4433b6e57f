"""ISO-2022-JP as it is really sent, which no codec of the standard library reads whole.

Microsoft's variants (CP50220, CP50221) put NEC row 13, IBM's kanji and half-width kana under the escape
sequences of RFC 1468. They are all in Windows-31J, so each section is moved there and decoded by that codec.
Raw Shift_JIS or UTF-8 under this label is known by its octets above 127.
"""

from __future__ import annotations

import re
from typing import Final

_ESCAPE: Final = re.compile(rb"(\x1b(?:\([BJIH]|\$[@B]|\$\([DO]|\$A|\$\(C|&@\x1b\$B)|[\x0e\x0f])")
_KANJI: Final = frozenset((b"\x1b$@", b"\x1b$B", b"\x1b&@\x1b$B"))


def decode_jis(data: bytes) -> str:
    """The text of an ISO-2022-JP body or encoded word; what cannot be read becomes U+FFFD."""
    if not data.isascii():
        return _decode_mislabelled(data)
    try:
        return data.decode("iso2022_jp_2")
    except UnicodeDecodeError:
        return _decode_by_section(data)


def _decode_mislabelled(data: bytes) -> str:
    for codec in ("utf-8", "euc-jp", "cp932"):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    return data.decode("cp932", "replace")


def _decode_by_section(data: bytes) -> str:
    text: list[str] = []
    mode = b"\x1b(B"
    for piece in _ESCAPE.split(data):
        if _ESCAPE.fullmatch(piece):
            mode = piece
        elif mode in _KANJI:
            text.append(_decode_kanji(piece))
        elif mode in (b"\x1b(I", b"\x0e"):
            text.append(
                bytes(octet | 0x80 if 0x20 < octet < 0x60 else octet for octet in piece).decode("cp932", "replace")
            )
        elif mode == b"\x1b$(D":
            text.append(_decode_section(piece, mode, "iso2022_jp_2"))
        else:
            text.append(piece.decode("ascii", "replace"))
    return "".join(text)


def _decode_section(piece: bytes, escape: bytes, codec: str) -> str:
    return (escape + piece).decode(codec, "replace")


def _decode_kanji(piece: bytes) -> str:
    """JIS X 0208 in pairs; a line end among them returns to ASCII by RFC 1468, so pairs do not cross it."""
    out = bytearray()
    position = 0
    while position < len(piece):
        octet = piece[position]
        if octet <= 0x20 or position + 1 == len(piece):
            out.append(octet)
            position += 1
            continue
        out += _to_shift_jis(octet, piece[position + 1])
        position += 2
    return out.decode("cp932", "replace")


def _to_shift_jis(row: int, cell: int) -> bytes:
    """The arithmetic that joins two rows of JIS X 0208 into one lead octet of Shift_JIS."""
    lead = ((row - 0x21) >> 1) + 0x81
    if lead > 0x9F:
        lead += 0x40
    trail = cell + 0x7E if row % 2 == 0 else cell + 0x1F + (cell >= 0x60)
    return bytes((lead & 0xFF, trail & 0xFF))
