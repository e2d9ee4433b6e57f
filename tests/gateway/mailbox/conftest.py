"""A real IMAP server, and a gateway without its doors beside it."""

from collections.abc import Iterator
from secrets import token_hex

import pytest
from fakes.house import House
from peers.dovecot_imap import DovecotImap

from config.settings import Settings
from storage.database import Database


@pytest.fixture(scope="session")
def server() -> Iterator[DovecotImap]:
    """One server for the tests that do not stop it."""
    with DovecotImap() as running:
        yield running


@pytest.fixture
def house(settings: Settings, database: Database) -> Iterator[House]:
    """A gateway without its doors."""
    house = House(settings, database)
    yield house
    house.worker.close()


@pytest.fixture
def user() -> str:
    """Somebody with an inbox of his own."""
    return f"support-{token_hex(4)}@company.example"
