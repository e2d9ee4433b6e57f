"""Help and mistakes answer at once: what is slow is not even imported.

How long it takes is measured in benchmarks/startup.py, beside Python itself: a time is no test on a shared machine.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.commandline import Cli

PROJECT = Path(__file__).parents[3]
SLOW = ("sqlmodel", "sqlalchemy", "pydantic", "structlog", "dkim", "rich", "alembic", "asyncio")


def imported(*words: str, folder: Path) -> set[str]:
    """The modules that a command imports."""
    program = (
        "import sys\nfrom gateway.cli.ending import run\n"
        "run(sys.argv[1:])\nsys.stdout.write('\\n' + ' '.join(sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ended.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "words", [["--help"], ["ticket", "--help"], ["ticket", "reply", "--help"], ["tickt"], ["ticket", "list", "--nope"]]
)
def test_help_and_mistakes_import_nothing_slow(tmp_path: Path, words: list[str]) -> None:
    """No database, no settings, no tables: typer alone."""
    assert imported(*words, folder=tmp_path).isdisjoint(SLOW)


def test_reading_mail_imports_no_database(tmp_path: Path) -> None:
    """`mail read` is bytes in, values out."""
    (tmp_path / "mail.eml").write_bytes(b"From: a@b.example\r\n\r\nHello\r\n")
    names = imported("mail", "read", "mail.eml", "--json", folder=tmp_path)
    assert names.isdisjoint({"sqlmodel", "sqlalchemy", "storage"})


def test_command_imports_no_other_noun_and_no_other_database(cli: Cli) -> None:
    """`queue list` on SQLite loads neither the other nouns nor the dialect of PostgreSQL."""
    names = imported("--config", str(cli.config), "queue", "list", folder=cli.folder)
    assert "gateway.cli.queue" in names
    assert names.isdisjoint({"gateway.cli.contact", "gateway.cli.mailbox", "sqlalchemy.dialects.postgresql"})
