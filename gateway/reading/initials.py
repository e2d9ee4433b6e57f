"""Quotation marks with the initials of whom they quote, as The Bat! and Gnus write: `AL> Did it help?`

A prompt looks the same, so that such a mark counts only where its first line stands below a line that says who
wrote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gateway.reading.attribution import read_attribution

_MARK: Final = re.compile(r" ?([^\W\d_]{1,12})>{1,9}(?:\s|$)")


def with_plain_marks(lines: Sequence[str]) -> Sequence[str]:
    """The lines with `> ` where they are marked so; the same lines where none is."""
    if not any(">" in line[1:14] for line in lines):
        return lines
    plain = list(lines)
    known: set[str] = set()
    said = -1  # the last line before this one that says anything
    for at, line in enumerate(lines):
        found = _MARK.match(line)
        if found is not None and (found[1] in known or (said >= 0 and read_attribution(lines, said) is not None)):
            known.add(found[1])
            plain[at] = f"> {line[found.end() :]}"
        said = at if line.strip() else said
    return plain
