"""The command line run inside the test, on an installation of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.commandline import Cli

from config.settings import Settings
from storage.database import open_sqlite
from storage.migrate import upgrade


@pytest.fixture
def blank(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A command line without any settings."""
    for name in ("GATEWAY_CONFIG", "GATEWAY_AGENT", "VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Cli(tmp_path, capsys, monkeypatch)


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the schema and nothing in it."""
    path = tmp_path_factory.mktemp("new") / "gateway.db"
    database = open_sqlite(path, Settings())
    upgrade(database)
    database.close()
    return path


@pytest.fixture
def cli(blank: Cli, new_database: Path) -> Iterator[Cli]:
    """An installation on SQLite."""
    blank.install(f"sqlite:///{blank.folder}/var/gateway.db", new_database)
    yield blank
    blank.close()


@pytest.fixture
def both(blank: Cli, database_url: str) -> Iterator[Cli]:
    """An installation, once on each kind of database."""
    blank.install(database_url)
    yield blank
    blank.close()
