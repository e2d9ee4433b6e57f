"""Open winmail.dat, in which Outlook packs what it sends as rich text (MS-OXTNEF).

tnefparse and compressed-rtf are an extra: without them the file stays an attachment as it came. tnefparse accepts
garbage without complaint, so that everything that comes out is looked at again here. What rich text says is read
in `gateway.reading.rtf`.
"""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.reading.charset import clean_text, decode_octets
from gateway.reading.rtf import RichText, read_rtf

if TYPE_CHECKING:
    from tnefparse import TNEF

_SIGNATURE: Final = b"\x78\x9f\x3e\x22"
_HEAD: Final = 6  # the signature and a key
_ATTRIBUTE: Final = struct.Struct("<BII")  # level, tag, length; MS-OXTNEF section 2.1.3.1
_CHECKSUM: Final = 2
_MAX_FILES: Final = 100
_MAX_COPIED: Final = 2_000_000_000  # octets; tnefparse copies what is left at each attribute
# Compressed; it unpacks to 8 times as much at most, in Python.
_MAX_RTF: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What was in the package."""

    text: str = ""
    html: str = ""
    files: list[tuple[str, bytes]] = field(default_factory=list)


def unpack(octets: bytes) -> Unpacked | None:
    """The content of a TNEF stream, or None when it is none or cannot be opened."""
    if not octets.startswith(_SIGNATURE) or _attributes(octets) * len(octets) > _MAX_COPIED:
        return None
    try:
        from tnefparse import TNEF  # an extra, and only one mail in thousands needs it
    except ImportError:
        return None
    logging.getLogger("tnef-decode").setLevel(logging.CRITICAL)
    try:
        package = TNEF(octets, do_checksum=False)
        files = [(_name(one), bytes(one.data or b"")) for one in package.attachments[:_MAX_FILES]]
        text, html = _words(package.body), _words(package.htmlbody)
        rich = RichText() if html else _rich(package)
        return Unpacked(text or rich.text, html or rich.html, files)
    except Exception:  # noqa: BLE001  it raises whatever the octets lead it to; the package itself is kept
        return None


def _attributes(octets: bytes) -> int:
    """How many attributes the stream has."""
    count, place = 0, _HEAD
    while place + _ATTRIBUTE.size <= len(octets):
        place += _ATTRIBUTE.size + _ATTRIBUTE.unpack_from(octets, place)[2] + _CHECKSUM
        count += 1
    return count


def _rich(package: TNEF) -> RichText:
    """The body that is there as compressed rich text only (MS-OXRTFCP)."""
    from compressed_rtf import decompress

    packed = package._rtfbody  # the public name unpacks it whatever its size
    packed = packed[0] if isinstance(packed, list) and packed else packed
    if not isinstance(packed, bytes) or len(packed) > _MAX_RTF:
        return RichText()
    try:
        return read_rtf(decompress(packed))
    except Exception:  # noqa: BLE001  it raises the bare class; the other parts of the package are sound
        return RichText()


def _name(attachment: object) -> str:
    for key in ("long_filename", "name"):
        value = getattr(attachment, key, "")
        value = value() if callable(value) else value
        if value:
            return _words(value)
    return ""


def _words(value: object) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, bytes):
        return decode_octets(value)[0]
    return clean_text(value) if isinstance(value, str) else ""
