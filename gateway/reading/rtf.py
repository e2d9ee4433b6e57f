"""Read the rich text in which Outlook packs the body of a mail, as HTML or as text. MS-OXRTFEX, RTF 1.9.1.

Outlook wraps the HTML or the plain text that somebody wrote into RTF; here it comes out again as it was. Of what was
written as rich text only the words are read: no fonts, no pictures, no drawn tables. One pass over the octets; what
is no RTF gives odd words, never an exception.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.reading.charset import clean_text, codec_of
from gateway.reading.labels import words_of

MAX_OCTETS: Final = 1024 * 1024  # of RTF; the rest is not read
_HEAD: Final = (
    400  # octets in which a wrapper says what it wraps; MS-OXRTFEX section 2.1.3.1 wants the first ten tokens
)

_TOKEN: Final = re.compile(
    rb"\\(?:([a-zA-Z]{1,32})(-?\d{1,9})? ?|'([0-9a-fA-F]{2})|([^a-zA-Z']))|([{}])|([^\\{}\r\n]+)|[\r\n]+|\\"
)
_FROM_HTML: Final = rb"\fromhtml1"
_WORDS: Final = {
    "par": "\n",
    "line": "\n",
    "sect": "\n",
    "page": "\n",
    "row": "\n",
    "tab": "\t",
    "cell": "\t",
    "lquote": "\u2018",
    "rquote": "\u2019",
    "ldblquote": "\u201c",
    "rdblquote": "\u201d",
    "bullet": "\u2022",
    "endash": "\u2013",
    "emdash": "\u2014",
    "emspace": "\u2003",
    "enspace": "\u2002",
}
_SYMBOLS: Final = {b"~": "\u00a0", b"_": "\u2011", b"\n": "\n", b"\r": "\n", b"\t": "\t"}
_SIGNS: Final = frozenset((b"\\", b"{", b"}"))
# Groups that say nothing to a reader.
_SILENT: Final = frozenset(
    words_of("""
    fonttbl | colortbl | stylesheet | info | pict | object | header | footer | headerl | headerr | footerl | footerr
    """)
)
# What \fcharset means, as a number of a Windows code page; the others are the document's own.
_CODE_PAGES: Final = {
    0: 1252, 128: 932, 129: 949, 130: 1361, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255,
    178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250, 254: 437, 255: 850,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RichText:
    """What came out: the HTML that was wrapped, or the words."""

    text: str = ""
    html: str = ""


def read_rtf(rtf: bytes) -> RichText:
    """The body in this RTF; nothing where it is none."""
    if not rtf.lstrip(b"\0\r\n\t ").startswith(b"{\\rtf"):
        return RichText()
    written = _Reader(rtf[:MAX_OCTETS]).read()
    if _FROM_HTML in rtf[:_HEAD]:
        return RichText(html=written)
    return RichText(text=written.strip("\n"))


@dataclass(frozen=True, slots=True)
class _Group:
    """What holds until the group closes."""

    is_silent: bool = False  # fonts, colours and whatever else is not said
    is_tag: bool = False  # \htmltag: HTML as it was written
    is_hidden: bool = False  # \htmlrtf: the same again for readers of RTF
    codec: str = ""  # of the font; the document's own where empty
    follows: int = 1  # \uc: how many signs stand in for one of Unicode


@dataclass(slots=True)
class _Reader:
    """Words so far, and the groups that are open."""

    rtf: bytes
    group: _Group = field(default_factory=_Group)
    opened: list[_Group] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    octets: bytearray = field(default_factory=bytearray)  # not yet decoded: a character may be two of them
    codec: str = "cp1252"
    fonts: dict[int, str] = field(default_factory=dict)
    font: int = 0  # which the table of fonts describes
    skip: int = 0
    is_starred: bool = False  # \*: silent, unless it is known

    def read(self) -> str:
        """All that is said, with the halves of a pair of surrogates made one."""
        place = 0
        while found := _TOKEN.match(self.rtf, place):
            place = found.end()
            word, number, octet, symbol, brace, words = found.groups()
            if word is not None:
                place += self._word(word.decode("ascii"), None if number is None else int(number))
            elif brace is not None:
                self._brace(brace)
            elif words is not None:
                self._say_octets(words)
            elif octet is not None:
                self._say_octets(bytes.fromhex(octet.decode("ascii")))
            elif symbol is not None:
                self._symbol(symbol)
        self._decode()
        written = "".join(self.pieces)
        return clean_text(written.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))

    def _brace(self, brace: bytes) -> None:
        self.skip, self.is_starred = 0, False
        if brace == b"{":
            self.opened.append(self.group)
        elif self.opened:
            self._become(self.opened.pop())

    def _become(self, group: _Group) -> None:
        if group.codec != self.group.codec or group.is_tag != self.group.is_tag:
            self._decode()
        self.group = group

    def _word(self, word: str, number: int | None) -> int:
        """How many octets that follow are no RTF."""
        if self.is_starred:
            self.is_starred = False
            self._become(replace(self.group, is_silent=word != "htmltag", is_tag=word == "htmltag"))
        elif word in _SILENT:
            self._become(replace(self.group, is_silent=True))
        elif word == "u" and number is not None:
            self._say(chr(number & 0xFFFF))
            self.skip = self.group.follows
        elif word in _WORDS:
            self._say(_WORDS[word])
        elif word == "bin":
            return max(0, number or 0)
        else:
            self._set(word, number)
        return 0

    def _set(self, word: str, number: int | None) -> None:
        """What changes how the next words are read."""
        if word == "htmlrtf":
            self._become(replace(self.group, is_hidden=number != 0))
        elif word == "uc":
            self._become(replace(self.group, follows=min(max(number or 0, 0), 10)))
        elif word == "ansicpg":
            self.codec = codec_of(f"cp{number}") or self.codec
        elif word == "f" and self.group.is_silent:
            self.font = number or 0
        elif word == "f":
            self._become(replace(self.group, codec=self.fonts.get(number or 0, "")))
        elif word == "fcharset":
            self.fonts[self.font] = codec_of(f"cp{_CODE_PAGES.get(number or 0, '')}")

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self.is_starred = True
        elif symbol in _SIGNS:
            self._say_octets(symbol)
        elif symbol in _SYMBOLS:
            self._say(_SYMBOLS[symbol])

    def _is_said(self) -> bool:
        return not (self.group.is_silent or self.group.is_hidden)

    def _say(self, words: str) -> None:
        self.skip = 0
        if self._is_said():
            self._decode()
            self.pieces.append(words)

    def _say_octets(self, octets: bytes) -> None:
        left_out = min(self.skip, len(octets))
        self.skip -= left_out
        if self._is_said():
            self.octets += octets[left_out:]

    def _decode(self) -> None:
        if self.octets:
            codec = self.codec if self.group.is_tag or not self.group.codec else self.group.codec
            self.pieces.append(self.octets.decode(codec, "replace"))
            self.octets.clear()
