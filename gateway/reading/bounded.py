"""Read mail in a child process that may die of it (CONTRACT 5.5).

The child has limits on memory and CPU time, and no database handle; this side holds the wall clock and kills. A
breached limit would be breached again by the same bytes: such a mail is `Unreadable` for good. A death that nobody
can explain is not held against the mail: the caller may try again. It does not restart itself as a service: each
`read` starts a child when there is none.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import msgspec

from gateway.reading import frames
from gateway.reading.mail import Mail

_CHUNK: Final = 256 * 1024
_AHEAD: Final = 8  # mails sent before the answer to the first of them is there
_GRACE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class ReaderLimits:
    """What one mail may cost. Zero means no limit."""

    memory_bytes: int = 512 * 1024 * 1024  # above the child's own start; a 50 MiB mail needs about 300
    cpu_seconds: int = 5  # 50 MiB of honest mail need one; a bomb is a ticket within ten seconds
    wall_seconds: float = 30.0  # far above the CPU limit: a busy machine must not turn mail into "unreadable"
    mails_per_child: int = 2000  # what libraries leak ends with the child


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A mail that could not be read within the limits."""

    reason: str  # memory | cpu | wall | error | died
    is_deterministic: bool
    detail: str = ""  # for the log: a traceback, or what the child said last


class BoundedReader:
    """One child at a time; calls from several threads wait for each other."""

    def __init__(self, limits: ReaderLimits | None = None) -> None:
        self._limits = limits or ReaderLimits()
        self._child: _Child | None = None
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
                done, death = child.read(raws[len(results) :], moment)
                results += done
                if death is not None:
                    results.append(death)
                    self._child = None
        return results

    def _ready_child(self) -> _Child:
        if self._child is not None and self._child.is_worn():
            self._child.close()
            self._child = None
        if self._child is None:
            self._child = _Child(self._limits)
        return self._child


class _Child:
    """One process and the state of its pipes."""

    def __init__(self, limits: ReaderLimits) -> None:
        self._limits = limits
        self._left = limits.mails_per_child or sys.maxsize
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            # -P: never a module that happens to lie in the working directory.
            [sys.executable, "-P", "-m", "gateway.reading.child", str(limits.memory_bytes), str(limits.cpu_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._pipes = _pipes(self._process)
        self._in, self._out, self._err = (pipe.fileno() for pipe in self._pipes)
        for descriptor in (self._in, self._out, self._err):
            os.set_blocking(descriptor, False)
        self._received = bytearray()
        self._said = b""
        self._is_new = True

    def is_worn(self) -> bool:
        """Has it read as many mails as one child should, or has it ended?"""
        return self._left <= 0 or self._process.poll() is not None

    def close(self) -> None:
        """Close its stdin, which ends it, and wait; kill it when it does not."""
        process = self._process
        requests, answers, complaints = self._pipes
        requests.close()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        answers.close()
        complaints.close()

    def read(self, raws: Sequence[bytes], arrived: datetime) -> tuple[list[Mail | Unreadable], Unreadable | None]:
        """Answers to the first mails; and how the child died, if it did, of the mail after them."""
        batch = raws[: self._left]
        self._left -= len(batch)
        return _Conversation(self, batch, arrived).run()

    # What the conversation needs.

    def descriptors(self) -> tuple[int, int, int]:
        """Where to write, where answers come, where complaints come."""
        return self._in, self._out, self._err

    def wall_seconds(self) -> float:
        """How long the next answer may take; a new child must start first."""
        limit = self._limits.wall_seconds or float(sys.maxsize)
        return limit + (_GRACE_SECONDS if self._is_new else 0)

    def answer(self) -> bytearray | None:
        """The payload of the next complete frame."""
        if len(self._received) < frames.LENGTH.size:
            return None
        end = frames.LENGTH.size + frames.LENGTH.unpack_from(self._received)[0]
        if len(self._received) < end:
            return None
        payload = self._received[frames.LENGTH.size : end]
        del self._received[:end]
        self._is_new = False
        return payload

    def receive(self, chunk: bytes) -> None:
        """More of the answers."""
        self._received += chunk

    def complain(self, chunk: bytes) -> None:
        """What it wrote to stderr; only the end is kept."""
        self._said = (self._said + chunk)[-4000:]

    def death(self, *, is_late: bool) -> Unreadable:
        """Put an end to it, and say what it died of."""
        if is_late:
            self._process.kill()
        self.close()
        detail = self._said.decode("utf-8", "replace")
        if is_late:
            return Unreadable("wall", is_deterministic=True, detail=detail)
        if self._process.returncode == -signal.SIGXCPU:
            return Unreadable("cpu", is_deterministic=True, detail=detail)
        if "memory allocation of" in detail or "MemoryError" in detail:
            # Rust code aborts where Python raises.
            return Unreadable("memory", is_deterministic=True, detail=detail)
        return Unreadable("died", is_deterministic=False, detail=f"status {self._process.returncode}: {detail}")


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    """Its stdin, stdout and stderr, which are there because all three were asked for."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    return process.stdin, process.stdout, process.stderr


class _Conversation:
    """Sends a batch and takes the answers, never blocking on one side while the other is full."""

    def __init__(self, child: _Child, raws: Sequence[bytes], arrived: datetime) -> None:
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
