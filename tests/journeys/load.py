"""The honest sender as a process of its own, and the judgement by its ledger: none lost, none twice.

It sends through a proxy that delays every piece a little, so that mails are under way at every step of
a session when something strikes.
"""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from journeys.desk import Desk, mail_files
from peers.faultproxy import FaultProxy
from peers.lastwill import LastWill
from peers.ports import until
from peers.sender import accepted

SENDER = Path(__file__).resolve().parents[1] / "peers" / "sender.py"
DELAY_SECONDS = 0.01
PATIENCE_SECONDS = 240.0
# Most are small; one in eight is stored as a blob before it is accepted.
SIZES = (2_000, 2_000, 2_000, 20_000, 2_000, 2_000, 2_000, 300_000)


@dataclass(frozen=True, slots=True)
class Load:
    """Mails on their way, and the promises that were made for them."""

    files: Sequence[Path]
    ledger: Path
    process: "subprocess.Popen[bytes]"
    will: LastWill

    @property
    def promised(self) -> int:
        """How many mails have their 250."""
        return len(accepted(self.ledger))

    def wait_for(self, promises: int, seconds: float = 90.0) -> None:
        """Wait until so many mails have their 250."""
        until(lambda: self.promised >= promises, seconds, f"{promises} promises, there are {self.promised}", every=0.01)

    def finish(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until each mail has its 250."""
        told = json.loads(self.process.communicate(timeout=seconds)[0])
        self.will.dismiss()
        assert told == {**told, "accepted": len(self.files), "refused": 0, "given_up": 0}

    def judge(self, desk: Desk) -> None:
        """Each promise is exactly one ticket with one message, and the gateway's own sum agrees."""
        digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in self.files}
        assert accepted(self.ledger) == {(digest, desk.address) for digest in digests}
        audit = desk.audit()
        assert audit["ok"], audit
        assert (audit["accepted"], audit["fates"]["filed"]) == (len(self.files), len(self.files)), audit
        tickets = desk.tickets()
        written = Counter(_subject(path) for path in self.files)
        assert Counter(ticket["subject"] for ticket in tickets) == written
        assert {ticket["messages"] for ticket in tickets} == {1}
        for ticket in (tickets[0], tickets[-1]):
            assert hashlib.sha256(desk.raw(f"{ticket['number']}.1")).hexdigest() in digests


@contextmanager
def sending(
    desk: Desk, folder: Path, count: int, *, connections: int = 4, delay: float = DELAY_SECONDS
) -> Iterator[Load]:
    """So many different mails on their way to the desk's address, from here to the end of the block."""
    with FaultProxy(desk.gateway.port) as proxy:
        proxy.delay = delay
        load = start_sender(desk, folder, mail_files(folder / "mails", count, "parcel", SIZES), proxy.port, connections)
        try:
            yield load
        finally:
            load.will.dismiss()
            load.process.kill()
            load.process.wait()


def start_sender(desk: Desk, folder: Path, files: Sequence[Path], port: int, connections: int = 4) -> Load:
    """The sender's process, with a ledger in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    ledger = folder / "ledger"
    process = subprocess.Popen(
        [
            sys.executable, str(SENDER), "--port", str(port), "--ledger", str(ledger), "--to", desk.address,
            "--connections", str(connections), "--patience", str(PATIENCE_SECONDS), *map(str, files),
        ],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    # It would go on trying for minutes, at a port that somebody else may have by then.
    will = LastWill(["/bin/sh", "-c", f"kill {process.pid}"])
    return Load(files, ledger, process, will)


def _subject(path: Path) -> str:
    head = path.read_text().partition("\r\n\r\n")[0]
    return next(line.removeprefix("Subject: ") for line in head.splitlines() if line.startswith("Subject: "))
