"""Read Message-ID, In-Reply-To and References. RFC 5322 section 3.6.4.

The ids are opaque text: they are cut out, bounded and put into angle brackets, and nothing in them is judged.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from gateway.reading.bounds import MAX_ID_CHARS, MAX_REFERENCES

_BRACKETED: Final = re.compile(r"<([^<>]+)>")


def message_id(value: str, raw: bytes) -> str:
    """The id of a mail; one made of its digest when it has none, so that the same bytes have the same id."""
    found = references(value)
    if found:
        return found[0]
    bare = "".join(value.split()).strip("<>")[: MAX_ID_CHARS - 2]
    if bare:
        return f"<{bare}>"
    return f"<{hashlib.sha256(raw).hexdigest()[:40]}@no-message-id.invalid>"


def references(value: str) -> tuple[str, ...]:
    """The bracketed ids, each once and in order; of very many the first and the last ones."""
    found: dict[str, None] = {}
    for match in _BRACKETED.finditer(value):
        bare = "".join(match[1].split())
        if bare and len(bare) <= MAX_ID_CHARS - 2:
            found[f"<{bare}>"] = None
    ids = tuple(found)
    if len(ids) <= MAX_REFERENCES:
        return ids
    return ids[: MAX_REFERENCES // 2] + ids[-MAX_REFERENCES // 2 :]
