"""Say by its first octets what picture a file is: what is shown in place must be what it claims to be.

Only the formats that the HTML of a mail may show are known; SVG is not among them, since it can hold scripts.
"""

from __future__ import annotations

from typing import Final

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"\0\0\1\0", "image/x-icon"),
)


def picture_type(content: bytes) -> str:
    """The content type, or an empty string when it is no picture that may be shown."""
    for signature, content_type in _SIGNATURES:
        if content.startswith(signature):
            return content_type
    is_webp = content.startswith(b"RIFF") and content[8:12] == b"WEBP"
    return "image/webp" if is_webp else ""
