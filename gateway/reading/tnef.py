"""Open winmail.dat, in which Outlook packs what it sends as rich text (MS-OXTNEF).

tnefparse is an extra: without it the file stays an attachment as it came. It accepts garbage without complaint, so
that everything that comes out is looked at again here.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from gateway.reading.charset import clean_text, decode_octets

_SIGNATURE: Final = b"\x78\x9f\x3e\x22"
_MAX_FILES: Final = 100


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What was in the package."""

    text: str = ""
    html: str = ""
    files: list[tuple[str, bytes]] = field(default_factory=list)


def unpack(octets: bytes) -> Unpacked | None:
    """The content of a TNEF stream, or None when it is none or cannot be opened."""
    if not octets.startswith(_SIGNATURE):
        return None
    try:
        from tnefparse import TNEF  # an extra, and only one mail in thousands needs it
    except ImportError:
        return None
    logging.getLogger("tnef-decode").setLevel(logging.CRITICAL)
    try:
        package = TNEF(octets, do_checksum=False)
        files = [(_name(one), bytes(one.data or b"")) for one in package.attachments[:_MAX_FILES]]
        return Unpacked(_words(getattr(package, "body", "")), _words(getattr(package, "htmlbody", "")), files)
    except Exception:  # noqa: BLE001  it raises whatever the octets lead it to; the package itself is kept
        return None


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
