"""Decide which mails share a commit, and when it begins: what waits goes together, and those that are about to come.

A commit costs as much as several mails. Senders that were answered together come back together, so once as many wait
as there are senders at work, they go; before that they wait a moment, at most about as long as a commit takes.
What is done with a batch, and what a mail is, is `accept`'s.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

_MAX_BATCH = 500
_MAX_BYTES = 16 * 1024 * 1024
_MAX_PATIENCE_SECONDS = 0.005
# The loop's clock has milliseconds, and is as old as the turn in which it is asked.
_CLOCK_SECONDS = 0.002

_One = TypeVar("_One")


class Gathering(Generic[_One]):
    """One batch is away at a time. Of one thread: that of its loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, hand_over: Callable[[list[_One]], None]) -> None:
        self._loop = loop
        self._hand_over = hand_over
        self._waiting: list[tuple[_One, int]] = []
        self._bytes = 0
        self._away = 0
        self._expected = 1
        self._patience = 0.0
        self._too_long: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Nothing waits, and nothing is away."""
        return not self._away and not self._waiting

    def add(self, one: _One, size: int) -> None:
        """One more, of so many bytes."""
        self._waiting.append((one, size))
        self._bytes += size
        self._consider()

    def done(self, seconds: float) -> None:
        """The batch that was away is back, after so long."""
        self._expected = min(self._away + len(self._waiting), _MAX_BATCH)
        self._patience = min(seconds + _CLOCK_SECONDS, _MAX_PATIENCE_SECONDS)
        self._away = 0
        self._consider()

    def _consider(self) -> None:
        if self._away or not self._waiting:
            return
        if len(self._waiting) >= self._expected or self._bytes >= _MAX_BYTES:
            self._go()
        elif self._too_long is None:
            self._too_long = self._loop.call_later(self._patience, self._go)

    def _go(self) -> None:
        if self._too_long is not None:
            self._too_long.cancel()
            self._too_long = None
        count = self._fitting()
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        self._bytes -= sum(size for _, size in batch)
        self._away = count
        self._hand_over([one for one, _ in batch])

    def _fitting(self) -> int:
        """How many of those that wait one commit may take."""
        if self._bytes <= _MAX_BYTES:
            return min(len(self._waiting), _MAX_BATCH)
        room, count = _MAX_BYTES, 0
        for _, size in self._waiting[:_MAX_BATCH]:
            room -= size
            if room < 0:
                break
            count += 1
        return max(count, 1)
