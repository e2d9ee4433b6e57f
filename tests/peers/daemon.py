"""A server of somebody else's, run in the foreground in a folder of its own, until the test is over.

What it is told and when it is ready is its own module's. It ends with its process group, and
by a last will when the test run is killed.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from signal import Signals

from peers.lastwill import LastWill
from peers.ports import until

START_SECONDS = 30.0
STOP_SECONDS = 10.0


class Daemon:
    """One process group, its folder and what it says."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None
        self._will: LastWill | None = None
        # Most of them give up root: their other users must be able to walk in. mkdtemp lets nobody.
        self.folder = Path(tempfile.mkdtemp(prefix=f"gateway-{name}-"))
        self.folder.chmod(0o755)

    def start(self, command: Sequence[str], is_ready: Callable[[], bool]) -> None:
        """Run the command and wait until it is ready; what it said is the error when it never is."""
        with (self.folder / "said").open("ab") as said:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True, cwd="/"
            )
        group = self._process.pid
        self._will = LastWill(["/bin/sh", "-c", f"kill -s KILL -- -{group}; rm -rf {self.folder}"])
        try:
            until(lambda: self._process is not None and (self._process.poll() is not None or is_ready()),
                  START_SECONDS, f"{self._name} is ready")  # fmt: skip
        except TimeoutError as late:
            complaint = f"{late}: {self.said()}"
            self.stop()
            raise TimeoutError(complaint) from None
        if self._process.poll() is not None:
            complaint = f"{self._name} ended at once: {self.said()}"
            self.stop()
            raise RuntimeError(complaint)

    def said(self) -> str:
        """The end of what it wrote to its output."""
        said = self.folder / "said"
        return said.read_text(errors="replace")[-8000:] if said.exists() else ""

    def stop(self) -> None:
        """End it, first politely, and remove its folder."""
        if self._process is not None and self._will is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, Signals.SIGKILL)
            self._process.wait()
            self._will.dismiss()
            self._process = self._will = None
        shutil.rmtree(self.folder, ignore_errors=True)
