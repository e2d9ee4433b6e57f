"""Read mail in a child process that may die of it.

This side holds the wall clock and kills. A breached limit would be breached again by the same bytes: such a mail
is `Unreadable` for good. A death that nobody can explain is not held against the mail: the caller may try again. It
does not restart itself as a service: each `read` starts a child when there is none.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from gateway.reading.child_process import ChildProcess, ReaderLimits, Unreadable
from gateway.reading.conversation import Conversation
from gateway.reading.mail import Mail


class BoundedReader:
    """One child at a time; calls from several threads wait for each other."""

    def __init__(self, limits: ReaderLimits | None = None) -> None:
        self._limits = limits or ReaderLimits()
        self._child: ChildProcess | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, trouble: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the child before it is needed."""
        with self._lock:
            self._ready_child()

    def close(self) -> None:
        """End the child."""
        with self._lock:
            if self._child is not None:
                self._child.close()
                self._child = None

    def read(self, raws: Sequence[bytes], arrived: datetime | None = None) -> list[Mail | Unreadable]:
        """What each mail says, in order."""
        moment = arrived or datetime.now(UTC)
        results: list[Mail | Unreadable] = []
        with self._lock:
            while len(results) < len(raws):
                child = self._ready_child()
                batch = child.share_of(raws[len(results) :])
                done, death = Conversation(child, batch, moment).run()
                results += done
                if death is not None:
                    results.append(death)
                    self._child = None
        return results

    def _ready_child(self) -> ChildProcess:
        if self._child is not None and self._child.is_worn():
            self._child.close()
            self._child = None
        if self._child is None:
            self._child = ChildProcess(self._limits)
        return self._child
