"""Undo a part's transfer encoding. RFC 2045 section 6, and uuencode and yEnc as transfer encodings.

What does not decode is given back as it came, with the name of the defect: nothing is lost.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

from gateway.reading.uucode import decode_uu_body, decode_yenc_body
from gateway.reading.words import decode_base64_leniently

_SOFT_BREAK: Final = re.compile(rb"=[ \t]+(?=\r?\n|\Z)")
_BASE64_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n"
_IDENTITY: Final = frozenset(("", "7bit", "8bit", "binary", "7-bit", "8-bit", "7bits", "8bits", "none", "plain"))


def decode_transfer(body: bytes, encoding: str) -> tuple[bytes, str]:
    """The octets of the content, and a defect's name or an empty string."""
    name = encoding.partition("(")[0].partition(";")[0].strip(" \t\"'.").lower()
    name = "-".join(name.replace("_", "-").split())
    if name in _IDENTITY:
        return body, ""
    if name == "base64":
        return _decode_base64(body)
    if name in ("quoted-printable", "quotedprintable", "quoted-printeable", "qp"):
        return binascii.a2b_qp(_SOFT_BREAK.sub(b"=", body)), ""
    if name in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return decode_uu_body(body) or body, ""
    if name in ("x-yencode", "yencode", "x-yenc", "yenc"):
        return decode_yenc_body(body) or body, ""
    return body, "transfer-encoding-unknown"


def _decode_base64(body: bytes) -> tuple[bytes, str]:
    stripped = body.rstrip(b"\r\n\t \0")
    padding = stripped.find(b"=")
    foreign = len(stripped.translate(None, _BASE64_ALPHABET))
    if foreign == 0 and (padding == -1 or padding >= len(stripped) - 2):
        try:
            return binascii.a2b_base64(stripped), ""
        except binascii.Error:
            return decode_base64_leniently(stripped), "base64-broken"
    if foreign * 10 > len(stripped):
        # Blanks and dots between words: plain text that only claims to be base64.
        return body, "base64-missing"
    return _decode_base64_with_tail(stripped), "base64-broken"


def _decode_base64_with_tail(body: bytes) -> bytes:
    """Some list servers write their footer in plain text below the encoded text."""
    lines = body.split(b"\n")
    end = next((number for number in range(1, len(lines)) if _is_footer(lines[number - 1], lines[number])), len(lines))
    decoded = decode_base64_leniently(b"\n".join(lines[:end]))
    tail = b"\n".join(lines[end:])
    return decoded + b"\n" + tail if tail.strip() else decoded


def _is_footer(above: bytes, line: bytes) -> bool:
    """Characters that base64 has not, between words or below the padding."""
    line = line.strip()
    is_foreign = bool(line.translate(None, _BASE64_ALPHABET))
    return is_foreign and (b" " in line or above.rstrip().endswith(b"="))
