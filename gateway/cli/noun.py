"""A noun: a group of verbs, each with help and an example."""

from collections.abc import Callable
from typing import TypeVar

import typer

from gateway.cli.group import Words

Verb = TypeVar("Verb", bound=Callable[..., None])


class Noun(typer.Typer):
    """A noun of the command line; `verb` adds a command to it."""

    def __init__(self, what: str) -> None:
        super().__init__(cls=Words, no_args_is_help=True, rich_markup_mode=None, help=what)

    def verb(self, name: str, example: str) -> Callable[[Verb], Verb]:
        """Add a command. Its docstring is the help; the example is shown below."""
        return self.command(name, epilog=f"Example: {example}")
