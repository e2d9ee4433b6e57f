"""How commands end: exit statuses, one line on standard error, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.commandline import Cli

import storage.overview
from gateway.cli.ending import take_globals

PROJECT = Path(__file__).parents[3]


def python(*words: str, folder: Path, shell: str = "") -> subprocess.CompletedProcess[str]:
    """The gateway as a process of its own."""
    command = [sys.executable, "-m", "gateway", *words]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.run(
        ["/bin/sh", "-c", f'"$@" {shell}', "sh", *command] if shell else command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_program_without_words_shows_its_help_and_ends_with_2(blank: Cli) -> None:
    """`gateway` alone and `gateway ticket` alone show what there is."""
    assert "Inspection:" in blank.run(exits=2)
    assert "participant" in blank.run("ticket", exits=2)


def test_help_has_three_panels(blank: Cli) -> None:
    """Commands stand under who needs them."""
    said = blank.run("--help")
    assert said.index("Agents:") < said.index("Set-up:") < said.index("Inspection:")


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (["tickt", "list"], "gateway ticket"),
        (["note", "1"], "gateway ticket note"),
        (["queue", "sett"], "gateway queue set"),
        (["address", "delete", "x@y.example"], "gateway address retire"),
        (["outbox", "send"], "gateway outbox retry"),
    ],
)
def test_wrong_word_is_told_the_right_one(blank: Cli, words: list[str], right: str) -> None:
    """A wrong noun or verb, also a verb without its noun, ends with 2 and names what was meant."""
    assert f"`{right}`" in blank.refuses(*words, exits=2)


@pytest.mark.parametrize("words", [["queue", "add", "A"], ["queue", "create", "A"], ["agent", "new", "a@b.example"]])
def test_word_that_means_the_same_is_accepted(cli: Cli, words: list[str]) -> None:
    """new, add and create are one verb, whichever of them the noun has."""
    cli.run(*words)


def test_options_that_are_good_anywhere_are_taken_from_anywhere() -> None:
    """--config and --as stand before or after the verb; what follows -- is left alone."""
    found, rest = take_globals(["ticket", "--as=a@b", "list", "--config", "x.toml", "--", "--as", "y"])
    assert found == {"--as": "a@b", "--config": "x.toml"}
    assert rest == ["ticket", "list", "--", "--as", "y"]


def test_settings_that_do_not_exist_end_with_78(blank: Cli) -> None:
    """Without settings a command says where it looked, and what to do."""
    assert "gateway init" in blank.refuses("status", exits=78)
    assert "nowhere.toml" in blank.refuses("status", "--config", "nowhere.toml", exits=78)


def test_typo_in_the_settings_ends_with_78_and_names_file_and_key(cli: Cli) -> None:
    """A wrong key is told with the right one."""
    cli.config.write_text('data_dri = "var"\n')
    said = cli.refuses("config", "check", exits=78)
    assert "gateway.toml: data_dri" in said
    assert "data_dir" in said


def test_database_that_is_not_there_ends_with_78(cli: Cli) -> None:
    """Only init, serve and database upgrade make a database."""
    (cli.folder / "var" / "gateway.db").unlink()
    assert "gateway database upgrade" in cli.refuses("ticket", "list", exits=78)
    assert not (cli.folder / "var" / "gateway.db").exists()


def test_file_that_is_no_database_ends_with_78(cli: Cli) -> None:
    """Rubbish in place of the database is an error of one line."""
    (cli.folder / "var" / "gateway.db").write_bytes(b"this is no database, but long enough to look at" * 100)
    assert "database" in cli.refuses("ticket", "list", exits=78)


def test_empty_database_is_told_to_be_upgraded(cli: Cli) -> None:
    """A database without our tables names the command that makes them."""
    (cli.folder / "var" / "gateway.db").write_bytes(b"")
    assert "gateway database upgrade" in cli.refuses("status", exits=78)


def test_error_that_nobody_expected_is_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours shows no traceback, and how to get it."""
    monkeypatch.delenv("GATEWAY_TEST_TRACEBACK", raising=False)
    monkeypatch.setattr(storage.overview, "ticket_rows", lambda *_: 1 / 0)
    assert "--traceback" in cli.refuses("ticket", "list")
    cli.run("ticket", "list", "--traceback", exits=1)
    assert "Traceback" in cli.error


def test_interrupt_ends_with_130_and_says_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is no error to talk about."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(storage.overview, "ticket_rows", interrupted)
    assert cli.run("ticket", "list", exits=130) == ""
    assert cli.error == ""


def test_reader_that_goes_away_is_no_error_to_talk_about(cli: Cli) -> None:
    """A pipe whose reader has ended leaves standard error empty."""
    ended = python("config", "show", folder=cli.folder, shell="| true")
    assert ended.stderr == ""


def test_program_is_the_module_too(cli: Cli) -> None:
    """`python -m gateway` ends with the status of its command."""
    ended = python("ticket", "show", "7", folder=cli.folder)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1
    assert "no ticket 7" in ended.stderr
