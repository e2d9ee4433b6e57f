"""Write HTML as plain text that keeps links, lists, tables and quotations.

It reads tags in one pass and needs no tree, so that it also serves for HTML that must not become one. It is
meant for cleaned HTML (`gateway.reading.html`); on raw HTML it is merely safe.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TOKEN: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)([^<>]*)>|([^<]+)|<")
_TAG: Final = re.compile(r"<[^<>]*>")
_MAX_TOKENS: Final = 200_000  # a newsletter has 5,000; behind that only tags are taken out
_HREF: Final = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_ALT: Final = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_HIDDEN: Final = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_BLANKS: Final = re.compile(r"[ \t\r\n\f]+")
_PARAGRAPHS: Final = _words("p h1 h2 h3 h4 h5 h6 ul ol dl pre table blockquote dir")
_LINES: Final = _words(
    "div tr li dt dd center address article aside section header footer main nav figure figcaption caption "
    "details summary tbody thead tfoot hr br title body"
)
_SILENT: Final = _words("script style title template noscript iframe object svg math textarea select")
_VOID: Final = _words("img br hr input meta link col wbr area base source")
_MAX_QUOTE_DEPTH: Final = 20


def html_to_text(html: str) -> str:
    """The text that a reader of the HTML sees."""
    html = _without_comments(html)
    writer = _Writer(_layout_tables(html))
    for number, match in enumerate(_TOKEN.finditer(html)):
        closing, name, attributes, text = match.groups()
        if number > _MAX_TOKENS:
            writer.text(_TAG.sub(" ", html[match.start() :]))
            break
        if name:
            writer.tag(name.lower(), bool(closing), attributes)
        else:
            writer.text(text or "<")
    return writer.result()


def _without_comments(html: str) -> str:
    """Cleaned HTML has none. An open comment hides all that follows, as in a browser."""
    if "<!" not in html and "<?" not in html:
        return html
    kept: list[str] = []
    position = 0
    while (start := html.find("<!", position)) != -1:
        kept.append(html[position:start])
        is_comment = html.startswith("<!--", start)
        end = html.find("-->" if is_comment else ">", start + 2)
        if end == -1:
            return "".join(kept) if is_comment else "".join(kept) + html[start + 2 :]
        position = end + (3 if is_comment else 1)
    kept.append(html[position:])
    return "".join(kept)


_TABLE: Final = re.compile(r"<(/?)table\b", re.IGNORECASE)


def _layout_tables(html: str) -> frozenset[int]:
    """The numbers of the tables that hold other tables: they arrange the page and have no rows to keep."""
    layout: set[int] = set()
    stack: list[int] = []
    for number, match in enumerate(_TABLE.finditer(html)):
        if not match[1]:
            if stack:
                layout.add(stack[-1])
            stack.append(number)
        elif stack:
            stack.pop()
    return frozenset(layout)


def _unescape(raw: str) -> str:
    """html.unescape, without its cost for the five references that cleaned HTML is written with."""
    if raw.count("&") < 100:
        return unescape(raw)
    known = sum(raw.count(one) for one in ("&amp;", "&lt;", "&gt;", "&nbsp;", "&quot;"))
    if known < raw.count("&"):
        return unescape(raw)
    text = raw.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\xa0").replace("&quot;", '"')
    return text.replace("&amp;", "&")


class _Writer:
    """Lines so far, and what is open around the next word."""

    def __init__(self, layout_tables: frozenset[int]) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.breaks = 0  # line breaks owed before the next word
        self.space = False  # a blank owed before it
        self.quote = 0
        self.preformatted = 0
        self.lists: list[int] = []  # -1 for bullets, else the next number
        self.links: list[tuple[str, int, int]] = []  # address, words before it, place in the line
        self.tables: list[bool] = []  # is it a layout table?
        self.layout_tables = layout_tables
        self.table_tags = 0
        self.cells = 0
        self.is_cell_begun = False
        self.last_quote = 0
        self.silent: tuple[str, int] | None = None
        self.words = 0

    def result(self) -> str:
        self._end_line()
        text = "\n".join(line.rstrip() for line in self.lines)
        return text.strip("\n").replace("\xa0", " ")

    def text(self, raw: str) -> None:
        if self.silent:
            return
        text = _unescape(raw) if "&" in raw else raw
        if self.preformatted:
            self._preformatted(text)
            return
        words = _BLANKS.sub(" ", text)
        if words == " ":
            self.space = self.space or bool(self.line)
            return
        if (self.breaks or not self.line) and not words.strip(" \xa0"):
            self._owe(2)  # Word's way to write an empty line
            return
        self.space = self.space or words.startswith(" ")
        self._write(words.strip(" "))
        self.space = words.endswith(" ")

    def tag(self, name: str, is_closing: bool, attributes: str) -> None:
        if self._is_silent(name, is_closing, attributes):
            return
        if name == "br":
            self._break_line()
        elif name == "a":
            self._link(is_closing, attributes)
        elif name == "img" and not is_closing:
            self._image(attributes)
        elif name in ("td", "th"):
            self._cell(is_closing)
        elif name in _PARAGRAPHS or name in _LINES:
            self._block(name, is_closing)

    def _is_silent(self, name: str, is_closing: bool, attributes: str) -> bool:
        """Script and the like, and what is hidden: nothing until the same tag closes."""
        if self.silent:
            self.table_tags += name == "table"
            hidden, depth = self.silent
            if name == hidden:
                depth += -1 if is_closing else 1
                self.silent = (hidden, depth) if depth else None
            return True
        if not is_closing and name not in _VOID and (name in _SILENT or (attributes and _HIDDEN.search(attributes))):
            self.silent = (name, 1)
            return True
        return False

    def _block(self, name: str, is_closing: bool) -> None:
        self._owe(2 if name in _PARAGRAPHS and not (name in ("ul", "ol") and len(self.lists) > is_closing) else 1)
        if name == "blockquote":
            self._end_line()
            self.quote = max(0, self.quote - 1) if is_closing else self.quote + 1
        elif name == "pre":
            self.preformatted = max(0, self.preformatted + (-1 if is_closing else 1))
        elif name in ("ul", "ol", "dir"):
            self._list(name, is_closing)
        elif name == "li" and not is_closing:
            self._item()
        elif name == "hr":
            self._write("-" * 20)
            self._owe(1)
        elif name == "table":
            self._table(is_closing)
        elif name == "tr":
            self.cells = 0

    def _list(self, name: str, is_closing: bool) -> None:
        if not is_closing:
            self.lists.append(1 if name == "ol" else -1)
        elif self.lists:
            self.lists.pop()

    def _item(self) -> None:
        number = self.lists[-1] if self.lists else -1
        if number > 0:
            self.lists[-1] = number + 1
        indent = "  " * min(10, max(0, len(self.lists) - 1))
        self._write(f"{indent}{number}." if number > 0 else f"{indent}-")
        self.space = True

    def _table(self, is_closing: bool) -> None:
        if not is_closing:
            self.tables.append(self.table_tags in self.layout_tables)
        elif self.tables:
            self.tables.pop()
        self.table_tags += 1
        self.cells = 0

    def _cell(self, is_closing: bool) -> None:
        """The cells of a row stand on one line; those of a page's layout below each other."""
        if self.tables and self.tables[-1]:
            self._owe(1)
        elif is_closing:
            self.is_cell_begun = False
        else:
            if self.cells and self.line:
                self.breaks = 0
                self.line.append("\t")
                self.is_cell_begun = True
            self.cells += 1
            self.space = False

    def _link(self, is_closing: bool, attributes: str) -> None:
        if not is_closing:
            match = _HREF.search(attributes) if attributes else None
            href = unescape(match[1] or match[2] or match[3] or "").strip() if match else ""
            self.links.append((href, self.words, len(self.line)))
            return
        if not self.links:
            return
        href, words, start = self.links.pop()
        if self.words == words or not href.lower().startswith(("http:", "https:", "mailto:", "tel:")):
            return
        if _bare(href) not in _bare("".join(self.line[start:])):
            self.line.append(f" <{href.removeprefix('mailto:')}>")

    def _image(self, attributes: str) -> None:
        match = _ALT.search(attributes)
        alternative = " ".join(unescape(match[1] or match[2] or "").split()) if match else ""
        if alternative:
            self._write(f"[{alternative}]")

    def _preformatted(self, text: str) -> None:
        first, *rest = text.split("\n")
        if first:
            self._write(first)
        for line in rest:
            self._break_line()
            if line:
                self._write(line)

    def _break_line(self) -> None:
        """A real line break: unlike those around blocks, two of them make an empty line."""
        if self.breaks:
            self._pay()
        self._end_line(keep_empty=True)

    def _owe(self, count: int) -> None:
        if self.is_cell_begun:
            return  # the paragraph inside a cell does not leave its row
        self.breaks = max(self.breaks, count)
        self.space = False

    def _pay(self) -> None:
        if self.line:
            self._end_line()
        if self.breaks > 1 and self.lines and self.lines[-1].strip("> "):
            self.lines.append(_prefix(min(self.quote, self.last_quote)).rstrip())
        self.breaks = 0

    def _write(self, words: str) -> None:
        if self.breaks:
            self._pay()
        if self.space and self.line and not self.line[-1].endswith(("\t", " ")):
            self.line.append(" ")
        self.space = self.is_cell_begun = False
        self.line.append(words)
        self.words += 1

    def _end_line(self, *, keep_empty: bool = False) -> None:
        if self.line or keep_empty:
            self.lines.append(_prefix(self.quote) + "".join(self.line))
            self.last_quote = self.quote
        self.line = []
        self.space = False


def _prefix(depth: int) -> str:
    return "> " * min(depth, _MAX_QUOTE_DEPTH)


def _bare(address: str) -> str:
    return address.lower().removeprefix("mailto:").removeprefix("https://").removeprefix("http://").rstrip("/")
