"""The parts of a report: the fields of its machine-readable part, and the id of the mail that it speaks of.

A report carries the mail that it speaks of as message/rfc822 or text/rfc822-headers (RFC 6522 section 3), or
pasted below a line of its prose. Never descends into that mail: what stands there is not the report's word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email.message import Message
from typing import Final, TypeAlias

MAX_PARTS: Final = 100
MAX_DEPTH: Final = 10
MAX_PROSE: Final = 200_000
MAX_BLOCKS: Final = 1_000
MAX_FIELD: Final = 2_000

# The stdlib's class with compat32, whose headers are strings (mostly).
Part: TypeAlias = "Message[str, str]"
Fields = dict[str, str]

_MESSAGE_ID: Final = re.compile(
    r"^[> \t]{0,8}(?:x-microsoft-original-)?message-id[ \t]{0,8}:\s{0,8}"
    r"(?:<([^<>\s]{1,400})>|([^<>\s@]{1,200}@[^<>\s]{1,200}))",
    re.IGNORECASE | re.MULTILINE,
)
_ID: Final = re.compile(r"<[^<>\s]{1,400}>")
_FIELD: Final = re.compile(r"([!-9;-~]{1,60})[ \t]{0,8}:[ \t]{0,80}(.*)")
_ORIGINALS: Final = (
    "message/rfc822",
    "text/rfc822-headers",
    "text/rfc822-header",
    "text/rfc822",
    "message/global",
    "message/global-headers",
)


def parts_of(message: Part) -> Iterator[Part]:
    """The message and its parts in their order, bounded, not those of an enclosed mail."""
    waiting = [(message, 0)]
    for _ in range(MAX_PARTS):
        if not waiting:
            return
        part, depth = waiting.pop()
        yield part
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list) and depth < MAX_DEPTH:
            waiting += [(inner, depth + 1) for inner in reversed(payload[:MAX_PARTS]) if isinstance(inner, Message)]


def decoded(part: Part) -> str:
    """The text of a part, whatever its charset says; bounded."""
    payload = part.get_payload()
    if not isinstance(payload, str):
        return ""
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() not in ("base64", "quoted-printable"):
        return _cleaned(payload[:MAX_PROSE])
    content = part.get_payload(decode=True)
    return _cleaned(content[:MAX_PROSE].decode("utf-8", "replace")) if isinstance(content, bytes) else ""


def _cleaned(text: str) -> str:
    """As a value must be: undecodable bytes and NUL are replaced."""
    return (
        text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}").replace("\r\n", "\n")
    )


def blocks_of(part: Part) -> list[Fields]:
    """The blocks of fields of a machine-readable part (RFC 3464 section 2.1); names in lower case."""
    payload = part.get_payload()
    if isinstance(payload, list):
        text = "\n\n".join(_as_text(inner) for inner in payload[:MAX_BLOCKS] if isinstance(inner, Message))
        encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
        if encoding in ("base64", "quoted-printable"):
            text = _decoded_again(text, encoding)
    else:
        text = decoded(part)
    return fields_in(text)


def _decoded_again(text: str, encoding: str) -> str:
    """The stdlib parses an encoded status part (which RFC 6533 allows) without decoding it first."""
    wrapped: Part = Message()
    wrapped["Content-Transfer-Encoding"] = encoding
    wrapped.set_payload(text.strip())
    return decoded(wrapped)


def _as_text(message: Part) -> str:
    fields = "\n".join(f"{name}: {value}" for name, value in message.items())
    payload = message.get_payload()
    return _cleaned(f"{fields}\n{payload if isinstance(payload, str) else ''}"[:MAX_PROSE])


def fields_in(text: str) -> list[Fields]:
    """Blocks of `Name: value` lines, separated by blank lines; folded lines are joined."""
    blocks: list[Fields] = [{}]
    last = ""
    for line in text.split("\n")[: 20 * MAX_BLOCKS]:
        found = _FIELD.match(line)
        if not line.strip():
            if blocks[-1] and len(blocks) < MAX_BLOCKS:
                blocks.append({})
            last = ""
        elif line[0] in " \t" and last:
            blocks[-1][last] = f"{blocks[-1][last]} {line.strip()}"[:MAX_FIELD]
        elif found is not None:
            last = found[1].lower()
            blocks[-1].setdefault(last, found[2].strip()[:MAX_FIELD])
    return [block for block in blocks if block]


def copy_in(parts: Sequence[Part], below: str) -> str:
    """The returned mail, its header at least: enclosed as a part, or else pasted below the prose."""
    enclosed = [part for part in parts if part.get_content_type() in _ORIGINALS]
    return next((text for part in enclosed if (text := _enclosed(part)).strip()), below)


def _enclosed(part: Part) -> str:
    payload = part.get_payload()
    inner = payload[0] if isinstance(payload, list) and payload and isinstance(payload[0], Message) else None
    return _as_text(inner) if inner is not None else decoded(part)


def original_message_id(parts: Sequence[Part], below: str, headers: Sequence[tuple[str, str]]) -> str:
    """The id of the mail that is reported, from the surest source to the least."""
    loose = (part for part in parts[1:] if part.get_content_type() not in _ORIGINALS)
    for text in (copy_in(parts, below), below, *map(decoded, loose)):
        if found := id_in(text):
            return found
    for wanted in ("x-microsoft-original-message-id", "in-reply-to", "references"):
        for name, value in headers:
            if name.lower() == wanted and (ids := _ID.findall(value[:4000])):
                return str(ids[-1])
    return ""


def id_in(text: str) -> str:
    """The first Message-ID field in a text, in angle brackets."""
    found = _MESSAGE_ID.search(text[:MAX_PROSE])
    return "" if found is None else f"<{found[1] or found[2]}>"
