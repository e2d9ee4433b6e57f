"""What goes through the pipes between `gateway.reading.conversation` and the child.

A frame is four octets of length and that many octets. To the child: the arrival as a double, then the mail. From
the child: one octet that says what follows, then a `Mail` in MessagePack or a text. Dates travel as text, because
MessagePack's own timestamps forget the sender's offset.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Final

import msgspec

from gateway.reading.mail import Mail

LENGTH: Final = struct.Struct("!I")
_ARRIVED: Final = struct.Struct("!d")
MAIL: Final = b"m"
MEMORY: Final = b"o"  # MemoryError: the limit was breached
ERROR: Final = b"e"  # an exception of ours, with its traceback

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Mail)


def request(raw: bytes, arrived: datetime) -> bytes:
    """One frame that asks the child to read a mail."""
    return LENGTH.pack(_ARRIVED.size + len(raw)) + _ARRIVED.pack(arrived.timestamp()) + raw


def read_request(payload: bytes) -> tuple[bytes, datetime]:
    """What a request says."""
    (seconds,) = _ARRIVED.unpack_from(payload)
    return payload[_ARRIVED.size :], datetime.fromtimestamp(seconds, UTC)


def encode_mail(mail: Mail) -> bytes:
    """The payload that carries a mail."""
    return MAIL + _ENCODER.encode(msgspec.to_builtins(mail, builtin_types=(bytes,)))


def decode_mail(payload: bytes | bytearray | memoryview) -> Mail:
    """The mail of such a payload without its first octet, every field checked for its type."""
    return _DECODER.decode(payload)
