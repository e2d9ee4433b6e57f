"""From the first connection until the last mail stands in its ticket: the whole gateway, on both databases.

Postfix accepts the same mails from the same sender in the same round, and only keeps them; other help desks
would file them from there. Sender, gateway and database share the processors.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import sqlalchemy as sa
from peers.gatewayproc import GatewayProc
from peers.ports import until
from peers.postfix import Postfix, Routes
from peers.postgres import postgres_server

from benchmarks.desk import new_desk
from benchmarks.machine import cpu_seconds, print_table, spread, tree_of
from benchmarks.sending import MAILS_PER_AUTHOR, TICKETS_PER_AUTHOR, Mail, send, write_mails
from config.files import load
from storage.database import Database, open_database

_AUTHORS = 600
_PATIENCE_SECONDS = 600.0
_WAITING = sa.text("SELECT count(*) FROM spool WHERE state IN ('received', 'failed')")


@dataclass(slots=True)
class _Measured:
    """What each round gave."""

    filed: list[float] = field(default_factory=list)  # mails a second, first connection to last ticket
    accepted: list[float] = field(default_factory=list)  # mails a second, by the gateway while it files
    postfix: list[float] = field(default_factory=list)  # mails a second, by Postfix
    cpu_ms: list[float] = field(default_factory=list)  # a mail, of all our processes


def main(rounds: int) -> None:
    """Print the table."""
    with Postfix(Routes(hold=True)) as postfix:
        rows = [_row("SQLite", None, rounds, postfix)]
        with postgres_server(fsync=True) as server:
            rows.append(_row("PostgreSQL", server.create("benchmark"), rounds, postfix))
    print_table(
        ("2 KB mails a second", "filed", "accepted meanwhile", "Postfix, accepted", "ratio", "gateway CPU ms"), rows
    )


def _row(name: str, database_url: str | None, rounds: int, postfix: Postfix) -> Sequence[str]:
    measured = _Measured()
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        gateway, address = new_desk(Path(folder), database_url)
        with gateway, _opened(gateway) as database:
            for number in range(rounds):
                _measure(measured, gateway, database, postfix, write_mails(_AUTHORS, address, number), address)
        _prove(gateway, rounds * _AUTHORS)
    return (
        name,
        spread(measured.filed),
        spread(measured.accepted),
        spread(measured.postfix),
        f"{median(measured.filed) / median(measured.postfix):.2f}",
        f"{median(measured.cpu_ms):.2f}",
    )


def _measure(
    into: _Measured, gateway: GatewayProc, database: Database, postfix: Postfix, mails: Sequence[Mail], address: str
) -> None:
    cpu, began = cpu_seconds(tree_of(gateway.pid)), time.monotonic()
    send(gateway.port, address, mails)
    into.accepted.append(len(mails) / (time.monotonic() - began))
    until(lambda: _waiting(database) == 0, _PATIENCE_SECONDS, "all mails are filed")
    into.filed.append(len(mails) / (time.monotonic() - began))
    into.cpu_ms.append((cpu_seconds(tree_of(gateway.pid)) - cpu) * 1000 / len(mails))
    began = time.monotonic()
    send(postfix.port, address, mails)
    into.postfix.append(len(mails) / (time.monotonic() - began))


@contextmanager
def _opened(gateway: GatewayProc) -> Iterator[Database]:
    """Its database, to be asked more often than a command could."""
    database = open_database(load(gateway.settings_file).settings)
    try:
        yield database
    finally:
        database.close()


def _waiting(database: Database) -> int:
    with database.reading() as session:
        return int(session.connection().execute(_WAITING).scalar_one())


def _prove(gateway: GatewayProc, authors: int) -> None:
    """A quick gateway that loses mail, or finds no thread, would not count."""
    audit = gateway.run("audit", "--json")
    tickets = gateway.run("ticket", "list", "--all", "--json", "--limit", "1000000")
    found = (audit["fates"]["filed"], len(tickets))
    if found != (authors * MAILS_PER_AUTHOR, authors * TICKETS_PER_AUTHOR):
        raise AssertionError(f"{found} mails and tickets of {authors} authors: {audit}")
