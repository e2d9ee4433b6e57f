"""What filing costs from the spool to the ticket: CPU time a mail, of the intake worker and of its reading child.

Other people's work on the same processors makes every second of CPU dearer. So a fixed piece of work is measured after
each batch, and the costs are told in units of it as well: about a millisecond on an idle machine of today.
"""

import os
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path

from fakes.house import House
from peers.postgres import postgres_server

from benchmarks.machine import command_of, cpu_seconds, print_table, tree_of
from benchmarks.reading import multipart_mail
from benchmarks.sending import write_mails
from config.clock import now
from config.settings import Settings
from storage.accepting import accept
from storage.migrate import open_or_make, upgrade
from storage.spool import Arrival

_SMALL, _LARGE = 300, 400  # authors of five mails each, and mails
_WORD = re.compile(r"[^\W_]+")
_TEXT = "Some words of text here, my friend.\r\n" * 40


def main() -> None:
    """Print the table."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder, postgres_server(fsync=True) as server:
        for size, name in ((2, "SQLite"), (2, "PostgreSQL"), (57, "SQLite"), (57, "PostgreSQL")):
            url = server.create(f"filing_{size}") if name == "PostgreSQL" else ""
            rows.append((f"{size} KB, {name}", *_measure(Path(folder) / f"{name}{size}", url, size)))
    print_table(("CPU ms a mail", "worker", "child", "in units: worker", "child", "mails a batch"), rows)


def _measure(folder: Path, url: str, size: int) -> Sequence[str]:
    values = {
        "data_dir": folder,
        "database": {"url": url},
        "dns": {"timeout_seconds": 0},
        "intake": {"new_tickets_per_sender": 0, "same_mail_per_hour": 0},
    }
    settings = Settings.model_validate(values)
    folder.mkdir()
    database = open_or_make(settings)
    upgrade(database)
    house = House(settings, database)
    for some in _mails(house.address, size):
        with database.writing_connection() as connection:
            accept(connection, [_arrival(raw, house.address) for raw in some])
    try:
        return _file_all(house)
    finally:
        house.worker.close()
        database.close()


def _mails(address: str, size: int) -> Iterator[list[bytes]]:
    """The mails, a hundred at a time."""
    small = (mail.data.removesuffix(b".\r\n") for mail in write_mails(_SMALL, address, 0))
    raws = small if size == 2 else (multipart_mail(number) for number in range(_LARGE))
    while some := list(islice(raws, 100)):
        yield some


def _arrival(raw: bytes, address: str) -> Arrival:
    return Arrival("bounce@client.example", (address,), sha256(raw).hexdigest(), len(raw), raw, now())


def _file_all(house: House) -> Sequence[str]:
    """File what waits; the first batch starts the child and does not count."""
    house.worker.work_once()
    child = [pid for pid in tree_of(os.getpid()) if "gateway.reading.child" in command_of(pid)]
    mine = units = 0.0
    reading, mails, batches = cpu_seconds(child), 0, 0
    while True:
        began = time.process_time()
        done = house.worker.work_once()
        mine += time.process_time() - began
        if not done:
            break
        mails, batches, units = mails + done, batches + 1, units + _unit()
    costs = [seconds * 1000 / mails for seconds in (mine, cpu_seconds(child) - reading)]
    unit = units * 1000 / batches
    return (*(f"{cost:.2f}" for cost in costs), *(f"{cost / unit:.2f}" for cost in costs), f"{mails / batches:.0f}")


def _unit() -> float:
    """CPU seconds of a fixed piece of work of the kind that filing is: small objects, and a pattern."""
    began, made = time.thread_time(), {}
    for number in range(300):
        made[str(number)] = [one for one in (number, number + 1, number + 2) if one % 2]
        if number % 30 == 0:
            _WORD.findall(_TEXT)
    return time.thread_time() - began
