"""Nouns with their verbs: help in panels, near-synonyms, and a wrong word that is told the right one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from typer.core import TyperGroup

from config.errors import AskedWrongly
from gateway.cli.ondemand import OnDemand

if TYPE_CHECKING:
    # typer carries its own click and shows its types nowhere else.
    from typer import _click
    from typer.core import TyperOption

    from gateway.cli.noun import Noun

_HELP_WIDTH = 200
_FEW = 4

# Words that mean the same; a noun has one of each line, and accepts the others.
_SAME = (
    ("new", "add", "create", "make"),
    ("set", "edit", "change", "update"),
    ("list", "ls"),
    ("show", "view", "get"),
    ("remove", "delete", "rm"),
    ("reply", "answer"),
    ("search", "find"),
    ("note", "comment"),
)
# Words that mean nearly the same: they are not accepted, and told the right one.
_NEARLY = {"remove": ("retire", "archive", "drop"), "delete": ("retire", "archive", "drop"), "send": ("reply", "retry")}
# Good anywhere on the line, and taken off it before typer reads it (`ending`): typer would import pydantic
# to read them, also where somebody only mistyped a verb.
EVERYWHERE = (
    ("--config PATH", "Settings file; else $GATEWAY_CONFIG, ./gateway.toml, /etc/gateway/gateway.toml."),
    ("--as EMAIL", "Who acts; else $GATEWAY_AGENT, else the only agent."),
    ("--traceback", "Show where an error came from."),
    ("--version", "Print the version."),
)


class Words(TyperGroup):
    """A group of commands that knows what people mean."""

    def get_help_option(self, ctx: "_click.Context") -> "TyperOption | None":
        """--help, with a value from the start: for None typer imports pydantic, 0.2 s, to find out that it is false."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.default = False
        return option

    def get_command(self, ctx: "_click.Context", cmd_name: str) -> "_click.Command | None":
        """The command of this name, or of a name that means the same."""
        for same in _SAME:
            if cmd_name in same and cmd_name not in self.commands:
                return next((self.commands[word] for word in same if word in self.commands), None)
        return self.commands.get(cmd_name)

    def resolve_command(
        self, ctx: "_click.Context", args: list[str]
    ) -> tuple[str | None, "_click.Command | None", list[str]]:
        """Find the command, or say which one was meant."""
        command = self.get_command(ctx, args[0])
        if command is None:
            raise AskedWrongly(self._what_was_meant(ctx.command_path, args[0]))
        return command.name, command, args[1:]

    def _what_was_meant(self, path: str, word: str) -> str:
        # Slow to import, and only for somebody who mistyped.
        from difflib import get_close_matches

        shown = list(self.commands)
        known = shown + [other for same in _SAME for other in same if any(name in self.commands for name in same)]
        close = [word for word in _NEARLY.get(word, ()) if word in shown] or get_close_matches(word, known, n=1)
        if close:
            return f"`{path} {word}` is no command: did you mean `{path} {close[0]}`?"
        return f"`{path} {word}` is no command. There is: {', '.join(shown)}"

    def format_commands(self, ctx: "_click.Context", formatter: "_click.HelpFormatter") -> None:
        """What each verb does."""
        rows = [(name, command.get_short_help_str(_HELP_WIDTH)) for name, command in self.commands.items()]
        _write_rows(formatter, "Commands", rows)


def _write_rows(formatter: "_click.HelpFormatter", head: str, rows: Sequence[tuple[str, str]]) -> None:
    with formatter.section(head):
        formatter.write_dl(rows)


@dataclass(frozen=True, slots=True)
class Word:
    """The first word of a command: a noun, or a verb that stands alone."""

    name: str
    help: str
    file: str = ""  # where it is not that of its name

    def make(self) -> "_click.Command":
        """Import its file. A noun without a help of its own only holds verbs that stand alone."""
        noun: Noun = import_module(f"gateway.cli.{self.file or self.name}").app
        group = noun.group(self.name)
        return group if group.help else group.commands[self.name]


class Root(Words):
    """The whole command line, whose help has the options that are good everywhere, in panels."""

    def __init__(self, panels: Mapping[str, Sequence[Word]], *, what: str, example: str) -> None:
        super().__init__(
            name="gateway",
            commands=OnDemand({word.name: word.make for words in panels.values() for word in words}),  # type: ignore[arg-type]  # only read
            help=what,
            epilog=f"Example: {example}",
            no_args_is_help=True,
            # Rich help costs 0.2 seconds, and its markup eats brackets.
            rich_markup_mode=None,
        )
        self._panels = panels

    def _what_was_meant(self, path: str, word: str) -> str:
        # Somebody left the noun out.
        nouns = [name for name, command in self.commands.items() if word in getattr(command, "commands", ())]
        if nouns:
            meant = " or ".join(f"`{path} {noun} {word}`" for noun in nouns[:_FEW])
            return f"`{path} {word}` is no command: did you mean {meant}?"
        return super()._what_was_meant(path, word)

    def format_options(self, ctx: "_click.Context", formatter: "_click.HelpFormatter") -> None:
        """The options, then the commands."""
        with formatter.section("Options, good anywhere on the line"):
            formatter.write_dl([*EVERYWHERE, ("--help", "Show this.")])
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: "_click.Context", formatter: "_click.HelpFormatter") -> None:
        """The words under the heads of their panels."""
        longest = max(len(name) for name in self.commands)
        for panel, words in self._panels.items():
            _write_rows(formatter, panel, [(word.name.ljust(longest), word.help) for word in words])
