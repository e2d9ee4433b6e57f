"""A server of somebody else's: it ends whole, whatever happens, and says why it did not start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from peers.daemon import Daemon
from peers.ports import until

HOLDER = """
import time
from peers.daemon import Daemon
daemon = Daemon("selftest")
daemon.start(["/bin/sh", "-c", "sleep 600 & echo $! >$0/child; wait", str(daemon.folder)],
             lambda: (daemon.folder / "child").exists())
print(daemon.folder, (daemon.folder / "child").read_text(), flush=True)
time.sleep(60)
"""


def test_daemon_that_ends_at_once_says_why() -> None:
    """What it wrote is in the error, and its folder is gone."""
    daemon = Daemon("selftest")
    with pytest.raises(RuntimeError, match="selftest ended at once: no licence"):
        daemon.start(["/bin/sh", "-c", "echo no licence; exit 1"], lambda: False)
    assert not daemon.folder.exists()


def test_daemon_ends_with_its_children_when_the_test_run_is_killed() -> None:
    """After kill -9 of the process that started it, its process group and its folder are gone."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        folder, child = holder.stdout.readline().split()
        assert Path(f"/proc/{child}").exists()
        holder.kill()
    until(lambda: not Path(folder).exists(), 20, "the folder goes")
    until(lambda: not _lives(child), 20, "the child goes")


def _lives(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
