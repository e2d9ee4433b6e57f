"""Show a part tree as the standard library's `Message`, for readers that know that interface.

The tree is the same that `email.message_from_bytes` builds for sound mail, with the bounds already kept:
payloads are ASCII with surrogates for other octets (compat32), mail in mail is a list of one message, and
message/delivery-status a list of header blocks. Only text and messages have their payload: nobody looks for a
report in a picture, and it may be large.
"""

from __future__ import annotations

from email.message import Message
from typing import Final

from gateway.reading.charset import clean_text
from gateway.reading.defects import Defects
from gateway.reading.wire import Fields, Part, parse_fields, take_apart

_MAX_BLOCKS: Final = 1000
_MAX_MESSAGE_DEPTH: Final = 2  # a report encloses the mail that it is about, perhaps in a forward
_STATUS: Final = frozenset(("message/delivery-status", "message/global-delivery-status"))
_MAIL: Final = frozenset(("message/rfc822", "message/global", "message/rfc822-headers"))


def as_message(part: Part, depth: int = 0) -> Message:
    """The part and all below it."""
    message = Message()
    _set_fields(message, part.fields)
    message.set_default_type(part.content_type)
    if part.children:
        message.set_payload([as_message(child, depth) for child in part.children])
    elif part.content_type in _STATUS and not _is_encoded(part):
        message.set_payload([_block(block) for block in _blocks(part.body)])
    elif part.content_type in _MAIL and depth < _MAX_MESSAGE_DEPTH and part.body and not _is_encoded(part):
        message.set_payload([as_message(take_apart(part.body, Defects()), depth + 1)])
    elif part.content_type.startswith(("text/", "message/")) or not part.fields:
        message.set_payload(part.body.decode("ascii", "surrogateescape"))
    else:
        message.set_payload("")
    return message


def _is_encoded(part: Part) -> bool:
    """RFC 2046 forbids it and RFC 6533 allows it: such a part stays a string, and who reads it decodes it."""
    return part.first("content-transfer-encoding").strip().lower() in ("base64", "quoted-printable")


def _set_fields(message: Message, fields: Fields) -> None:
    for name, value in fields:
        # With surrogates the stdlib would make a Header object of it, and fail where other characters stand beside.
        message.set_raw(name, clean_text(value))


def _block(block: bytes) -> Message:
    message = Message()
    _set_fields(message, parse_fields(block))
    return message


def _blocks(body: bytes) -> list[bytes]:
    """Groups of fields, with blank lines between them. RFC 3464 section 2.1."""
    text = body.replace(b"\r\n", b"\n").strip(b"\n")
    return [block for block in text.split(b"\n\n", _MAX_BLOCKS)[:_MAX_BLOCKS] if block.strip()]
