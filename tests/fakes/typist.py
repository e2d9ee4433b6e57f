"""A person at a terminal: sees what a command shows, and types."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType

PROJECT = Path(__file__).parents[2]


def _at_the_terminal() -> None:
    """Ctrl-C is a signal only on the terminal that a session is controlled by, and to whom it is not ignored.

    It is where the tests themselves run in the background of a shell.
    """
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Typist:
    """One command on a terminal of its own, as a block."""

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        self._ours, theirs = pty.openpty()
        self._seen = 0
        self.said = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gateway", *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(PROJECT), "TERM": "xterm", "COLUMNS": "200", **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_at_the_terminal,  # noqa: PLW1509 - the test has one thread here
        )
        os.close(theirs)

    def __enter__(self) -> "Typist":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._ours)

    def sees(self, text: str, seconds: float = 60) -> None:
        """Wait until this is shown, behind what was seen before."""
        end = time.monotonic() + seconds
        while text not in self.said[self._seen :]:
            assert time.monotonic() < end, f"{text!r} is not shown: {self.said}"
            assert self._read() or self._process.poll() is None or text in self.said[self._seen :], self.said
        self._seen = self.said.index(text, self._seen) + len(text)

    def answers(self, question: str, answer: str) -> None:
        """Type a line when a question is shown."""
        self.sees(question)
        self.types(f"{answer}\n")

    def types(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def ends(self) -> int:
        """Wait for the end; returns the exit status."""
        while self._process.poll() is None:
            self._read()
        while self._read():
            pass
        return self._process.returncode

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], 0.2)
        try:
            piece = os.read(self._ours, 65_536) if ready else b""
        except OSError:  # how Linux tells that the other side is closed
            return False
        self.said += piece.decode("utf-8", "replace")
        return bool(piece)
