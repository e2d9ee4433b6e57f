"""Give a batch of mails to the child process and take its answers, under a wall clock.

Neither side ever waits for the other while its own pipe is full. It starts no process and holds none: that is
`gateway.reading.bounded`.
"""

from __future__ import annotations

import os
import selectors
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway.reading import frames
from gateway.reading.child_process import ChildProcess, Unreadable
from gateway.reading.mail import Mail

_CHUNK: Final = 256 * 1024
_AHEAD: Final = 8  # mails sent before the answer to the first of them is there


class Conversation:
    """Sends a batch and takes the answers, never blocking on one side while the other is full."""

    def __init__(self, child: ChildProcess, raws: Sequence[bytes], arrived: datetime) -> None:
        self.child = child
        self.raws = raws
        self.arrived = arrived
        self.results: list[Mail | Unreadable] = []
        self.sent = 0
        self.pending: deque[memoryview] = deque()
        self.has_died = False
        self.is_out_of_memory = False

    def run(self) -> tuple[list[Mail | Unreadable], Unreadable | None]:
        """All answers, or those before the child's death."""
        sink, source, complaints = self.child.descriptors()
        with selectors.DefaultSelector() as selector:
            selector.register(source, selectors.EVENT_READ, self._receive)
            selector.register(complaints, selectors.EVENT_READ, self._complain)
            is_writing = False
            deadline = time.monotonic() + self.child.wall_seconds()
            while len(self.results) < len(self.raws):
                self._queue()
                if bool(self.pending) != is_writing:
                    is_writing = self._watch(selector, sink)
                answered = len(self.results)
                for key, _ in selector.select(max(0.0, deadline - time.monotonic())):
                    key.data(key.fd)
                if self.is_out_of_memory:
                    # It has not even taken the whole mail from the pipe: nothing more can be said to it.
                    self.child.death(is_late=True)
                    return self.results, Unreadable("memory", is_deterministic=True)
                if len(self.results) > answered:
                    deadline = time.monotonic() + self.child.wall_seconds()
                elif self.has_died or time.monotonic() >= deadline:
                    return self.results, self.child.death(is_late=not self.has_died)
        return self.results, None

    def _queue(self) -> None:
        while self.sent < len(self.raws) and self.sent - len(self.results) < _AHEAD and len(self.pending) < 2:
            self.pending.append(memoryview(frames.request(self.raws[self.sent], self.arrived)))
            self.sent += 1

    def _watch(self, selector: selectors.BaseSelector, sink: int) -> bool:
        """Ask whether the child can take more only while there is more."""
        if self.pending:
            selector.register(sink, selectors.EVENT_WRITE, self._send)
        else:
            selector.unregister(sink)
        return bool(self.pending)

    def _send(self, sink: int) -> None:
        try:
            written = os.write(sink, self.pending[0][:_CHUNK])
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.pending.clear()
            self.has_died = True
            return
        rest = self.pending[0][written:]
        if rest:
            self.pending[0] = rest
        else:
            self.pending.popleft()

    def _receive(self, source: int) -> None:
        chunk = os.read(source, _CHUNK)
        if not chunk:
            self.has_died = True
            return
        self.child.receive(chunk)
        while not self.is_out_of_memory and (payload := self.child.answer()) is not None:
            if payload[:1] == frames.MEMORY:
                self.is_out_of_memory = True
            else:
                self.results.append(_result(payload))

    def _complain(self, complaints: int) -> None:
        chunk = os.read(complaints, _CHUNK)
        self.child.complain(chunk)
        self.has_died = self.has_died or not chunk


def _result(payload: bytearray) -> Mail | Unreadable:
    kind, content = bytes(payload[:1]), memoryview(payload)[1:]
    if kind == frames.ERROR:
        return Unreadable("error", is_deterministic=True, detail=bytes(content).decode("utf-8", "replace"))
    try:
        return frames.decode_mail(content)
    except msgspec.DecodeError as trouble:
        return Unreadable("error", is_deterministic=True, detail=str(trouble))
