"""A listener in a thread of its own, on a real database, and its address of one queue."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
import uvloop
from peers.rawsmtp import RawSmtp
from sqlmodel import SQLModel, select

from config.settings import Settings
from gateway.listener.part import run_listener
from storage.addresses import new_address
from storage.database import Database
from storage.migrate import open_or_make, upgrade
from storage.queues import Queue, add_queue
from storage.spool import Acceptance, Raw, Spool

_Model = TypeVar("_Model", bound=SQLModel)
DOMAIN = "in.desk.example"


@dataclass
class Door:
    """A running listener."""

    settings: Settings
    database: Database
    address: str
    ports: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop | None = None
    stop: asyncio.Event | None = None
    reload: asyncio.Event | None = None
    thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The first listener's port."""
        return self.ports[0]

    def peer(self, *, greeted: bool = True, timeout: float = 15.0) -> RawSmtp:
        """A client that has connected."""
        return RawSmtp(self.port, greeted=greeted, timeout=timeout)

    def new_address(self, local_part: str) -> str:
        """One more creation address, made by another part of the gateway."""
        with self.database.writing() as session:
            queue = session.exec(select(Queue)).one()
            return new_address(session, queue, DOMAIN, local_part=local_part).address

    def rows(self) -> list[Spool]:
        """What the spool holds."""
        return self._all(Spool)

    def acceptances(self) -> list[Acceptance]:
        """The envelopes."""
        return self._all(Acceptance)

    def raws(self) -> list[Raw]:
        """The stored bytes."""
        return self._all(Raw)

    def _all(self, model: type[_Model]) -> list[_Model]:
        with self.database.reading() as session:
            found = list(session.exec(select(model)).all())
            session.expunge_all()  # so that they outlive the block
            return found

    def ask_to_stop(self) -> None:
        """SIGTERM, as `serve_listener` hears it."""
        assert self.loop is not None
        assert self.stop is not None
        self.loop.call_soon_threadsafe(self.stop.set)

    def ask_to_reload(self) -> None:
        """SIGHUP, as `serve_listener` hears it."""
        assert self.loop is not None
        assert self.reload is not None
        self.loop.call_soon_threadsafe(self.reload.set)

    def start(self) -> None:
        """Listen."""
        ready: Future[list[str]] = Future()
        self.thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self.thread.start()
        self.names = ready.result(20)
        self.ports = [int(name.rpartition(":")[2]) for name in self.names if not name.startswith("unix:")]

    def close(self) -> None:
        """Stop, and wait for it."""
        if self.thread is not None and self.thread.is_alive():
            self.ask_to_stop()
            self.thread.join(30)
            assert not self.thread.is_alive()

    def _run(self, ready: Future[list[str]]) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._listen(ready))
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    async def _listen(self, ready: Future[list[str]]) -> None:
        self.loop, self.stop, self.reload = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        await run_listener(self.settings, self.database, self.stop, ready.set_result, reload=self.reload)


OpenDoor = Callable[..., Door]


@pytest.fixture
def open_door(tmp_path: Path) -> Iterator[OpenDoor]:
    """Start a listener with these limits (and listeners, or a database); SQLite by default."""
    with ExitStack() as stack:

        def opened(*, database_url: str = "", listener: Sequence[Mapping[str, object]] = (), **limits: object) -> Door:
            settings = Settings.model_validate(
                {
                    "data_dir": tmp_path / "var",
                    "hostname": "mx.desk.example",
                    "domain": DOMAIN,
                    "also_domains": ["old.desk.example"],
                    "database": {"url": database_url, "busy_seconds": 2},
                    "listener": list(listener) or [{"address": "127.0.0.1:0"}],
                    "limits": {"drain_seconds": 2, **limits},
                }
            )
            database = open_or_make(settings)
            stack.callback(database.close)
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            door = Door(settings, database, _address_in(database))
            door.start()
            stack.callback(door.close)
            return door

        yield opened


@pytest.fixture
def door(open_door: OpenDoor) -> Door:
    """A listener with the default limits on SQLite."""
    return open_door()


def _address_in(database: Database) -> str:
    """An address in a new database, or the one that is there already."""
    upgrade(database)
    with database.writing() as session:
        queue = session.exec(select(Queue)).first()
        if queue is None:
            queue = add_queue(session, Queue(name="Support"))
            return new_address(session, queue, DOMAIN, local_part="support").address
    return f"support@{DOMAIN}"
