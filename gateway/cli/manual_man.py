"""The manual page gateway(1), from the commands' own help: see `gateway.cli.manual`. man(7) is its language."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from typer.core import TyperGroup

from gateway.cli.group import EVERYWHERE

if TYPE_CHECKING:
    from typer import _click

_STATUS = (
    ("0", "Done."),
    ("1", "It could not be done, or was refused."),
    ("2", "Asked wrongly."),
    ("67", "Unknown recipient (mail inject)."),
    ("75", "Try again (mail inject, and a database that does not answer)."),
    ("78", "Something is wrong in the settings."),
    ("130", "Interrupted."),
)
_FILES = (
    ("./gateway.toml, /etc/gateway/gateway.toml", "The settings, where --config and $GATEWAY_CONFIG name no other."),
    ("data_dir/drafts", "Texts of answers that were refused."),
)
_VARIABLES = (
    ("GATEWAY_CONFIG", "The settings file."),
    ("GATEWAY_AGENT", "Who acts; --as goes first."),
    ("GATEWAY_SECTION__KEY", "Goes over one key of the settings, like GATEWAY_DATABASE__URL."),
    ("VISUAL, EDITOR", "Where texts are written that are neither given with -m nor on standard input."),
)


def man_page(tree: "Iterable[tuple[str, _click.Command, _click.Context]]") -> str:
    """The page, of the commands with their whole names."""
    return "\n".join(_lines(tree)) + "\n"


def _lines(tree: "Iterable[tuple[str, _click.Command, _click.Context]]") -> Iterator[str]:
    yield '.TH GATEWAY 1 "" "mail-ticket-gateway" "User Commands"'
    yield from (".SH NAME", r"gateway \- turn forwarded mail into tickets, and answer back")
    yield from (".SH SYNOPSIS", r".B gateway", r"[\fIOPTIONS\fR] \fINOUN VERB\fR [\fIARGS\fR]...")
    yield from (".SH OPTIONS", "They are good anywhere on the line.", *_items((*EVERYWHERE, ("--help", "Show help."))))
    yield ".SH COMMANDS"
    for name, command, context in tree:
        yield from _command(name, command, context)
    for head, rows in (("EXIT STATUS", _STATUS), ("FILES", _FILES), ("ENVIRONMENT", _VARIABLES)):
        yield from (f".SH {head}", *_items(rows))


def _command(name: str, command: "_click.Command", context: "_click.Context") -> Iterator[str]:
    if isinstance(command, TyperGroup):
        return
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (f".SS {_plain(name)} {_plain(usage)}", *_paragraphs(command.help or ""))
    records = [record for parameter in command.get_params(context) if (record := parameter.get_help_record(context))]
    yield from _items((words, help_) for words, help_ in records if words != "--help")
    if command.epilog:
        yield from (".PP", _plain(command.epilog))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield from (".PP", _plain(" ".join(paragraph.split())))


def _items(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for words, what in rows:
        yield from (".TP", rf"\fB{_plain(words)}\fR", _plain(" ".join(what.split())))


def _plain(text: str) -> str:
    """Text that troff prints as it is."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped
