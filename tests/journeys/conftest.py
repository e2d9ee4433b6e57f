"""What journeys stand on: a sink for all that leaves, and a desk on each kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from journeys.desk import INBOX, Desk
from peers.gatewayproc import GatewayProc
from peers.sink import Sink


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
