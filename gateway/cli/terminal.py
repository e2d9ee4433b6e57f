"""Make text from mail harmless before a terminal sees it.

A subject can hold an escape sequence that clears the screen, sets the clipboard (OSC 52), hides a link
(OSC 8) or turns the reading direction round. Every field that a command prints passes through here; the
characters are shown as `\\x1b`, not dropped, so that one sees that somebody tried.
"""

import os
import re
import unicodedata

# C0 and C1 controls, DEL, line and paragraph separators, bidirectional controls (Unicode TR 9), byte order
# mark, tag characters, lone surrogates.
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_CONTROL_IN_BODY = re.compile(_CONTROL.pattern.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f"))
_TAB_WIDTH = 8


def one_line(text: str) -> str:
    """A field: no control character, and no line break either."""
    return _CONTROL.sub(_shown, text)


def body(text: str) -> str:
    """A text of several lines: line breaks stay, tabs become blanks."""
    plain = text.replace("\r\n", "\n").expandtabs(_TAB_WIDTH)
    return _CONTROL_IN_BODY.sub(_shown, plain)


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def colored(text: str, color: str) -> str:
    """A harmless text in a color (#rrggbb), bold; plain where $NO_COLOR is set or the color has a name only."""
    if not color.startswith("#") or os.environ.get("NO_COLOR"):
        return text
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"\x1b[1;38;2;{red};{green};{blue}m{text}\x1b[0m"


def width(text: str) -> int:
    """How many columns a terminal gives to a text without controls."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
