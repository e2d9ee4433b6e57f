"""Colors of queues: given by a name or as #rrggbb, the same on a terminal, in a letter and in a report."""

import re

_COLOR = re.compile(r"#[0-9a-f]{6}")
_COLORS = {
    **{"red": "#c92a2a", "orange": "#d9480f", "yellow": "#e67700", "green": "#2b8a3e", "teal": "#087f5b"},
    **{"cyan": "#0b7285", "blue": "#1864ab", "purple": "#5f3dc4", "violet": "#862e9c", "pink": "#a61e4d"},
    **{"brown": "#7f4f24", "gray": "#495057", "grey": "#495057", "black": "#1f2328"},
}


def hex_color(text: str) -> str:
    """A color as #rrggbb, given so or by a name; empty for what is none: it must not bring CSS along."""
    plain = text.strip().lower()
    return plain if _COLOR.fullmatch(plain) else _COLORS.get(plain, "")
