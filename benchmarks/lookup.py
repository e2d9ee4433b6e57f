"""What finding a mail's ticket costs among a million messages, beside the same among ten thousand.

Every finder is one look into an index, so that a desk that grows does not become slower. The rows are copies of one
real ticket, made inside the database; the mails are real ones that answer some of them, taken through the code of
intake up to the point where the ticket is known. Measured is the time of that alone: the people, ids, tickets and
roles of twenty mails at a time. Both sizes are measured in turn.
"""

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import sqlalchemy as sa
from fakes.house import House, mail
from peers.postgres import postgres_server
from sqlmodel import SQLModel

from benchmarks.machine import print_table, spread
from config.clock import now
from config.settings import Settings
from gateway.intake.authenticate import Authenticator
from gateway.intake.batch import open_case
from gateway.intake.desk import Desk
from gateway.intake.follow_up import find_ticket
from gateway.intake.prepare import Ready, prepare, prepare_limits
from gateway.reading.bounded import BoundedReader
from storage.claims import claim
from storage.columns import table_of
from storage.contacts import Contact, ContactAddress
from storage.database import Database
from storage.messages import Message, MessageReference
from storage.migrate import open_or_make, upgrade
from storage.tickets import Participant, Ticket, TicketQueue

_FEW = 10_000
_AT_ONCE = 20
_BATCHES = 8
_ADDRESS, _ID = "'c' || n || '@customer.example'", "'m' || n || '@customer.example'"
# What is copied, and what differs in the copy number n. Those that others refer to come first.
_COPIES: tuple[tuple[type[SQLModel], dict[str, str]], ...] = (
    (Contact, {"id": "n"}),
    (ContactAddress, {"address": _ADDRESS, "contact_id": "n"}),
    (Ticket, {"id": "n", "contact_id": "n", "customer_address": _ADDRESS}),
    (TicketQueue, {"ticket_id": "n"}),
    (Participant, {"ticket_id": "n", "address": _ADDRESS}),
    (Message, {"id": "n", "ticket_id": "n", "message_id": f"'<' || {_ID} || '>'", "spool_id": "NULL"}),
    (MessageReference, {"key": _ID, "message_id": "n", "ticket_id": "n"}),
)
_ONE_ROW = {Participant: "role = 'customer'", MessageReference: "is_own"}


@dataclass(slots=True)
class _Side:
    """A desk of one size, and what looking up has cost there."""

    house: House
    messages: int
    microseconds: list[float] = field(default_factory=list)  # a mail


def main(rounds: int, messages: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder, postgres_server() as server:
        rows = []
        for name in ("SQLite", "PostgreSQL"):
            with ExitStack() as stack:
                sides = []
                for count in (_FEW, messages):
                    url = server.create(f"lookup_{count}") if name == "PostgreSQL" else ""
                    sides.append(stack.enter_context(_desk(Path(folder) / f"{name}{count}", url, count)))
                rows.append(_row(name, sides, rounds))
    head = ("microseconds to find a mail's ticket", f"among {_FEW:,}", f"among {messages:,}", "ratio")
    print_table(head, rows)


def _row(name: str, sides: Sequence[_Side], rounds: int) -> Sequence[str]:
    with BoundedReader() as reader:
        for number in range(rounds):
            for side in sides if number % 2 else reversed(sides):
                _measure(side, reader, seed=number)
    few, many = sides
    ratio = median(many.microseconds) / median(few.microseconds)
    return name, spread(few.microseconds), spread(many.microseconds), f"{ratio:.2f}"


@contextmanager
def _desk(folder: Path, url: str, count: int) -> Iterator[_Side]:
    values = {"data_dir": folder, "database": {"url": url}, "dns": {"timeout_seconds": 0}}
    settings = Settings.model_validate(values)
    folder.mkdir()
    database = open_or_make(settings)
    upgrade(database)
    house = House(settings, database)
    house.receive(mail())
    _fill(database, count)
    try:
        yield _Side(house, count)
    finally:
        house.worker.close()
        database.close()


def _fill(database: Database, count: int) -> None:
    """So many tickets with one message each, all like the first one."""
    with database.writing() as session:
        connection = session.connection()
        for model, changed in _COPIES:
            connection.execute(sa.text(_copy(model, changed)), {"last": count})
        counters = "UPDATE counter SET value = :last WHERE name IN ('ticket', 'message', 'contact')"
        connection.execute(sa.text(counters), {"last": count})
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))


def _copy(model: type[SQLModel], changed: dict[str, str]) -> str:
    names = [column.name for column in table_of(model).c]
    values = [changed.get(name, f"one.{name}") for name in names]
    table = table_of(model).name
    # The names are those of our models.
    return (
        "WITH RECURSIVE series(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM series WHERE n < :last) "
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} "
        f"FROM (SELECT * FROM {table} WHERE {_ONE_ROW.get(model, 'true')} LIMIT 1) AS one CROSS JOIN series"
    )


def _measure(side: _Side, reader: BoundedReader, seed: int) -> None:
    """Find the tickets of answers to messages anywhere; whether they are the right ones is seen too."""
    wanted = random.Random(seed).sample(range(2, side.messages), _AT_ONCE * _BATCHES)
    for number in wanted:
        header = f"In-Reply-To: <m{number}@customer.example>\n"
        side.house.accept(mail(author=f"c{number}@customer.example", headers=header))
    for start in range(0, len(wanted), _AT_ONCE):
        ready = _read(side, reader)
        with side.house.database.writing() as session:
            began = time.perf_counter()
            desk = Desk(session, side.house.office, now(), len(ready))
            desk.fetch_addresses(one.claimed.recipient for one in ready)
            cases = [open_case(one, desk) for one in ready]
            desk.fetch(cases)
            found = [find_ticket(case, desk) for case in cases]
            side.microseconds.append((time.perf_counter() - began) * 1_000_000 / len(ready))
        numbers = [match.ticket_id if match else None for match in found]
        if numbers != wanted[start : start + _AT_ONCE]:
            raise AssertionError(f"found {numbers} instead of {wanted[start : start + _AT_ONCE]}")


def _read(side: _Side, reader: BoundedReader) -> list[Ready]:
    settings = side.house.settings
    with side.house.database.writing() as session:
        batch = claim(session, "benchmark", _AT_ONCE, 3600)
    return prepare(batch, reader, Authenticator(settings), side.house.office.blobs, prepare_limits(settings))
