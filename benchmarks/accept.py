"""How many mails a second are answered 250 with their bytes on stable storage: the listener beside Postfix.

Both keep every mail, synced, and deliver none: Postfix in its hold queue, the gateway in its spool, with no
intake running. smtp-source of Postfix sends to both. Its mails differ in their Message-ID, so that none is a
duplicate for the gateway. Folders, disk and log files are alike. Filing is `end_to_end`.
"""

import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from peers.gatewayproc import GatewayProc
from peers.need import need
from peers.ports import LOOPBACK
from peers.postfix import Postfix, Routes

from benchmarks.desk import new_desk
from benchmarks.machine import command_of, cpu_seconds, print_table, spread, tree_of

_CONNECTIONS = 10


@dataclass(frozen=True, slots=True)
class _Load:
    """One way of sending."""

    name: str
    mails: int
    size: int
    keeps_connection: bool


_LOADS = (
    _Load("2 KB, many a connection", 3000, 2048, True),
    _Load("2 KB, one a connection", 2000, 2048, False),
    _Load("57 KB, many a connection", 1000, 58368, True),
    _Load("57 KB, one a connection", 1000, 58368, False),
)


@dataclass(slots=True)
class _Measured:
    """Mails a second and CPU a mail, of each round."""

    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


def main(rounds: int) -> None:
    """Print the table."""
    source = need("smtp-source")
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder, Postfix(Routes(hold=True)) as postfix:
        gateway, address = new_desk(Path(folder))
        gateway.start("--role", "listener")
        try:
            rows = [_row(load, rounds, source, (gateway, address), postfix) for load in _LOADS]
        finally:
            gateway.stop()
    print_table(
        ("mails durably accepted a second", "gateway", "Postfix", "ratio", "gateway CPU ms", "Postfix CPU ms"), rows
    )


def _row(load: _Load, rounds: int, source: str, desk: tuple[GatewayProc, str], postfix: Postfix) -> Sequence[str]:
    gateway, address = desk
    ours, theirs = _Measured(), _Measured()
    master = int((postfix.folder / "queue" / "pid" / "master.pid").read_text())
    listener = next(pid for pid in tree_of(gateway.pid) if "serve.part listener" in command_of(pid))
    for _ in range(rounds):
        _measure(ours, load, [source, "-t", address], gateway.port, listener)
        _measure(theirs, load, [source, "-t", address], postfix.port, master)
    return (
        load.name,
        spread(ours.rates),
        spread(theirs.rates),
        f"{median(ours.rates) / median(theirs.rates):.2f}",
        f"{median(ours.cpu_ms):.2f}",
        f"{median(theirs.cpu_ms):.2f}",
    )


def _measure(into: _Measured, load: _Load, command: list[str], port: int, server: int) -> None:
    words = [*command, "-s", str(_CONNECTIONS), "-m", str(load.mails), "-l", str(load.size)]
    cpu, began = cpu_seconds(tree_of(server)), time.monotonic()
    # It ends with an error at the first reply that is not the expected one.
    subprocess.run([*words, *(["-d"] if load.keeps_connection else []), f"{LOOPBACK}:{port}"], check=True)
    into.rates.append(load.mails / (time.monotonic() - began))
    into.cpu_ms.append((cpu_seconds(tree_of(server)) - cpu) * 1000 / load.mails)
