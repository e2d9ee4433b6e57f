"""Write the references from the commands and the settings themselves: `python -m gateway.cli.manual PAGE...`.

The pages are docs/commands.md, docs/settings.md and docs/gateway.1; `make manual` renews them all. What stands
above the marker is written by hand and stays. A test tells when a page is out of date.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from gateway.cli.app import app
from gateway.cli.manual_man import man_page
from gateway.cli.manual_settings import settings_page

if TYPE_CHECKING:
    from typer import _click

MARKER = "<!-- What stands below is made by `make manual`. -->"
_WIDTH = 100


def manual() -> str:
    """The help of every command, in Markdown."""
    return "\n".join(_sections(app, "gateway", None))


def every_command() -> "dict[str, _click.Command]":
    """Every command that does something, by its whole name."""
    return {name: command for name, command, _ in _tree(app, "gateway", None) if not isinstance(command, TyperGroup)}


def _tree(
    command: "_click.Command", name: str, parent: "_click.Context | None"
) -> "Iterator[tuple[str, _click.Command, _click.Context]]":
    context = typer.Context(
        command, info_name=name.rpartition(" ")[2], parent=parent, terminal_width=_WIDTH, max_content_width=_WIDTH
    )
    yield name, command, context
    if isinstance(command, TyperGroup):
        for verb, below in command.commands.items():
            yield from _tree(below, f"{name} {verb}", context)


def _sections(command: "_click.Command", name: str, parent: "_click.Context | None") -> Iterator[str]:
    for found, below, context in _tree(command, name, parent):
        if isinstance(below, TyperGroup):
            yield f"## {found}\n\n{below.help}\n"
        else:
            yield f"### {found}\n\n```text\n{below.get_help(context)}\n```\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": manual,
    "settings.md": settings_page,
    "gateway.1": lambda: man_page(_tree(app, "gateway", None)),
}


def renewed(page: Path) -> str:
    """A page as it should be; what is no Markdown is all made."""
    made = PAGES[page.name]()
    if page.suffix != ".md":
        return made
    above = page.read_text(encoding="utf-8").partition(MARKER)[0]
    return f"{above}{MARKER}\n\n{made}"


def main() -> None:
    """Renew the pages."""
    for page in map(Path, sys.argv[1:]):
        page.write_text(renewed(page), encoding="utf-8")


if __name__ == "__main__":
    main()
