"""Help and mistakes answer at once: what is slow is not even imported.

Times are CPU times, which the load of the machine does not change much.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.commandline import Cli

PROJECT = Path(__file__).parents[3]
SLOW = ("sqlmodel", "sqlalchemy", "pydantic", "structlog", "dkim", "rich", "alembic", "asyncio")


def imported(*words: str, folder: Path) -> set[str]:
    """The packages that a command imports."""
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
    return {name.partition(".")[0] for name in ended.stdout.splitlines()[-1].split()}


def cpu_seconds(*words: str, folder: Path) -> float:
    """The CPU time of a command, the best of three."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "gateway", *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            capture_output=True,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    return min(once() for _ in range(3))


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


def test_help_takes_less_than_half_a_second(tmp_path: Path) -> None:
    """Help is there before one asks oneself where it is."""
    assert cpu_seconds("--help", folder=tmp_path) < 0.5


def test_list_of_tickets_takes_less_than_a_second_and_a_half(cli: Cli) -> None:
    """The command that agents type most, cold."""
    assert cpu_seconds("ticket", "list", folder=cli.folder) < 1.5
