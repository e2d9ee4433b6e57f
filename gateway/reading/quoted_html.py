"""Where the HTML of an answer says that an earlier mail begins, found again as a line of its text.

Mail clients mark what they quote with an element of their own, in every language alike. The HTML tells where,
and the text says what: the result is a line of the text. HTML that is too large or too deep is not parsed
(the parser takes seconds for 50,000 nested elements), nor is HTML without any of these marks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from gateway.reading.quoted_header import is_forward_separator

MAX_HTML: Final = 2_000_000
MAX_ELEMENTS: Final = 60_000
MAX_DEPTH: Final = 250
MAX_UNCOUNTED: Final = 2_000  # so few elements are harmless however they nest
HEAD: Final = 60  # letters and digits by which the quotation is found in the text
SHORT_HEAD: Final = 24
MIN_HEAD: Final = 8
MAX_TRIES: Final = 20

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
_KNOWN: Final = re.compile(
    r"gmail_quote|blockquote|yahoo_quoted|moz-forward|name=.?quote|protonmail_quote|tutanota_quote|zmail_extra|isReplyContent"
    r"|reference-message|front-blockquote|sh-quoted|messageReplySection|bloop_original|divRplyFwdMsg|appendonsend"
    r"|OutlookMessageHeader|OLK_SRC_BODY|moz-cite-prefix|stopSpelling|reply-intro|zwchr|replySplit|#E1E1E1|#B5C4DF"
)
_NO_LETTERS: Final = re.compile(r"[\W_]+")
_TAG: Final = re.compile(
    r"<(/?)(?:div|blockquote|table|tbody|tr|td|span|p|ul|ol|li|font|b|i|a|center|section)\b", re.IGNORECASE
)


def quoted_line(lines: Sequence[str], html: str | None) -> int | None:
    """The line of the text at which the quotation begins that the HTML marks, if it goes on to the end."""
    if html is None or len(html) > MAX_HTML or not _KNOWN.search(html) or not _is_shallow(html):
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
    if node is None or document.body is None or is_forward_separator(_first_words(node)):
        return None
    from_here = _letters(_text_from(document.body, node))
    if node.css_matches(_HOLDERS) and len(from_here) > len(_letters(_held(node))):
        return None
    return from_here[:HEAD] if len(from_here) >= MIN_HEAD else None


def _first_words(node: LexborNode) -> str:
    """The first piece of text below this node that says anything."""
    pieces = (child.text(deep=False) for child in node.traverse(include_text=True) if child.is_text_node)
    return next((piece for piece in pieces if piece.strip()), "")


def _text_from(body: LexborNode, node: LexborNode) -> str:
    """All text from this node on, in the order of the document."""
    pieces: list[str] = []
    begun = False
    for child in body.traverse(include_text=True):
        begun = begun or child.mem_id == node.mem_id
        if begun and child.is_text_node:
            pieces.append(child.text(deep=False))
    return "".join(pieces)


def _held(node: LexborNode) -> str:
    """The text of a holder; Thunderbird's attribution is one with the quotation that follows it."""
    held = node.text()
    following = node.next
    while following is not None and following.is_text_node and not following.text(deep=False).strip():
        following = following.next
    if node.css_matches(".moz-cite-prefix") and following is not None and following.tag == "blockquote":
        held += following.text()
    return held


def _letters(text: str) -> str:
    return _NO_LETTERS.sub("", text)


def _line_of(lines: Sequence[str], head: str) -> int | None:
    """The line that begins with these letters; marks, links and folding of the text say nothing."""
    starts: list[int] = []
    letters: list[str] = []
    length = 0
    for line in lines:
        starts.append(length)
        letters.append(_letters(line))
        length += len(letters[-1])
    text = "".join(letters)
    for wanted in (head, head[:SHORT_HEAD]):
        at = text.find(wanted)
        for _ in range(MAX_TRIES):
            if at < 0:
                break
            line_number = bisect_right(starts, at) - 1
            if starts[line_number] == at:
                return line_number
            at = text.find(wanted, at + 1)
    return None
