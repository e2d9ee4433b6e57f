"""Files that older programs put straight into the text: uuencode (POSIX) and yEnc 1.3.

Both are found by their begin line and taken out of the text as attachments; what does not decode stays text.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import Final

_UU_BEGIN: Final = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,255})\r?$", re.MULTILINE)
_YENC_BEGIN: Final = re.compile(rb"^=ybegin [^\r\n]{0,200}name=([^\r\n]{1,255})\r?$", re.MULTILINE)
_MAX_FILES: Final = 100


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """A file that stood in the text."""

    name: bytes
    content: bytes


def take_out_files(body: bytes) -> tuple[bytes, list[EmbeddedFile]]:
    """The text without the encoded blocks, and their files in order."""
    files: list[EmbeddedFile] = []
    if b"\nbegin" in body or body.startswith(b"begin"):
        body = _take_out(body, _UU_BEGIN, b"end", files)
    if b"=ybegin " in body:
        body = _take_out(body, _YENC_BEGIN, b"=yend", files)
    return body, files


def _take_out(body: bytes, begin: re.Pattern[bytes], end_mark: bytes, files: list[EmbeddedFile]) -> bytes:
    kept: list[bytes] = []
    position = 0
    while len(files) < _MAX_FILES:
        match = begin.search(body, position)
        if match is None:
            break
        end = _line_that_begins(body, match.end(), end_mark)
        block = body[match.end() + 1 : end]
        content = _decode_block(match, block)
        after = body.find(b"\n", end)
        after = len(body) if after == -1 else after + 1
        if content is None:
            kept.append(body[position : match.end()])
            position = match.end()
            if end == len(body):
                break
            continue
        kept.append(body[position : match.start()])
        files.append(EmbeddedFile(match[1].strip(), content))
        position = after
    kept.append(body[position:])
    return b"".join(kept)


def _line_that_begins(body: bytes, start: int, mark: bytes) -> int:
    found = body.find(b"\n" + mark, start)
    return len(body) if found == -1 else found + 1


def _decode_block(match: re.Match[bytes], block: bytes) -> bytes | None:
    if match.re is _YENC_BEGIN:
        return _decode_yenc_lines(block)
    if match[0].startswith(b"begin-base64"):
        return _decode_base64_block(block)
    return _decode_uu_lines(block)


def _decode_base64_block(block: bytes) -> bytes | None:
    try:
        return binascii.a2b_base64(block.partition(b"====")[0])
    except binascii.Error:
        return None


def _decode_uu_lines(block: bytes) -> bytes | None:
    """None when a line is no uuencode at all, so that `begin 644 times` in a sentence stays text."""
    out = bytearray()
    for line in block.splitlines():
        if not line.strip() or line in (b"`", b" "):
            continue
        decoded = _decode_uu_line(line)
        if decoded is None:
            return None
        out += decoded
    return bytes(out) or None


def _decode_uu_line(line: bytes) -> bytes | None:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # Some encoders write more characters than the length needs.
        count = ((line[0] - 32) & 63) * 4 // 3 + 3
        try:
            return binascii.a2b_uu(line[: 1 + count - count % 4 + (4 if count % 4 else 0)])
        except binascii.Error:
            return None


def _decode_yenc_lines(block: bytes) -> bytes:
    out = bytearray()
    for line in block.split(b"\n"):
        content = line.rstrip(b"\r")
        if content.startswith(b"=ypart "):
            continue
        first, *escaped = content.split(b"=")
        out += first.translate(_UNSHIFT)
        for piece in escaped:
            if piece:
                out.append((piece[0] - 64 - 42) & 0xFF)
                out += piece[1:].translate(_UNSHIFT)
    return bytes(out)


_UNSHIFT: Final = bytes((octet - 42) & 0xFF for octet in range(256))


def decode_uu_body(body: bytes) -> bytes | None:
    """A whole part that is one uuencoded file."""
    files = take_out_files(body)[1]
    return files[0].content if files else None


def decode_yenc_body(body: bytes) -> bytes | None:
    """A whole part that is one yEnc file."""
    return decode_uu_body(body)
