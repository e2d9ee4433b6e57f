"""A part's process, forked from the supervisor: what the supervisor has imported is there already, and shared.

Five new interpreters would each spend seconds on the same imports, at every start and whenever one of them is
started again. Forking is safe because the supervisor has one thread, no event loop, and no connection to the
database at that time; it keeps descriptors as numbers, so nothing of it is closed twice here.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CRASHED = 70  # EX_SOFTWARE
# What the supervisor listens to itself; its children begin as every new process does.
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_FIRST_OTHER = 3  # descriptors beyond standard input, output and error
_MAX_NAME = 15  # what the kernel keeps of a process's name


@dataclass(slots=True)
class Child:
    """A process that we started."""

    pid: int
    ready: int  # becomes readable when it says that it is ready, and when it ends
    status: int | None = None

    def poll(self) -> int | None:
        """The exit status, or the number of the signal below zero; None while it lives."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                os.close(self.ready)
        return self.status

    def says_ready(self) -> bool:
        """Whether it has said so since we were asked last."""
        with suppress(BlockingIOError):
            return os.read(self.ready, 64) != b""
        return False

    def send(self, number: signal.Signals) -> None:
        """Pass a signal on, if it lives."""
        if self.poll() is None:
            os.kill(self.pid, number)


def fork(work: Callable[[], int], name: str, *, lifeline: int, keep: Sequence[int] = ()) -> Child:
    """Start a process that does this work and ends with the status that it returns.

    Its standard input is the lifeline, a pipe that ends with us; of other descriptors it has those to keep only.
    """
    told, tell = os.pipe()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # A signal that comes now must find either our handlers or the child's, not ours in the child.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    pid = os.fork()
    if pid == 0:
        _begin(name, lifeline, tell, keep)
        _do(work, before)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(tell)
    os.set_blocking(told, False)
    return Child(pid, told)


def _begin(name: str, lifeline: int, tell: int, keep: Sequence[int]) -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    os.dup2(lifeline, 0)
    os.dup2(tell, 1)
    # Among the rest is our end of the lifeline: who held it would keep every part alive without a supervisor.
    begin = _FIRST_OTHER
    for kept in sorted(keep):
        os.closerange(begin, kept)
        begin = kept + 1
    os.closerange(begin, os.sysconf("SC_OPEN_MAX"))
    with suppress(OSError):  # Linux only: what `ps -o comm` and `top` show
        Path("/proc/self/comm").write_text(name[:_MAX_NAME])


def _do(work: Callable[[], int], before: set[int]) -> None:
    """Work and end, without a way back into the supervisor's own code."""
    status = CRASHED
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        status = work()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
