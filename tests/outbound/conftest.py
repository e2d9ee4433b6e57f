"""Desks for tests of outgoing mail."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from peers.certificates import Certificate, make_certificate
from peers.replydesk import Desk, MakeDesk, open_desk, settings_for
from peers.sink import Sink

from outbound import signin


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A server that takes everything."""
    with Sink() as running:
        yield running


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[MakeDesk]:
    """Makes a desk on SQLite: `make_desk(sink, retry_seconds=[1])`."""
    made: list[Desk] = []

    def make(sink: Sink | None = None, **outbound: object) -> Desk:
        made.append(open_desk(settings_for(tmp_path, sink, **outbound)))
        return made[-1]

    yield make
    for desk in made:
        desk.database.close()


@pytest.fixture
def desk(sink: Sink, make_desk: MakeDesk) -> Desk:
    """A desk whose only server is the sink."""
    return make_desk(sink)


@pytest.fixture
def both_desk(sink: Sink, tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """A desk on SQLite and one on PostgreSQL."""
    desk = open_desk(settings_for(tmp_path, sink, database_url))
    yield desk
    desk.database.close()


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Certificate]:
    """A certificate whose authority this process trusts."""
    made = make_certificate(tmp_path / "tls")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
    signin._tls_context.cache_clear()
    yield made
    signin._tls_context.cache_clear()
