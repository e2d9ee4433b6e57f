"""From the outbox to a sink: the relay with one channel, beside Postfix that relays as many mails to the same sink.

The gateway's mails wait in its outbox and are made due at once; every one is claimed, marked before its dot and
settled, on stable storage. Postfix takes its mails from smtp-source and passes them on. Both may use ten connections.
That one destination which hangs holds up no other is a test: `tests/outbound/test_lanes.py`.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median

import sqlalchemy as sa
from peers.daemon import Daemon
from peers.gatewayproc import GatewayProc
from peers.need import need
from peers.ports import LOOPBACK, answers_220, free_port, until
from peers.postfix import Postfix, Routes

from benchmarks.desk import new_desk
from benchmarks.machine import cpu_seconds, name_of, print_table, spread, tree_of
from config.clock import now
from config.files import load
from storage.columns import table_of
from storage.database import Database, open_database
from storage.ids import new_id
from storage.outbox import Delivery, DeliveryState, Outgoing, OutgoingKind
from storage.waking import wake

_MAILS = 10_000
_SIZE = 2048
_CONNECTIONS = 10
_DESTINATIONS = 5_000
_PATIENCE_SECONDS = 900.0
_FROM = "support@company.example"
_LEFT = sa.text("SELECT count(*) FROM delivery WHERE state <> 'sent'")


def main(rounds: int, mails: int = _MAILS) -> None:
    """Print the table."""
    source = need("smtp-source")
    rates: list[float] = []
    cpus: list[float] = []
    theirs: list[float] = []
    their_cpus: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder,
        _sink() as port,
        Postfix(Routes(relays={"client.example": port})) as postfix,
        _running(Path(folder), port) as (gateway, database),
    ):
        for _ in range(rounds):
            rate, cpu = _relay(gateway, database, mails)
            rates.append(rate)
            cpus.append(cpu)
            rate, cpu = _relay_by_postfix(postfix, source, mails)
            theirs.append(rate)
            their_cpus.append(cpu)
    row = (
        f"{mails} mails of 2 KB, {_CONNECTIONS} connections",
        spread(rates),
        spread(theirs),
        f"{median(rates) / median(theirs):.2f}",
        f"{median(cpus):.2f}",
        f"{median(their_cpus):.2f}",
    )
    print_table(("mails relayed a second", "gateway", "Postfix", "ratio", "gateway CPU ms", "Postfix CPU ms"), [row])


@contextmanager
def _sink() -> Iterator[int]:
    """smtp-sink of Postfix: it takes everything and keeps nothing."""
    port, daemon = free_port(), Daemon("smtp-sink")
    daemon.start([need("smtp-sink"), "-u", "nobody", f"{LOOPBACK}:{port}", "256"], lambda: answers_220(port))
    try:
        yield port
    finally:
        daemon.stop()


@contextmanager
def _running(folder: Path, port: int) -> Iterator[tuple[GatewayProc, Database]]:
    """A gateway with a channel to the sink, and its database."""
    gateway, _ = new_desk(folder)
    way = ("--host", LOOPBACK, "--port", str(port), "--security", "none", "--from", _FROM)
    gateway.run("channel", "add", "Sink", *way, "--connections", str(_CONNECTIONS))
    gateway.start()
    database = open_database(load(gateway.settings_file).settings)
    try:
        yield gateway, database
    finally:
        database.close()
        gateway.stop()


def _relay(gateway: GatewayProc, database: Database, mails: int) -> tuple[float, float]:
    """Mails a second and CPU milliseconds a mail."""
    _fill(database, mails)
    relay = next(pid for pid in tree_of(gateway.pid) if name_of(pid) == "gw-relay")
    with database.writing() as session:
        session.connection().execute(sa.update(table_of(Delivery)).values(next_attempt=now()))
    cpu, began = cpu_seconds([relay]), time.monotonic()
    wake(load(gateway.settings_file).settings.data_dir, "relay")
    until(lambda: _left(database) == 0, _PATIENCE_SECONDS, "all mails are sent")
    return mails / (time.monotonic() - began), (cpu_seconds([relay]) - cpu) * 1000 / mails


def _fill(database: Database, mails: int) -> None:
    """Mails that are due tomorrow; the rounds before are forgotten."""
    at = now()
    ids = [new_id() for _ in range(mails)]
    with database.writing() as session:
        connection = session.connection()
        connection.execute(sa.delete(table_of(Delivery)))
        connection.execute(sa.delete(table_of(Outgoing)))
        connection.execute(sa.insert(table_of(Outgoing)), [_outgoing(id_, at) for id_ in ids])
        connection.execute(sa.insert(table_of(Delivery)), [_delivery(id_, place, at) for place, id_ in enumerate(ids)])


def _outgoing(id_: str, at: object) -> dict[str, object]:
    head = f"From: {_FROM}\r\nTo: ann@client.example\r\nSubject: Re\r\nMessage-ID: <{id_}@in.desk.example>\r\n\r\n"
    content = (head + "Please turn it off and on again, and write to us whether it helped.\r\n" * 40)[:_SIZE]
    return {
        "id": id_, "kind": OutgoingKind.REPLY, "channel_id": 1, "header_id": f"<{id_}@in.desk.example>",
        "reverse_path": _FROM, "content": content.encode(), "created_at": at,
    }  # fmt: skip


def _delivery(id_: str, place: int, at: object) -> dict[str, object]:
    return {
        "outgoing_id": id_, "recipient": f"c{place}@d{place % _DESTINATIONS}.example", "spelling": "", "way": 1,
        "state": DeliveryState.WAITING, "attempts": 0, "next_attempt": now() + timedelta(days=1), "last_reply": "",
        "server": "", "lost_after_dot": 0, "lease_owner": "", "updated_at": at,
    }  # fmt: skip


def _left(database: Database) -> int:
    with database.reading() as session:
        return int(session.connection().execute(_LEFT).scalar_one())


def _relay_by_postfix(postfix: Postfix, source: str, mails: int) -> tuple[float, float]:
    master = int((postfix.folder / "queue" / "pid" / "master.pid").read_text())
    words: Sequence[str] = (source, "-t", "ann@client.example", "-f", _FROM, "-d", "-l", str(_SIZE))
    cpu, began = cpu_seconds(tree_of(master)), time.monotonic()
    subprocess.run([*words, "-s", str(_CONNECTIONS), "-m", str(mails), f"{LOOPBACK}:{postfix.port}"], check=True)
    until(lambda: _queued(postfix) == 0, _PATIENCE_SECONDS, "Postfix has passed everything on")
    return mails / (time.monotonic() - began), (cpu_seconds(tree_of(master)) - cpu) * 1000 / mails


def _queued(postfix: Postfix) -> int:
    return sum(1 for name in ("incoming", "active", "deferred") for _ in (postfix.folder / "queue" / name).iterdir())
