"""Fixtures that every floor's tests share: settings, and a database of its own for every test, on both kinds."""

import compileall
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.house import House
from hypothesis import settings as fuzz_settings
from peers.postgres import PostgresServer, postgres_server
from peers.s3 import S3Server, s3_server

from config.settings import Settings
from storage import ids
from storage.database import Database, open_database
from storage.migrate import open_or_make, upgrade

# `make fuzz` runs every property test with it: a hundred times as many examples as otherwise.
# `make forged` takes half of that: ten thousand mails a test.
fuzz_settings.register_profile("forged", max_examples=50 * fuzz_settings.default.max_examples, deadline=None)
fuzz_settings.register_profile("fuzz", max_examples=100 * fuzz_settings.default.max_examples, deadline=None)

PROJECT = Path(__file__).parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """Compile our own modules once: where PYTHONDONTWRITEBYTECODE is set, each process would do it for itself."""
    if not hasattr(config, "workerinput"):
        for floor in ("config", "storage", "outbound", "gateway"):
            compileall.compile_dir(PROJECT / floor, quiet=1)


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids of a process only grow: those of a test that has been in the future would be ahead of the clock for ever."""
    monkeypatch.setattr(ids, "_sequence", ids._Sequence())


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, started when the first test of this worker asks for it."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server, started when the first test of this worker asks for it."""
    with s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the newest schema: copying it is a hundred times quicker than migrating."""
    path = tmp_path_factory.mktemp("template") / "gateway.db"
    _prepare(f"sqlite:///{path}", path.parent)
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with the newest schema, to make others from."""
    name = f"template_{secrets.token_hex(6)}"
    _prepare(postgres.create(name), tmp_path_factory.mktemp("template"))
    yield name
    postgres.drop(name)


def _prepare(url: str, folder: Path) -> None:
    database = open_or_make(Settings.model_validate({"data_dir": folder, "database": {"url": url}}))
    try:
        upgrade(database)
    finally:
        database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database, once on each kind that the gateway runs on: empty, unless the test asks for `database`."""
    is_prepared = "database" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "gateway.db"
        if is_prepared:
            shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    # Asked for by name, so that the server does not start for the tests on SQLite.
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"test_{secrets.token_hex(6)}"
    yield server.create(name, request.getfixturevalue("postgres_template") if is_prepared else None)
    server.drop(name)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings with the test's own data_dir, which is there, and its own database."""
    data_dir = tmp_path / "var"
    data_dir.mkdir()
    # No test asks the host's DNS; those of authenticity start a server of their own.
    values = {"data_dir": data_dir, "database": {"url": database_url}, "dns": {"timeout_seconds": 0}}
    return Settings.model_validate(values)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """An open database with the newest schema, on SQLite and on PostgreSQL."""
    database = open_database(settings)
    yield database
    database.close()


@pytest.fixture
def house(settings: Settings, database: Database) -> Iterator[House]:
    """A gateway without its doors, whose intake runs when the test says so."""
    house = House(settings, database)
    yield house
    house.worker.close()
