"""The command line run inside a test, on an installation of its own."""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from fakes.house import House

from config.files import load
from gateway.cli.ending import run
from storage.database import Database, open_database

SETTINGS = """\
data_dir = "var"
hostname = "mx.desk.example"
domain = "in.desk.example"
database = {{ url = "{url}" }}
outbound = {{ undo_seconds = 60 }}

[[listener]]
address = "127.0.0.1:1"
"""


@dataclass
class Cli:
    """One installation and its command line."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    error: str = field(default="", init=False)

    @property
    def config(self) -> Path:
        """Its settings file."""
        return self.folder / "gateway.toml"

    @cached_property
    def house(self) -> House:
        """The same installation behind its commands, with a queue Support and an agent."""
        settings = load(self.config).settings
        return House(settings, open_database(settings))

    @contextmanager
    def database(self) -> Iterator[Database]:
        """What its commands read and write, with nothing in it that they have not made."""
        with closing(open_database(load(self.config).settings)) as opened:
            yield opened

    def run(self, *words: str, stdin: str | bytes = b"", exits: int = 0) -> str:
        """What a command prints; what it says on standard error stands in `error` afterwards."""
        given = stdin.encode() if isinstance(stdin, str) else stdin
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        status = run(words)
        said = self.capsys.readouterr()
        self.error = said.err
        assert status == exits, (words, status, said.out, said.err)
        return said.out

    def json(self, *words: str, stdin: str | bytes = b"") -> Any:
        """What a command prints with --json."""
        return json.loads(self.run(*words, "--json", stdin=stdin))

    def refuses(self, *words: str, exits: int = 1, stdin: str = "") -> str:
        """The one line that a command says when it does not do what was asked."""
        assert self.run(*words, exits=exits, stdin=stdin) == ""
        lines = self.error.splitlines()
        assert len(lines) == 1, self.error
        return lines[0]

    def install(self, url: str, copied_from: Path | None = None) -> None:
        """Write the settings and make the database, or copy one that was made before: that is quicker."""
        self.config.write_text(SETTINGS.format(url=url))
        (self.folder / "var").mkdir(mode=0o700)
        if copied_from:
            copy(copied_from, self.folder / "var" / "gateway.db")
        else:
            self.run("database", "upgrade")

    def close(self) -> None:
        """Let go of the house, if a test asked for it."""
        if "house" in vars(self):
            self.house.worker.close()
            self.house.database.close()
