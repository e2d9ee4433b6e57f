"""A house for every test of intake, on both databases."""

from collections.abc import Iterator

import pytest
from fakes.house import House

from config.settings import Settings
from storage.database import Database


@pytest.fixture
def house(settings: Settings, database: Database) -> Iterator[House]:
    """A gateway without its doors."""
    house = House(settings, database)
    yield house
    house.worker.close()
