"""What the guides tell people to type exists: every command in docs/ and its options."""

import itertools
import re
import shlex
from pathlib import Path

import pytest

from gateway.cli.app import app
from gateway.cli.ending import take_globals
from gateway.cli.manual import every_command

PROJECT = Path(__file__).parents[3]
GUIDES = sorted(page for page in (PROJECT / "docs").glob("*.md") if page.name != "commands.md")
COMMANDS = every_command()
# Set in as code, or between backticks.
TYPED = re.compile(r"^ {4,}(?:\$ )?(?:[\w/.]*/)?(gateway [a-z][^\n]*)|`(gateway [a-z][^`\n]+)`", re.MULTILINE)


def typed_in(page: Path) -> list[str]:
    """The commands of a page."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    return [(one or other).strip() for one, other in TYPED.findall(text)]


def fault_of(line: str) -> str:
    """What is wrong with a command; empty when it could be typed."""
    _, words = take_globals(shlex.split(line, comments=True)[1:])
    words = list(itertools.takewhile(lambda word: word not in ("|", ">", "&&"), words))
    if not words or words[0].startswith("-"):
        return ""
    group = app.commands.get(words[0])
    if group is None:
        return f"no {words[0]!r}"
    if words[0] in COMMANDS or f"gateway {words[0]}" in COMMANDS:
        return _option_fault(f"gateway {words[0]}", words[1:])
    if len(words) == 1:
        return ""
    found = group.get_command(None, words[1])
    verbs = re.split(r"[|,]", words[1])
    if found is None:
        return "" if all(group.get_command(None, verb) for verb in verbs) else f"no {words[1]!r}"
    return _option_fault(f"gateway {words[0]} {found.name}", words[2:])


def _option_fault(name: str, words: list[str]) -> str:
    known = {option for parameter in COMMANDS[name].params for option in (*parameter.opts, *parameter.secondary_opts)}
    options = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    return ", ".join(option for option in options if option not in {*known, "--help"})


@pytest.mark.parametrize("page", [PROJECT / "README.md", *GUIDES], ids=lambda page: page.name)
def test_commands_in_a_guide_can_be_typed(page: Path) -> None:
    """Each names a command and options that there are."""
    assert {line: fault for line in typed_in(page) if (fault := fault_of(line))} == {}


def test_guide_for_agents_and_index_for_operators_are_found_from_the_readme() -> None:
    """The first page leads to both, and the index to every page there is."""
    readme = (PROJECT / "README.md").read_text()
    assert "docs/agents.md" in readme
    assert "docs/operators.md" in readme
    index = (PROJECT / "docs" / "operators.md").read_text()
    pages = {page.name for page in (PROJECT / "docs").glob("*.md")} - {"operators.md"}
    assert sorted(page for page in pages if f"({page}" not in index) == []
