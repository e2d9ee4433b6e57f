"""Another process for the time of a block. What it does must be a function of a module that it can import."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

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
