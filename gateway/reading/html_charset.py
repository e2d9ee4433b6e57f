"""Find the charset that an HTML document states about itself, for parts whose header states none."""

from __future__ import annotations

import re
from typing import Final

_META: Final = re.compile(rb"<meta\b[^>]{0,300}?charset\s{0,5}=\s{0,5}[\"']?([A-Za-z0-9_.:\-]{2,40})", re.IGNORECASE)


def declared_in_html(octets: bytes) -> str:
    """The charset of the first meta element, or an empty string."""
    match = _META.search(octets[:4096])
    return match[1].decode("ascii") if match else ""
