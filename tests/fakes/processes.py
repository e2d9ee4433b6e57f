"""Other processes that use the same storage: what they do stands here, since a spawned one imports it by name."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from typing import Any

from fakes.rows import arrival

from config.settings import Settings
from storage.database import open_database
from storage.migrate import open_or_make, upgrade
from storage.spool import accept
from storage.turnstile import Turnstile

# Never fork: an open SQLite connection does not survive it.
SPAWN: SpawnContext = multiprocessing.get_context("spawn")
SECONDS = 60


@contextmanager
def running(target: Any, *arguments: object) -> Iterator[SpawnProcess]:
    """A process for the time of the block; it is awaited at the end, and killed when it does not end."""
    process = SPAWN.Process(target=target, args=arguments, daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.join(SECONDS)
        if process.is_alive():
            process.kill()
    assert process.exitcode == 0


def accept_pairs(settings: Settings, barrier: Barrier, contents: list[bytes], ids: Any) -> None:
    """Accept each content at the moment when the other process does; put the ids that were answered."""
    database = open_database(settings)
    answered = []
    for content in contents:
        barrier.wait(SECONDS)
        with database.writing_connection() as connection:
            answered += accept(connection, [arrival(content)])
    database.close()
    ids.put(answered)


def upgrade_together(settings: Settings, barrier: Barrier) -> None:
    """Upgrade the database at the moment when the other process does."""
    database = open_or_make(settings)
    barrier.wait(SECONDS)
    upgrade(database)
    database.close()


def take_turns(database_file: Path, count_file: Path, ready: Event, stop: Event) -> None:
    """Take turn after turn without a pause, counting each in a file that only the holder of the turn writes."""
    turnstile = Turnstile(database_file, SECONDS)
    while not stop.is_set():
        with turnstile.turn():
            count_turn(count_file)
        ready.set()


def count_turn(count_file: Path) -> int:
    """Read the number, wait a little, write it one higher: two holders at once would lose a number."""
    number = turns_taken(count_file)
    time.sleep(0.001)  # as long as a commit takes on a good disk
    with count_file.open("r+b", buffering=0) as file:
        file.write(b"%08d" % (number + 1))  # in one go: who only looks must not see half of it
    return number + 1


def turns_taken(count_file: Path) -> int:
    """The number as it stands."""
    return int(count_file.read_bytes() or 0)
