"""The process in which mail is read, seen from outside: its limits, its pipes and its death.

The child has limits on memory and CPU time, and no database handle. Which mail it is given, and what its answers
mean, is the conversation's affair; what runs inside it is `gateway.reading.child`.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from gateway.reading import frames

_GRACE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class ReaderLimits:
    """What one mail may cost. Zero means no limit."""

    memory_bytes: int = 512 * 1024 * 1024  # above the child's own start; a 50 MiB mail needs about 300
    cpu_seconds: int = 5  # 50 MiB of honest mail need one; a bomb is a ticket within ten seconds
    wall_seconds: float = 30.0  # far above the CPU limit: a busy machine must not turn mail into "unreadable"
    # What libraries leak ends with the child. To start one costs as much CPU time as to read a thousand small mails.
    mails_per_child: int = 20_000
    grown_bytes: int = 64 * 1024 * 1024  # and no child is kept that has grown by so much


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A mail that could not be read within the limits."""

    reason: str  # memory | cpu | wall | error | died
    is_deterministic: bool
    detail: str = ""  # for the log: a traceback, or what the child said last


class ChildProcess:
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
        self._mapped_bytes = 0  # when it had read its first mails
        self._received = bytearray()
        self._said = b""
        self._is_new = True

    def is_worn(self) -> bool:
        """Has it read as many mails as one child should, has it grown, or has it ended?"""
        return self._left <= 0 or self._process.poll() is not None or self._has_grown()

    def _has_grown(self) -> bool:
        if self._is_new or not self._limits.grown_bytes:
            return False
        mapped = _mapped_bytes(self._process.pid)
        self._mapped_bytes = self._mapped_bytes or mapped
        return mapped - self._mapped_bytes > self._limits.grown_bytes

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

    def share_of(self, raws: Sequence[bytes]) -> Sequence[bytes]:
        """As many of the mails as it may still read."""
        batch = raws[: self._left]
        self._left -= len(batch)
        return batch

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


def _mapped_bytes(pid: int) -> int:
    """What a process has mapped, by which its limit on memory is reckoned; 0 where only Linux would tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * resource.getpagesize()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    """Its stdin, stdout and stderr, which are there because all three were asked for."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    return process.stdin, process.stdout, process.stderr
