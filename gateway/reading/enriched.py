"""Write text/enriched (RFC 1896) and its older sister text/richtext (RFC 1341) as plain text."""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(r"<<|<(/?)([A-Za-z0-9\-]{1,60})>|(\n+)|([^<\n]+)|<")


def enriched_to_text(text: str) -> str:
    """Commands taken out; a single line break is a blank, n of them are n-1."""
    out: list[str] = []
    silent = unformatted = 0
    for match in _TOKEN.finditer(text):
        closing, name, breaks, words = match.groups()
        if name:
            step = -1 if closing else 1
            silent = max(0, silent + step * (name.lower() == "param"))
            unformatted = max(0, unformatted + step * (name.lower() == "nofill"))
            if name.lower() in ("nl", "np", "paragraph") and not silent:
                out.append("\n")
        elif silent:
            continue
        elif breaks:
            out.append(breaks if unformatted else breaks[1:] or " ")
        else:
            out.append(words or "<")
    return "".join(out)
