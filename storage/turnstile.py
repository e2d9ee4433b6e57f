"""One writer at a time on SQLite, fairly, over all processes of one machine.

SQLite's own lock is polled by whoever waits, so a busy process can keep a patient one out for
tens of seconds. Here a writer takes lock A, then lock B, then lets go of A: only one process at a time
waits for B, so the next turn is its own, whatever the last writer does. PostgreSQL needs none of it.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.errors import DatabaseUnavailable

# A commit takes a few of them at least; whoever waits longer asks more seldom, and never late by half his wait.
_POLL_SECONDS = 0.00005
_MAX_POLL_SECONDS = 0.005


class Turnstile:
    """Two lock files beside the database."""

    def __init__(self, database_file: Path, wait_seconds: float) -> None:
        self._waiting = f"{database_file}.turn-a"
        self._writing = f"{database_file}.turn-b"
        self._wait_seconds = wait_seconds

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the turn to write. Raises DatabaseUnavailable after the wait that the settings allow."""
        deadline = time.monotonic() + self._wait_seconds
        with _locked(self._waiting, deadline) as waiting:
            writing = _lock(self._writing, deadline)
            os.close(waiting)
        try:
            yield
        finally:
            os.close(writing)


@contextmanager
def _locked(path: str, deadline: float) -> Iterator[int]:
    descriptor = _lock(path, deadline)
    try:
        yield descriptor
    except BaseException:
        os.close(descriptor)
        raise


def _lock(path: str, deadline: float) -> int:
    # A descriptor of its own for every turn: flock belongs to the open file, so that threads
    # of one process exclude each other too. Closing it releases the lock, also when we are killed.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    pause = _POLL_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise DatabaseUnavailable(
                    "The database is busy: another process has been writing for too long"
                ) from None
            time.sleep(pause)
            pause = min(pause * 1.5, _MAX_POLL_SECONDS)
        else:
            return descriptor
