"""Find words in a body that may be a mark of ours: `ref:` and base32, as text or as the name of a class.

Answers quote what they answer; so a mark in our text comes back when every header is lost. Outlook puts `x_` before
the names of classes, and others reflow or quote the text: the word itself stays. Whether a mark is ours is
`outbound.marks`' question; here nothing is judged.
"""

from __future__ import annotations

import re
from typing import Final

_REF: Final = re.compile(r"ref[:_-]([a-z2-7]{50})(?![a-z2-7])", re.IGNORECASE)
_MAX_CHARS: Final = 1_000_000
_MAX_REFS: Final = 8


def find_refs(*bodies: str) -> tuple[str, ...]:
    """The words, lower-case, each once and in order; a few of them."""
    found: dict[str, None] = {}
    for body in bodies:
        for match in _REF.finditer(body, 0, _MAX_CHARS):
            found[match[1].lower()] = None
            if len(found) == _MAX_REFS:
                return tuple(found)
    return tuple(found)
