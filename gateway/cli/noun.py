"""A noun: a group of verbs, each with help and an example."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import typer

from gateway.cli.group import Words
from gateway.cli.ondemand import OnDemand

Verb = TypeVar("Verb", bound=Callable[..., None])


class Noun(typer.Typer):
    """A noun of the command line; `verb` adds a command to it.

    A file whose commands stand alone (`gateway status`) is a noun too, without a help of its own.
    """

    def __init__(self, what: str = "") -> None:
        super().__init__(rich_markup_mode=None)
        self._what = what

    def verb(self, name: str, example: str) -> Callable[[Verb], Verb]:
        """Add a command. Its docstring is the help; the example is shown below."""
        return self.command(name, epilog=f"Example: {example}")

    def group(self, name: str) -> Words:
        """The noun as typer runs it. Only the verb that is used is made: each costs a look at all its parameters."""
        makers = {
            str(verb.name): partial(
                typer.main.get_command_from_info, verb, pretty_exceptions_short=False, rich_markup_mode=None
            )
            for verb in self.registered_commands
        }
        return Words(
            name=name,
            commands=OnDemand(makers),  # type: ignore[arg-type]  # typer says dict, and only reads it
            help=self._what,
            no_args_is_help=True,
            rich_markup_mode=None,
        )
