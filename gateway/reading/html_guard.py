"""Say whether HTML may be given to a tree builder at all.

A tree builder needs quadratic time on deep nesting (nh3: two minutes for 1 MB of `<div>`) and on tags with
thousands of attributes. One linear pass counts both beforehand. It overestimates the depth on purpose: what it
refuses is shown as text.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.reading.bounds import MAX_HTML_DEPTH


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:]{0,30})")
_BLANK: Final = re.compile(r"\s")
# These have no content, or end by themselves where the next one begins.
_FLAT: Final = _words(
    "area base basefont bgsound br col command embed frame hr img input keygen link meta param source track wbr p "
    "li dt dd option optgroup tr td th thead tbody tfoot colgroup caption html head body title"
)
_FORMATTING: Final = _words("a b big code em font i nobr s small strike strong tt u")
_MAX_REPEATED: Final = 100_000
_MAX_REFERENCE_COST: Final = 40_000_000_000  # about two seconds; 100 KB with 2,000 of them is 0.2 % of it
_MAX_TAG_CHARS: Final = 16 * 1024
_MAX_ATTRIBUTES: Final = 300


def refusal(html: str) -> str:
    """The defect that forbids to build a tree, or an empty string."""
    deepest, repeated = _measure(html)
    if deepest > MAX_HTML_DEPTH or repeated > _MAX_REPEATED:
        return "html-too-deep"
    if html.count("&") * len(html) > _MAX_REFERENCE_COST:
        # The tree builder appends each character reference to its text node by copying the node.
        return "html-too-many-references"
    return "html-too-many-attributes" if _has_giant_tag(html) else ""


def _measure(html: str) -> tuple[int, int]:
    """The greatest depth, and how often a tree builder may repeat formatting that was left open."""
    open_now: dict[str, int] = {}
    depth = deepest = formatting = repeated = 0
    for closing, written in _TAG.findall(html):
        name = written.lower()
        if name in _FLAT:
            # HTML 13.2.4.3: each new paragraph or cell gets all open bold, font and the like once more.
            repeated += formatting
            continue
        count = open_now.get(name, 0)
        if not closing:
            open_now[name] = count + 1
            depth += 1
            formatting += name in _FORMATTING
            deepest = max(deepest, depth)
        elif count:
            open_now[name] = count - 1
            depth -= 1
            formatting -= name in _FORMATTING
    return deepest, repeated


def _has_giant_tag(html: str) -> bool:
    """Long tags are all right when it is one long value, such as an image in a data: address."""
    position = html.find("<")
    while position != -1:
        following = html.find("<", position + 1)
        end = len(html) if following == -1 else following
        if end - position > _MAX_TAG_CHARS:
            tag = html[position : html.find(">", position, end)]
            if len(tag) > _MAX_TAG_CHARS and len(_BLANK.findall(tag)) > _MAX_ATTRIBUTES:
                return True
        position = following
    return False
