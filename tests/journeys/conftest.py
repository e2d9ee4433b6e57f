"""What journeys stand on: a sink for all that leaves, a desk on each kind of database, the house of the scenarios."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.house import House
from journeys.desk import INBOX, Desk
from journeys.scene import Scene
from peers.gatewayproc import GatewayProc
from peers.sink import Sink

from config.settings import Settings
from storage.database import open_database


@pytest.fixture
def sink() -> Iterator[Sink]:
    """The world outside: it takes every mail, and keeps no strict client waiting."""
    with Sink() as running:
        yield running
        assert running.violations == []


@pytest.fixture
def desk(tmp_path: Path, database_url: str, sink: Sink) -> Iterator[Desk]:
    """A desk whose inbox forwards to the queue Support; the daemon is started by the test."""
    gateway = GatewayProc(tmp_path / "gateway", sink.port, database_url)
    yield Desk(gateway).open("--source", INBOX)
    gateway.kill()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One gateway without doors for all scenarios on a kind of database."""
    folder = tmp_path_factory.mktemp("scenarios")
    url = f"sqlite:///{folder}/gateway.db"
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), folder / "gateway.db")
    else:
        server = request.getfixturevalue("postgres")
        url = server.create("scenarios", request.getfixturevalue("postgres_template"))
    settings = Settings.model_validate({"data_dir": folder, "database": {"url": url}, "dns": {"timeout_seconds": 0}})
    database = open_database(settings)
    house = House(settings, database)
    yield house
    house.worker.close()
    database.close()
    if request.param == "postgresql":
        request.getfixturevalue("postgres").drop("scenarios")


@pytest.fixture
def scene(shared: House) -> Scene:
    """A scenario's own people and queue."""
    return Scene(shared)
