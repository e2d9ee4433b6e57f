"""A disk that can be made slow or broken while a process runs on it: its fsync waits, or fails.

A small library is compiled and put before the C library of whoever is started with `environment`. The
real disk is not touched; what an fsync that fails leaves behind is as on a sound disk.
"""

import subprocess
from pathlib import Path

from peers.need import need

SOURCE = Path(__file__).with_name("disk.c")


class Disk:
    """One disk, well at first."""

    def __init__(self, folder: Path) -> None:
        library = folder / "disk.so"
        subprocess.run([need("cc"), "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        self._control = folder / "disk.control"
        self.environment = {"LD_PRELOAD": str(library), "GATEWAY_TEST_DISK": str(self._control)}

    def ails(self, *, error: int = 0, delay_seconds: float = 0.0) -> None:
        """From now on each fsync waits so long, and fails with this errno, if one is given."""
        written = self._control.with_suffix(".new")
        written.write_text(f"{error} {delay_seconds * 1_000_000:.0f}")
        # At once: nobody may read half of it.
        written.rename(self._control)

    def recovers(self) -> None:
        """All is well again."""
        self._control.unlink()
