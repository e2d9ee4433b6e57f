"""The disk that can be made ill."""

import errno
import subprocess
import sys
from pathlib import Path

from peers.disk import Disk

SYNC = """
import os, sys, time
with open(sys.argv[1], "wb") as file:
    for call in (os.fsync, os.fdatasync):
        began = time.monotonic()
        try:
            call(file.fileno())
            print(0, end=" ")
        except OSError as error:
            print(error.errno, end=" ")
        print(time.monotonic() - began > 0.2)
"""


def synced(disk: Disk, folder: Path) -> list[str]:
    """What fsync and fdatasync said to a process on this disk, and whether they took long."""
    command = [sys.executable, "-c", SYNC, str(folder / "file")]
    done = subprocess.run(command, env=disk.environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_disk_is_well_until_it_ails_and_after_it_recovers(tmp_path: Path) -> None:
    """An error and a delay last until they are taken back, for processes that run already too."""
    disk = Disk(tmp_path)
    assert synced(disk, tmp_path) == ["0 False", "0 False"]
    disk.ails(error=errno.EIO)
    assert synced(disk, tmp_path) == [f"{errno.EIO} False"] * 2
    disk.ails(delay_seconds=0.25)
    assert synced(disk, tmp_path) == ["0 True", "0 True"]
    disk.recovers()
    assert synced(disk, tmp_path) == ["0 False", "0 False"]
