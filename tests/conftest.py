"""Fixtures that every floor's tests share: a PostgreSQL per worker, a fresh database per test."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers.postgres import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, started when the first test of this worker asks for it."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, once on each kind that the gateway runs on."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/gateway.db"
        return
    # Asked for by name, so that the server does not start for the tests on SQLite.
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"test_{secrets.token_hex(6)}"
    yield server.create(name)
    server.drop(name)
