"""What holds for each command: help, an example, its place in the docs, and a mistake that is told in one line."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from fakes.commandline import Cli

from gateway.cli.app import PANELS, app
from gateway.cli.manual import PAGES, every_command, renewed

COMMANDS = every_command()
# These print what they do while they do it, or bytes of a mail.
WITHOUT_JSON = {"gateway serve", "gateway demo", "gateway mail raw", "gateway completion"}
DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("page", PAGES)
def test_docs_show_every_command_and_setting_as_it_is(page: str) -> None:
    """The references are those of this version; `make manual` renews them."""
    assert (DOCS / page).read_text(encoding="utf-8") == renewed(DOCS / page)


def test_every_key_of_the_example_file_stands_in_the_reference() -> None:
    """What somebody finds in gateway.toml, commented out or not, he finds in docs/settings.md too."""
    keys = re.findall(r"^(?:# )?([a-z_0-9]+) = ", (DOCS.parent / "gateway.toml").read_text(), re.MULTILINE)
    page = (DOCS / "settings.md").read_text()
    assert len(keys) > 50
    assert [key for key in keys if f"`{key}`" not in page and f".{key}]]`" not in page] == []


def test_manual_page_is_good_troff_and_has_every_command() -> None:
    """man reads it without a word of complaint."""
    page = (DOCS / "gateway.1").read_text()
    assert [name for name in COMMANDS if f".SS {name} ".replace("-", r"\-") not in page] == []
    if shutil.which("groff"):
        read = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", "-z", DOCS / "gateway.1"], capture_output=True, text=True, check=True
        )
        assert read.stderr == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_help_with_an_example_of_itself(name: str) -> None:
    """Help is a sentence, and the example below it begins with the command's own name."""
    command = COMMANDS[name]
    assert (command.help or "").partition("\n")[0].rstrip().endswith((".", ")"))
    assert (command.epilog or "").startswith(f"Example: {name}")


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - WITHOUT_JSON))
def test_command_that_reads_or_makes_has_json(name: str) -> None:
    """Whatever a command prints, a program can read."""
    assert any("--json" in parameter.opts for parameter in COMMANDS[name].params)


@pytest.mark.parametrize("name", COMMANDS)
def test_option_that_does_not_exist_is_told_in_one_line(blank: Cli, name: str) -> None:
    """A typo in an option ends with 2 and one line that names the help, and nothing has happened."""
    said = blank.refuses(*name.split()[1:], "--jsno", exits=2)
    assert "--jsno" in said
    assert f"`{name} --help`" in said


@pytest.mark.parametrize("name", [name for name in COMMANDS if name.count(" ") == 2])
def test_verb_with_a_letter_too_many_is_told_the_right_one(blank: Cli, name: str) -> None:
    """A mistyped verb is told the command that was meant."""
    _, noun, verb = name.split()
    assert f"did you mean `{name}`?" in blank.refuses(noun, verb + "x", exits=2)


def test_first_help_says_what_each_command_says_itself() -> None:
    """The first help imports no command and has its sentences from a table: they are the commands' own."""
    own = {name: command.get_short_help_str(200) for name, command in app.commands.items()}
    assert own == {word.name: word.help for words in PANELS.values() for word in words}
