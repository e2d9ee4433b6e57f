"""The parts of a report: the fields of its machine-readable part, and the id of the mail that it speaks of.

A report carries the mail that it speaks of as message/rfc822 or text/rfc822-headers (RFC 6522 section 3), or
pasted below a line of its prose. Never descends into that mail: what stands there is not the report's word.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from email.message import Message
from typing import Final, TypeAlias

from gateway.reading.words import decode_base64_leniently

MAX_PARTS: Final = 100
MAX_DEPTH: Final = 10
MAX_PROSE: Final = 200_000
MAX_BLOCKS: Final = 1_000
MAX_FIELD: Final = 2_000

# The stdlib's class with compat32, whose headers are strings (mostly).
Part: TypeAlias = "Message[str, str]"
Fields = dict[str, str]

_REPORT_TYPE: Final = re.compile(r"report-type\s{0,8}=\s{0,8}\"?([\w-]{1,60})", re.IGNORECASE)
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


def raw_field(part: Part, name: str) -> str:
    """A field as it stands: the stdlib's own access raises for some octets, and decodes with any codec named."""
    return next((str(value) for key, value in part.raw_items() if key.lower() == name), "")


def type_of(part: Part) -> str:
    """The content type in lower case, as RFC 2045 section 5.2 has it for what is missing or broken."""
    kind = raw_field(part, "content-type").partition(";")[0].strip().lower()
    return kind if kind.count("/") == 1 else part.get_default_type() if not kind else "text/plain"


def report_type_of(message: Part) -> str:
    """The report-type of a multipart/report (RFC 6522), "unknown" without one; empty for all other mail."""
    if type_of(message) != "multipart/report":
        return ""
    found = _REPORT_TYPE.search(raw_field(message, "content-type")[:MAX_FIELD])
    return "unknown" if found is None else found[1].lower()


def payload_of(part: Part) -> list[Part] | str:
    """The parts below, or the text as it came: `get_payload` would decode it with the codec that a header names."""
    payload: object = vars(part).get("_payload")
    if isinstance(payload, list):
        return [inner for inner in payload[:MAX_BLOCKS] if isinstance(inner, Message)]
    return payload if isinstance(payload, str) else ""


def parts_of(message: Part) -> Iterator[Part]:
    """The message and its parts in their order, bounded, not those of an enclosed mail."""
    waiting = [(message, 0)]
    for _ in range(MAX_PARTS):
        if not waiting:
            return
        part, depth = waiting.pop()
        yield part
        payload = payload_of(part)
        if type_of(part).startswith("multipart/") and isinstance(payload, list) and depth < MAX_DEPTH:
            waiting += [(inner, depth + 1) for inner in reversed(payload[:MAX_PARTS])]


def decoded(part: Part) -> str:
    """The text of a part, whatever its charset says; bounded."""
    payload = payload_of(part)
    return _decoded(payload, _encoding_of(part)) if isinstance(payload, str) else ""


def _encoding_of(part: Part) -> str:
    return raw_field(part, "content-transfer-encoding").strip().lower()


def _decoded(payload: str, encoding: str) -> str:
    content = _octets(payload[: 2 * MAX_PROSE])
    if encoding == "base64":
        content = decode_base64_leniently(content)
    elif encoding == "quoted-printable":
        content = binascii.a2b_qp(content)
    return _cleaned(content[:MAX_PROSE].decode("utf-8", "replace"))


def _octets(text: str) -> bytes:
    """A payload as octets: the stdlib keeps those that are not ASCII as surrogates (PEP 383)."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _cleaned(text: str) -> str:
    """As a value must be: undecodable bytes and NUL are replaced."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").replace("\r\n", "\n")


def blocks_of(part: Part) -> list[Fields]:
    """The blocks of fields of a machine-readable part (RFC 3464 section 2.1); names in lower case."""
    payload = payload_of(part)
    if isinstance(payload, str):
        return fields_in(decoded(part))
    text = "\n\n".join(map(_as_text, payload))
    encoding = _encoding_of(part)
    # The stdlib parses an encoded status part (which RFC 6533 allows) without decoding it first.
    return fields_in(_decoded(text.strip(), encoding) if encoding in ("base64", "quoted-printable") else text)


def _as_text(message: Part) -> str:
    fields = "\n".join(f"{name}: {value}" for name, value in message.raw_items())
    payload = payload_of(message)
    return _cleaned(
        _octets(f"{fields}\n{payload if isinstance(payload, str) else ''}"[:MAX_PROSE]).decode("utf-8", "replace")
    )


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
    enclosed = [part for part in parts if type_of(part) in _ORIGINALS]
    return next((text for part in enclosed if (text := _enclosed(part)).strip()), below)


def _enclosed(part: Part) -> str:
    payload = payload_of(part)
    return decoded(part) if isinstance(payload, str) else "".join(map(_as_text, payload[:1]))


def original_message_id(parts: Sequence[Part], below: str, headers: Sequence[tuple[str, str]]) -> str:
    """The id of the mail that is reported, from the surest source to the least."""
    loose = (part for part in parts[1:] if type_of(part) not in _ORIGINALS)
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
