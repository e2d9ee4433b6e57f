"""Print what commands have to say: JSON for programs, aligned text in a pipe, tables in a terminal.

Everything goes through `terminal`, so that no text from a mail steers a terminal. JSON is pure ASCII for
the same reason.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from gateway.cli import terminal

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"

_GAP = "  "
# For queues to which nobody has given a colour: each keeps its own.
_PALETTE = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_green", "bright_magenta")


class Colored(str):
    """A cell of a table with a colour: a name or #rrggbb. Without one its text chooses."""

    color: str

    def __new__(cls, text: str, color: str = "") -> "Colored":
        """The text, which is all that a pipe sees."""
        from storage.colors import hex_color  # only lists of tickets have colours; `mail read` needs no store

        cell = super().__new__(cls, text)
        cell.color = hex_color(color) or _PALETTE[sum(text.encode("utf-8", "replace")) % len(_PALETTE)]
        return cell


def say(text: str = "", value: str = "") -> None:
    """One line on standard output; a value behind it that is `Colored` is so in a terminal."""
    shown = terminal.one_line(value)
    if isinstance(value, Colored) and sys.stdout.isatty():
        shown = terminal.colored(shown, value.color)
    sys.stdout.write(f"{terminal.one_line(text)}{shown}\n")


def say_body(text: str) -> None:
    """A text of several lines on standard output."""
    sys.stdout.write(terminal.body(text).rstrip("\n") + "\n")


def complain(text: str) -> None:
    """One line on standard error."""
    sys.stdout.flush()
    sys.stderr.write(terminal.one_line(text) + "\n")
    sys.stderr.flush()


def say_json(value: object) -> None:
    """A value of ours as JSON on one line; dataclasses become objects."""
    sys.stdout.write(json.dumps(as_json(value)) + "\n")


def answer(value: object, as_json: bool, words: str) -> None:
    """What a command that made or changed something says: the object for programs, a sentence for people."""
    if as_json:
        say_json(value)
    else:
        say(words)


def as_json(value: object) -> Json:
    """Dataclasses as objects, times in ISO 8601, enums as their words."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):  # a StrEnum too
        return str(value)
    if isinstance(value, date):  # a moment too
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): as_json(part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [as_json(part) for part in value]
    if is_dataclass(value):
        return {_key(field.name): as_json(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON")


def _key(name: str) -> str:
    # `from_` stands for a key that is a word of Python.
    return name.rstrip("_")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Rows under their heads; `empty` is said when there are none."""
    if not rows:
        say(empty)
    elif sys.stdout.isatty():
        _drawn_table(columns, rows)
    else:
        _plain_table(columns, rows)


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Names and values below each other; values that are empty are left out."""
    shown = [(name, value) for name, value in pairs if value]
    longest = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        say(f"{name:<{longest}}{_GAP}", value)


def _plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    clean = [[terminal.one_line(cell) for cell in row] for row in [columns, *rows]]
    widths = [max(terminal.width(row[place]) for row in clean) for place in range(len(columns))]
    for row in clean:
        padded = [cell + " " * (width - terminal.width(cell)) for cell, width in zip(row, widths, strict=True)]
        sys.stdout.write(_GAP.join(padded).rstrip() + "\n")


def _drawn_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        # The first column names the row, so it is never cut.
        drawn.add_column(Text(column), no_wrap=place == 0, overflow="fold")
    for row in rows:
        # As Text, because rich would take [red] in a subject for markup.
        drawn.add_row(*(Text(terminal.one_line(cell), style=_style(cell)) for cell in row))
    Console(highlight=False, markup=False, emoji=False).print(drawn)


def _style(cell: str) -> str:
    return cell.color if isinstance(cell, Colored) else ""


def state_cell(state: str) -> str:
    """How something does, as a word: what fails is red."""
    return red(state) if state in ("failing", "needs-sign-in") else state


def red(text: str) -> str:
    """A text that somebody must not overlook; empty stays empty."""
    return Colored(text, "red") if text else ""


def local_time(moment: datetime | None, zone: str) -> str:
    """A time for people, in the zone of the settings; empty for none."""
    return f"{moment.astimezone(_zone(zone)):%Y-%m-%d %H:%M}" if moment else ""


@cache
def _zone(name: str) -> "ZoneInfo":
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def person(name: str, email: str) -> str:
    """Name and address for people."""
    return f"{name} <{email}>" if name and email else name or email


def size(count: int) -> str:
    """A number of bytes for people."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.0f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"


def merged(value: object, **more: object) -> Json:
    """The JSON object of a dataclass with some keys more."""
    whole = as_json(value)
    assert isinstance(whole, dict)
    return whole | {name: as_json(part) for name, part in more.items()}
