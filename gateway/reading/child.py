"""The process that reads mail under limits: frames in on stdin, frames out on stdout, no database, no settings.

It is started by `gateway.reading.child_process` as `python -m gateway.reading.child MEMORY CPU` and ends when its stdin
does. A mail that breaks a limit breaks this process only.
"""

from __future__ import annotations

import math
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import BinaryIO

from gateway.reading.frames import ERROR, LENGTH, MEMORY, encode_mail, read_request
from gateway.reading.parse import read_mail


def main() -> None:  # pragma: no cover - in a process of its own, whose lines nobody counts
    """Serve until the parent closes the pipe."""
    memory_bytes, cpu_seconds = int(sys.argv[1]), int(sys.argv[2])
    # Ctrl-C in a terminal reaches the whole group; the parent decides when we end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever prints by accident must not stand among the frames
    _limit_memory(memory_bytes)
    try:
        serve(sys.stdin.buffer, answers, cpu_seconds)
    except BrokenPipeError:
        sys.exit(0)


def serve(requests: BinaryIO, answers: BinaryIO, cpu_seconds: int) -> None:
    """Answer each request in its order."""
    limit = CpuLimit(cpu_seconds)
    while True:
        head = requests.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return
        (length,) = LENGTH.unpack(head)
        limit.begin()
        answer = _answer(requests, length)
        if answer is None:
            return
        _write(answers, LENGTH.pack(len(answer)) + answer if len(answer) < 65536 else LENGTH.pack(len(answer)), answer)


def _write(answers: BinaryIO, head: bytes, answer: bytes) -> None:
    """A small answer goes out in one write; a large one is not copied to get its length in front."""
    answers.write(head)
    if len(answer) >= 65536:
        view = memoryview(answer)
        while view:
            view = view[answers.write(view) :]


def _answer(requests: BinaryIO, length: int) -> bytes | None:
    try:
        payload = requests.read(length)
        if len(payload) < length:
            return None
        raw, arrived = read_request(payload)
        return encode_mail(read_mail(raw, arrived=arrived))
    except MemoryError:
        return MEMORY
    except Exception:  # noqa: BLE001  the outermost edge of this worker: the parent logs the traceback
        return ERROR + traceback.format_exc(limit=-20).encode("utf-8", "replace")[-8000:]


def _limit_memory(memory_bytes: int) -> None:  # pragma: no cover - only in that process
    """So much above what the interpreter and its libraries map already."""
    if memory_bytes <= 0:
        return
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return  # only Linux tells; elsewhere the CPU and wall limits stand alone
    limit = pages * resource.getpagesize() + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


class CpuLimit:
    """RLIMIT_CPU counts whole seconds from the start of the process, so that it moves on as mails are read.

    Each mail has what it may use, and less than a second more. Setting it costs as much as a tenth of a small mail, so
    it is set once a second.
    """

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._good_until = -1.0 if seconds > 0 else math.inf

    def begin(self) -> None:
        """The next mail is read from here on."""
        if time.process_time() > self._good_until:
            self._good_until = math.ceil(time.process_time())
            limit = int(self._good_until) + self._seconds
            resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":  # pragma: no cover - see main
    main()
