"""Decode header values: encoded words (RFC 2047), raw octets, folding.

One scanner whose time is linear in the value, whatever stands in it. It accepts what mail programs really
write: words inside quotes, blanks inside words, characters split between two words, a charset with a
language (RFC 2231 section 5), missing padding.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

from gateway.reading.bounds import MAX_FIELD_CHARS
from gateway.reading.charset import codec_of, decode_octets

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_HEX: Final = "0123456789abcdefABCDEF"


def decode_value(raw: str, charset: str = "") -> str:
    """One line of readable text. `charset` is the mail's own, for raw octets that are no UTF-8."""
    raw = raw[:MAX_FIELD_CHARS]
    if "\x1b$" in raw and raw.isascii():
        # ISO-2022-JP without an encoded word, as old Japanese programs send it.
        raw = decode_octets(raw.encode("ascii"), "iso-2022-jp")[0]
    text = decode_words(raw if raw.isascii() else _decode_raw(raw, charset))
    if text.isprintable():
        return text
    return _CONTROLS.sub(" ", text).strip()


def _decode_raw(raw: str, charset: str) -> str:
    try:
        raw.encode("utf-8")
    except UnicodeEncodeError:
        return decode_octets(raw.encode("utf-8", "surrogateescape"), "" if codec_of(charset) == "utf-8" else charset)[0]
    return raw


def decode_words(value: str) -> str:
    """Replace each encoded word; neighbours of one charset are joined before they are decoded."""
    if "=?" not in value:
        return value
    pieces: list[str] = []
    octets, charset, position = b"", "", 0
    while True:
        word = _next_word(value, position)
        if word is None:
            break
        start, end, name, content = word
        between = value[position:start]
        if octets and (between.strip() or codec_of(name) != codec_of(charset)):
            pieces.append(decode_octets(octets, charset)[0])
            octets = b""
        if between.strip() or not (octets or pieces):
            pieces.append(between)
        octets, charset, position = octets + content, name, end
    if octets:
        pieces.append(decode_octets(octets, charset)[0])
    pieces.append(value[position:])
    return "".join(pieces)


def _next_word(value: str, position: int) -> tuple[int, int, str, bytes] | None:
    """The next encoded word: start, end, charset, octets."""
    start = value.find("=?", position)
    while start != -1:
        mark = value.find("?", start + 2, start + 82)
        encoding = value[mark + 1 : mark + 3].lower() if mark != -1 else ""
        if encoding in ("q?", "b?"):
            end = _word_end(value, mark + 3, encoding)
            if end == -1:
                return None
            name = value[start + 2 : mark].partition("*")[0]
            return start, end + 2, name, _word_octets(value[mark + 3 : end], encoding)
        start = value.find("=?", start + 2)
    return None


def _word_end(value: str, start: int, encoding: str) -> int:
    """Where `?=` closes the word; a raw question mark before an octet of Q is no end."""
    end = value.find("?=", start)
    while encoding == "q?" and end != -1 and end + 3 < len(value):
        if value[end + 2] not in _HEX or value[end + 3] not in _HEX:
            break
        later = value.find("?=", end + 2, end + 80)
        if later == -1 or " " in value[end:later] or "=?" in value[end + 2 : later]:
            break
        end = later
    return end


def _word_octets(content: str, encoding: str) -> bytes:
    raw = content.encode("utf-8", "surrogateescape")
    if encoding == "q?":
        return binascii.a2b_qp(raw, header=True)
    return decode_base64_leniently(raw)


def decode_base64_leniently(raw: bytes) -> bytes:
    """What can be decoded: foreign characters skipped, padding mended, text behind padding read on."""
    octets = bytearray()
    for piece in filter(None, raw.split(b"=")):
        kept = piece.translate(None, _NOT_BASE64)
        spare = len(kept) % 4
        if spare == 1:
            kept = kept[:-1]
        octets += binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))
    return bytes(octets)


_NOT_BASE64: Final = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
