"""Lists of address patterns on the command line: what `gateway block` and `gateway allow` share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from gateway.cli.printing import say_json, table

Pattern = Annotated[
    str, typer.Argument(metavar="PATTERN", help="An address, @domain, @.domain (with subdomains), or with *.")
]


@dataclass(frozen=True, slots=True)
class PatternView:
    """A line of such a list."""

    pattern: str
    by: str  # who put it there; `gateway` for our own addresses
    why: str


def print_patterns(views: Sequence[PatternView], as_json: bool, empty: str) -> None:
    """The whole list."""
    if as_json:
        say_json(views)
    else:
        table(("PATTERN", "BY", "WHY"), [(v.pattern, v.by, v.why) for v in views], empty=empty)
