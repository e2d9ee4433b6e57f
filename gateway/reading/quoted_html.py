"""Where the HTML of an answer says that an earlier mail begins, found again as a line of its text.

Mail clients mark what they quote with an element of their own, in every language alike. The HTML tells where,
and the text says what: the result is a line of the text. HTML that is too large or too deep is not parsed
(the parser takes seconds for 50,000 nested elements), nor is HTML without any of these marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from gateway.reading.quoted_header import is_forward_separator

MAX_HTML: Final = 2_000_000
MAX_ELEMENTS: Final = 60_000
MAX_DEPTH: Final = 250
MAX_UNCOUNTED: Final = 5_000  # so few elements are harmless however they nest
HEAD: Final = 60  # letters and digits by which the quotation is found in the text
SHORT_HEAD: Final = 24
MIN_HEAD: Final = 8
MAX_HEAD: Final = 400  # of text, in which those letters stand
MAX_FOLDED: Final = 6  # lines over which they may be folded
MAX_MARKS: Final = 24  # before the first letter of a line
MAX_AFTER: Final = 500

# An element that holds the quotation; what stands after it may be new.
_HOLDERS: Final = (
    "div.gmail_quote, blockquote.gmail_quote, div.gmail_quote_container, blockquote[type=cite], div.yahoo_quoted,"
    " [id^=yahoo_quoted], div[name=quote], .protonmail_quote, .tutanota_quote, .zmail_extra,"
    " #isReplyContent, #mail-editor-reference-message-container, .front-blockquote, .sh-quoted-content,"
    " [name=messageReplySection], .bloop_original_html, .WMail_Original, div.ReplyQuote, .moz-cite-prefix"
)
# An element that stands above the quotation; all that follows is old.
_HEADS: Final = (
    "[id$=divRplyFwdMsg], [id$=appendonsend], .OutlookMessageHeader, #OLK_SRC_BODY_SECTION, hr#stopSpelling,"
    " #reply-intro, hr#zwchr, .ms-outlook-mobile-reference-message, #replySplit,"
    " div[style*='border-top:solid #E1E1E1 1.0pt'], div[style*='border-top:solid #B5C4DF 1.0pt']"
)
# One of these stands in all HTML that has such an element: a cheap question before the parser is started.
_KNOWN: Final = (
    "quote",
    "Quote",
    "zmail_extra",
    "isReplyContent",
    "reference-message",
    "messageReplySection",
    "bloop_original",
    "WMail_Original",
    "divRplyFwdMsg",
    "appendonsend",
    "OutlookMessageHeader",
    "OLK_SRC_BODY",
    "moz-cite-prefix",
    "stopSpelling",
    "reply-intro",
    "zwchr",
    "replySplit",
    "#E1E1E1",
    "#B5C4DF",
)
_NO_LETTERS: Final = re.compile(r"[\W_]+")
_TAG: Final = re.compile(
    r"<(/?)(?:div|blockquote|table|tbody|tr|td|span|p|ul|ol|li|font|b|i|a|center|section)\b", re.IGNORECASE
)


def quoted_line(lines: Sequence[str], html: str | None) -> int | None:
    """The line of the text at which the quotation begins that the HTML marks, if it goes on to the end."""
    if html is None or len(html) > MAX_HTML or not any(mark in html for mark in _KNOWN) or not _is_shallow(html):
        return None
    head = _head_of_quotation(LexborHTMLParser(html))
    return None if head is None else _line_of(lines, head)


def _is_shallow(html: str) -> bool:
    elements = html.count("<")
    if elements <= MAX_UNCOUNTED:
        return True
    depth = 0
    for found in _TAG.finditer(html):
        depth += -1 if found[1] else 1
        if depth > MAX_DEPTH:
            return False
    return elements <= MAX_ELEMENTS


def _head_of_quotation(document: LexborHTMLParser) -> str | None:
    """The first letters of the quotation; None where new text follows it, as only the lines tell then."""
    document.strip_tags(["style", "script", "head"])
    node = document.css_first(f"{_HOLDERS}, {_HEADS}")
    if node is None or is_forward_separator(_first_words(node)):
        return None
    after = _after(node)
    if node.css_matches(_HOLDERS) and any(_letters(following.text()) for following in after[_own(node, after) :]):
        return None
    if any(_letters(part.text()) for part in _between_quotations(node)):
        return None
    head = _letters(node.text()[:MAX_HEAD])
    for following in after:
        if len(head) >= HEAD:
            break
        head += _letters(following.text()[:MAX_HEAD])
    return head[:HEAD] if len(head) >= MIN_HEAD else None


def _after(node: LexborNode) -> list[LexborNode]:
    """What comes after this element in the document, bounded."""
    found: list[LexborNode] = []
    at: LexborNode | None = node
    while at is not None and at.tag != "body" and len(found) < MAX_AFTER:
        following = at.next
        while following is not None and len(found) < MAX_AFTER:
            found.append(following)
            following = following.next
        at = at.parent
    return found


def _between_quotations(holder: LexborNode) -> list[LexborNode]:
    """Gmail keeps what is answered point by point within its element, between the quotations."""
    parts: list[LexborNode] = []
    is_below = False
    part = holder.first_child if holder.tag == "div" else None
    for _ in range(MAX_AFTER):
        if part is None:
            break
        is_quotation = part.tag == "blockquote"
        if is_below and not is_quotation:
            parts.append(part)
        is_below = is_below or is_quotation
        part = part.next
    return parts


def _own(node: LexborNode, after: Sequence[LexborNode]) -> int:
    """How much of what follows belongs to it: Thunderbird's attribution is one with the quotation below it."""
    if not node.css_matches(".moz-cite-prefix"):
        return 0
    return next((at + 1 for at, following in enumerate(after[:3]) if following.tag == "blockquote"), 0)


def _first_words(node: LexborNode) -> str:
    """The first piece of text below this node that says anything."""
    pieces = (child.text(deep=False) for child in node.traverse(include_text=True) if child.is_text_node)
    return next((piece for piece in pieces if piece.strip()), "")


def _letters(text: str) -> str:
    return _NO_LETTERS.sub("", text)


def _line_of(lines: Sequence[str], head: str) -> int | None:
    """The line that begins with these letters; marks, links and folding of the text say nothing."""
    begins = [at for at, line in enumerate(lines) if head[0] in line[:MAX_MARKS]]
    for wanted in (head, head[:SHORT_HEAD]):
        for at in begins:
            if _letters("".join(line[:MAX_HEAD] for line in lines[at : at + MAX_FOLDED])).startswith(wanted):
                return at
    return None
