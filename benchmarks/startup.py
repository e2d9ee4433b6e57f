"""How long a command takes from its start to its end, on an idle gateway and while mail pours in.

The peers are a bare interpreter, and one that only imports what the tables are made of: less than that is not to be
had. Each is a new process; the files are in the cache of the system, as they are at the second command of a day.
"""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from peers.gatewayproc import GATEWAY, PROJECT, GatewayProc

from benchmarks.desk import new_desk
from benchmarks.machine import print_table, spread
from benchmarks.sending import send, write_mails

_COMMANDS = (("--help",), ("ticket", "list", "--json", "--limit", "50"))
_PEERS = (("python -c pass", "pass"), ("python -c 'import sqlmodel'", "import sqlmodel"))
# Runs a round; a single start is too short to measure.
_REPEATS = 3
_AUTHORS = 20


def main(rounds: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        gateway, address = new_desk(Path(folder))
        with gateway:
            send(gateway.port, address, write_mails(_AUTHORS, address, 0))
            idle = _seconds(gateway, rounds)
            stop = threading.Event()
            pouring = threading.Thread(target=_pour, args=(gateway.port, address, stop))
            pouring.start()
            busy = _seconds(gateway, rounds)
            stop.set()
            pouring.join()
    bare = median(idle[_PEERS[0][0]])
    print_table(
        ("milliseconds from start to end", "idle", "ratio to bare", "while mail pours in"),
        [
            (name, spread(values), f"{median(values) / bare:.1f}", spread(busy[name]))
            for name, values in idle.items()
        ],
    )  # fmt: skip


def _seconds(gateway: GatewayProc, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each command, measured in turn."""
    taken: dict[str, list[float]] = {}
    for _ in range(rounds * _REPEATS):
        for name, code in _PEERS:
            taken.setdefault(name, []).append(_timed(lambda code=code: _python(code)))  # type: ignore[misc]
        for words in _COMMANDS:
            name = f"gateway {' '.join(words)}"
            taken.setdefault(name, []).append(_timed(lambda words=words: _command(gateway, *words)))  # type: ignore[misc]
    return taken


def _timed(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return (time.monotonic() - began) * 1000


def _command(gateway: GatewayProc, *words: str) -> None:
    # Not `gateway.run`: its processes have imported the program before they begin.
    subprocess.run([*GATEWAY, *words], check=True, cwd=gateway.folder, stdout=subprocess.DEVNULL)


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT)


def _pour(port: int, address: str, stop: threading.Event) -> None:
    """Send mail over ten connections until told to stop."""
    seed = 1
    while not stop.is_set():
        send(port, address, write_mails(_AUTHORS, address, seed))
        seed += 1
