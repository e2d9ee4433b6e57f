"""Give a batch of mails to the child process and take its answers, under a wall clock.

Neither side ever waits for the other while its own pipe is full. It starts no process and holds none: that is
`gateway.reading.bounded`.
"""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway.reading import frames
from gateway.reading.child_process import ChildProcess, Unreadable
from gateway.reading.mail import Mail

_CHUNK: Final = 64 * 1024
# Mails sent before the answer to the first of them is there; half of them are missing before more are sent, so that
# small ones share a write.
_AHEAD: Final = 16
# To be woken for each answer of a small mail costs more than the answer: of several in work some are taken together.
_GATHER_SECONDS: Final = 0.003
_SMALL: Final = 32 * 1024  # what goes in one write; a larger mail goes alone, and is not copied once more


class Conversation:
    """Sends a batch and takes the answers, never blocking on one side while the other is full."""

    def __init__(self, child: ChildProcess, raws: Sequence[bytes], arrived: datetime) -> None:
        self.child = child
        self.raws = raws
        self.arrived = arrived
        self.results: list[Mail | Unreadable] = []
        self.sent = 0
        self.pending = memoryview(b"")
        self.has_died = False
        self.is_out_of_memory = False

    def run(self) -> tuple[list[Mail | Unreadable], Unreadable | None]:
        """All answers, or those before the child's death."""
        sink, source, complaints = self.child.descriptors()
        with selectors.DefaultSelector() as selector:
            selector.register(source, selectors.EVENT_READ, self._receive)
            selector.register(complaints, selectors.EVENT_READ, self._complain)
            is_waiting = False
            deadline = time.monotonic() + self.child.wall_seconds()
            while len(self.results) < len(self.raws):
                self._send(sink)
                if bool(self.pending) != is_waiting:
                    is_waiting = self._watch(selector, sink)
                answered = len(self.results)
                for key, _ in selector.select(max(0.0, deadline - time.monotonic())):
                    key.data(key.fd)
                if self.is_out_of_memory:
                    # It has not even taken the whole mail from the pipe: nothing more can be said to it.
                    self.child.death(is_late=True)
                    return self.results, Unreadable("memory", is_deterministic=True)
                if len(self.results) > answered:
                    deadline = time.monotonic() + self.child.wall_seconds()
                    self._let_gather()
                elif self.has_died or time.monotonic() >= deadline:
                    return self.results, self.child.death(is_late=not self.has_died)
        return self.results, None

    def _queue(self) -> None:
        if self.sent - len(self.results) > _AHEAD // 2:
            return
        requests: list[bytes] = []
        size = 0
        while self.sent < len(self.raws) and self.sent - len(self.results) < _AHEAD:
            size += len(self.raws[self.sent])
            if requests and size > _SMALL:
                break
            requests.append(frames.request(self.raws[self.sent], self.arrived))
            self.sent += 1
        self.pending = memoryview(requests[0] if len(requests) == 1 else b"".join(requests))

    def _let_gather(self) -> None:
        if self.sent - len(self.results) > _AHEAD // 4:
            time.sleep(_GATHER_SECONDS)

    def _watch(self, selector: selectors.BaseSelector, sink: int) -> bool:
        """Ask whether the child can take more only when its pipe was full."""
        if self.pending:
            selector.register(sink, selectors.EVENT_WRITE, self._send)
        else:
            selector.unregister(sink)
        return bool(self.pending)

    def _send(self, sink: int) -> None:
        """Write what the pipe takes."""
        if not self.pending:
            self._queue()
        try:
            while self.pending:
                self.pending = self.pending[os.write(sink, self.pending[:_CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.pending = memoryview(b"")
            self.has_died = True

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
