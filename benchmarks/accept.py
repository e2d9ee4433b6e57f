"""How many mails a second are answered 250 with their bytes on stable storage: the listener beside Postfix.

Both keep every mail, synced, and deliver none: Postfix in its hold queue, the gateway in its spool, with no
intake running. smtp-source of Postfix sends to both. Its mails differ in their Message-ID, so that none is a
duplicate for the gateway. Folders, disk and log files are alike. Filing is `end_to_end`.
"""

import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from peers.disk import Disk
from peers.need import need
from peers.ports import LOOPBACK, until
from peers.postfix import Postfix, Routes
from peers.postgres import postgres_server

from benchmarks.desk import new_desk
from benchmarks.machine import cpu_seconds, print_table, spread, tree_of

_HEAD = (
    "mails durably accepted a second",
    "gateway",
    "Postfix",
    "ratio",
    "gateway CPU ms",
    "Postfix CPU ms",
    "two processes",
    "ratio",
)
# What an ordinary disk adds; a quick virtual one hides what group commit is for.
_SLOW_SECONDS = 0.005
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Load:
    """One way of sending."""

    name: str
    mails: int
    size: int
    connections: int
    keeps_connection: bool = True


_SLOW_DISK = (
    _Load("2 KB, many a connection, 50 connections, 5 ms more for each fsync", 1000, 2048, 50),
    _Load("2 KB, many a connection, 10 connections, 5 ms more for each fsync", 500, 2048, 10),
)
_LOADS = (
    _Load("2 KB, many a connection, 10 connections", 3000, 2048, 10),
    _Load("2 KB, many a connection, 50 connections", 3000, 2048, 50),
    _Load("2 KB, one a connection, 10 connections", 2000, 2048, 10, keeps_connection=False),
    _Load("57 KB, many a connection, 10 connections", 1000, 58368, 10),
    _Load("57 KB, one a connection, 10 connections", 1000, 58368, 10, keeps_connection=False),
    _Load("5 MB, many a connection, 4 connections", 60, 5 * 1024 * 1024, 4),
)
_ON_POSTGRES = _LOADS[:2]


@dataclass(slots=True)
class _Measured:
    """Mails a second and CPU a mail, of each round."""

    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Server:
    """Who takes the mail: its port, the command that sends to it, and the process whose tree does the work."""

    port: int
    command: tuple[str, ...]
    pid: int


def main(rounds: int) -> None:
    """Print the tables."""
    source = need("smtp-source")
    print_table(
        _HEAD, [*_beside_postfix(source, rounds, _SLOW_DISK, slow=True), *_beside_postfix(source, rounds, _LOADS)]
    )
    print()
    print_table(
        ("the gateway by its database", "SQLite", "PostgreSQL", "ratio", "two processes", "ratio"),
        _by_database(source, rounds),
    )


def _beside_postfix(source: str, rounds: int, loads: Sequence[_Load], *, slow: bool = False) -> list[Sequence[str]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        folder.chmod(0o755)  # Postfix's processes load the slow disk from it
        disk = Disk(folder) if slow else None
        environment = disk.environment if disk else {}
        kept = " ".join(f"{name}={value}" for name, value in environment.items())
        postfix = stack.enter_context(
            Postfix(Routes(hold=True), {"import_environment": f"MAIL_CONFIG MAIL_LOGTAG {kept}"})
        )
        theirs = _Server(postfix.port, (source,), int((postfix.folder / "queue" / "pid" / "master.pid").read_text()))
        ours = _started(stack, folder / "gateway", source, environment=environment)
        two = _started(stack, folder / "two", source, listener_processes=2, environment=environment)
        if disk:
            disk.ails(delay_seconds=_SLOW_SECONDS)
        return [_row(load, rounds, (ours, theirs, two)) for load in loads]


def _by_database(source: str, rounds: int) -> list[Sequence[str]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        server = stack.enter_context(postgres_server(fsync=True))
        all_three = (
            _started(stack, folder / "sqlite", source),
            _started(stack, folder / "one", source, database_url=server.create("one")),
            _started(stack, folder / "two", source, database_url=server.create("two"), listener_processes=2),
        )
        return [_compared(load, rounds, all_three) for load in _ON_POSTGRES]


def _started(
    stack: ExitStack,
    folder: Path,
    source: str,
    database_url: str | None = None,
    listener_processes: int = 1,
    environment: dict[str, str] | None = None,
) -> _Server:
    gateway, address = new_desk(folder, database_url, listener_processes=listener_processes)
    gateway.environment |= environment or {}
    gateway.start("--role", "listener")
    stack.callback(gateway.stop)
    until(lambda: gateway.log().count("listening=") == listener_processes, _START_SECONDS, "every process listens")
    return _Server(gateway.port, (source, "-t", address), gateway.pid)


def _row(load: _Load, rounds: int, servers: Sequence[_Server]) -> Sequence[str]:
    ours, theirs, two = _in_turn(load, rounds, servers)
    return (
        load.name,
        spread(ours.rates),
        spread(theirs.rates),
        f"{median(ours.rates) / median(theirs.rates):.2f}",
        f"{median(ours.cpu_ms):.2f}",
        f"{median(theirs.cpu_ms):.2f}",
        spread(two.rates),
        f"{median(two.rates) / median(theirs.rates):.2f}",
    )


def _compared(load: _Load, rounds: int, servers: Sequence[_Server]) -> Sequence[str]:
    first, *others = _in_turn(load, rounds, servers)
    cells = [load.name, spread(first.rates)]
    for other in others:
        cells += [spread(other.rates), f"{median(other.rates) / median(first.rates):.2f}"]
    return cells


def _in_turn(load: _Load, rounds: int, servers: Sequence[_Server]) -> list[_Measured]:
    measured = [_Measured() for _ in servers]
    for _ in range(rounds):
        for into, server in zip(measured, servers, strict=True):
            _measure(into, load, server)
    return measured


def _measure(into: _Measured, load: _Load, server: _Server) -> None:
    words = [*server.command, "-s", str(load.connections), "-m", str(load.mails), "-l", str(load.size)]
    cpu, began = cpu_seconds(tree_of(server.pid)), time.monotonic()
    # It ends with an error at the first reply that is not the expected one.
    subprocess.run([*words, *(["-d"] if load.keeps_connection else []), f"{LOOPBACK}:{server.port}"], check=True)
    into.rates.append(load.mails / (time.monotonic() - began))
    into.cpu_ms.append((cpu_seconds(tree_of(server.pid)) - cpu) * 1000 / load.mails)
