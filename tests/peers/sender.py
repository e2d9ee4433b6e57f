"""An honest mail server's sending side, and its ledger: the judge of what the gateway promised.

Each mail is sent with the same bytes until a 250 comes, through 4xx replies and lost
connections, as RFC 5321 section 4.5.4.1 asks. Every 250 is written to an append-only file and
synced before the next command, so that the ledger knows of each promise whatever dies. It
shares no code with the gateway, nor with the other peers, and runs alone:

    python tests/peers/sender.py --port 2525 --ledger acked.jsonl --to a@in.desk.example mails/*.eml
"""

import argparse
import hashlib
import json
import os
import queue
import smtplib
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

LOOPBACK = "127.0.0.1"
# The pause between attempts grows to this; a real server waits for minutes.
LONGEST_PAUSE = 1.0
REPLY_SECONDS = 60.0


class Verdict(StrEnum):
    """What became of a mail for one recipient."""

    ACCEPTED = "accepted"  # a 250 after the dot
    REFUSED = "refused"  # a 5xx
    GIVEN_UP = "given_up"  # patience ended


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One mail to send: the same bytes to all recipients in one transaction."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes as they are sent, before dots are stuffed."""
        return hashlib.sha256(self.raw).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger."""

    verdict: Verdict
    digest: str
    recipient: str
    reply: str
    attempt: int
    at: float


class Ledger:
    """An append-only file of entries, each one on disk before `write` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._lock = threading.Lock()

    def write(self, entries: Iterable[Entry]) -> None:
        """Add the entries with one sync for all of them."""
        lines = "".join(json.dumps(asdict(entry)) + "\n" for entry in entries)
        if not lines:
            return
        with self._lock:
            os.write(self._file, lines.encode())
            os.fsync(self._file)


def read_ledger(path: Path) -> list[Entry]:
    """All entries; a last line that was cut off by a crash of the sender is none."""
    if not path.exists():
        return []
    lines = path.read_text().split("\n")[:-1]
    return [Entry(**{**json.loads(line), "verdict": Verdict(json.loads(line)["verdict"])}) for line in lines]


def accepted(path: Path) -> set[tuple[str, str]]:
    """Each (digest, recipient) that was promised with a 250."""
    return {(entry.digest, entry.recipient) for entry in read_ledger(path) if entry.verdict is Verdict.ACCEPTED}


def send_all(
    mails: Sequence[Outgoing], port: int, ledger: Ledger, connections: int = 1, patience: float = 60.0
) -> None:
    """Send all mails over so many connections at once; each mail gets so many seconds of patience."""
    waiting: queue.SimpleQueue[Outgoing] = queue.SimpleQueue()
    for mail in mails:
        waiting.put(mail)
    couriers = [Courier(port, ledger, patience) for _ in range(connections)]
    threads = [threading.Thread(target=courier.work, args=(waiting,)) for courier in couriers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Courier:
    """One connection at a time, kept open from mail to mail and made anew when it breaks."""

    def __init__(self, port: int, ledger: Ledger, patience: float) -> None:
        self._port = port
        self._ledger = ledger
        self._patience = patience
        self._client: smtplib.SMTP | None = None

    def work(self, waiting: "queue.SimpleQueue[Outgoing]") -> None:
        """Send what waits until nothing does."""
        while True:
            try:
                mail = waiting.get_nowait()
            except queue.Empty:
                self._hang_up()
                return
            self._deliver(mail)

    def _deliver(self, mail: Outgoing) -> None:
        """Try until every recipient has a verdict or patience ends."""
        remaining = set(mail.recipients)
        deadline = time.monotonic() + self._patience
        attempt, last = 0, "no attempt"
        while remaining and time.monotonic() < deadline:
            attempt += 1
            if attempt > 1:
                time.sleep(min(LONGEST_PAUSE, 0.05 * 2**attempt))
            try:
                # Recipients stay in the order of the mail: a retry is the same transaction again.
                verdicts = self._attempt(mail, [one for one in mail.recipients if one in remaining])
            except (OSError, smtplib.SMTPException) as trouble:
                last = f"{type(trouble).__name__}: {trouble}"
                self._drop()
                continue
            last = next((reply for verdict, reply in verdicts.values() if verdict is None), last)
            final = {one: (verdict, reply) for one, (verdict, reply) in verdicts.items() if verdict is not None}
            self._note(mail, attempt, final)
            remaining -= final.keys()
        self._note(mail, attempt, dict.fromkeys(sorted(remaining), (Verdict.GIVEN_UP, last)))

    def _attempt(self, mail: Outgoing, recipients: Sequence[str]) -> dict[str, tuple[Verdict | None, str]]:
        """One transaction: each recipient's verdict and reply; None as verdict asks for another attempt."""
        client = self._connected()
        code, said = client.mail(mail.sender)
        if code != 250:
            client.rset()
            return dict.fromkeys(recipients, _judged(code, said))
        verdicts: dict[str, tuple[Verdict | None, str]] = {}
        taken = []
        for recipient in recipients:
            code, said = client.rcpt(recipient)
            if code == 250:
                taken.append(recipient)
            else:
                verdicts[recipient] = _judged(code, said)
        if not taken:
            client.rset()
            return verdicts
        return verdicts | dict.fromkeys(taken, self._text(client, mail.raw))

    def _text(self, client: smtplib.SMTP, raw: bytes) -> tuple[Verdict | None, str]:
        try:
            code, said = client.data(raw)
        except smtplib.SMTPDataError as refused:  # at DATA, before the text
            client.rset()
            return _judged(refused.smtp_code, refused.smtp_error)
        return _judged(code, said)

    def _note(self, mail: Outgoing, attempt: int, verdicts: dict[str, tuple[Verdict, str]]) -> None:
        now = time.time()
        self._ledger.write(
            Entry(verdict, mail.digest, recipient, reply, attempt, now)
            for recipient, (verdict, reply) in verdicts.items()
        )

    def _connected(self) -> smtplib.SMTP:
        if self._client is None:
            client = smtplib.SMTP(LOOPBACK, self._port, local_hostname="sender.example", timeout=REPLY_SECONDS)
            self._client = client
            client.ehlo_or_helo_if_needed()
        return self._client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _hang_up(self) -> None:
        if self._client is None:
            return
        try:
            self._client.quit()
        except (OSError, smtplib.SMTPException):
            self._drop()


def _judged(code: int, said: bytes | str) -> tuple[Verdict | None, str]:
    """The verdict that a reply gives, with its words."""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    reply = f"{code} {words}"
    if code == 421:
        # The server closes behind it: smtplib must not use the connection again. RFC 5321 section 3.8.
        raise smtplib.SMTPServerDisconnected(reply)
    if code == 250:
        return Verdict.ACCEPTED, reply
    return (Verdict.REFUSED, reply) if code >= 500 else (None, reply)


def made_mails(count: int, octets: int, sender: str, recipients: tuple[str, ...], run: str) -> list[Outgoing]:
    """Mails that differ from each other and from those of every other run, of about this size."""
    mails = []
    for number in range(count):
        head = (
            f"From: Customer {number} <{sender}>\r\nTo: {recipients[0]}\r\nSubject: Question {run}-{number}\r\n"
            f"Message-ID: <{run}.{number}@client.example>\r\nDate: Mon, 2 Mar 2026 09:00:00 +0000\r\n\r\n"
        )
        line = "The quick brown fox asks where the parcel is.\r\n"
        body = line * max(1, (octets - len(head)) // len(line))
        mails.append(Outgoing(sender, recipients, (head + body).encode()))
    return mails


def main() -> int:
    """Send files, or mails made here, and say how it went; the exit code is 1 when a mail found no verdict."""
    parser = argparse.ArgumentParser(description="Send mails until each has its 250, and write every 250 down.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--to", action="append", required=True)
    parser.add_argument("--from", dest="sender", default="customer@client.example")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--patience", type=float, default=60.0, help="seconds for one mail")
    parser.add_argument("--make", type=int, default=0, help="make so many mails here")
    parser.add_argument("--octets", type=int, default=2000, help="size of a mail made here")
    parser.add_argument("files", nargs="*", type=Path)
    asked = parser.parse_args()
    recipients = tuple(asked.to)
    mails = [Outgoing(asked.sender, recipients, path.read_bytes()) for path in asked.files]
    mails += made_mails(asked.make, asked.octets, asked.sender, recipients, os.urandom(4).hex())
    already = len(read_ledger(asked.ledger))
    started = time.monotonic()
    send_all(mails, asked.port, Ledger(asked.ledger), asked.connections, asked.patience)
    entries = read_ledger(asked.ledger)[already:]
    counts = {verdict.value: sum(entry.verdict is verdict for entry in entries) for verdict in Verdict}
    print(json.dumps({"mails": len(mails), **counts, "seconds": round(time.monotonic() - started, 3)}))
    return 1 if counts["given_up"] else 0


if __name__ == "__main__":
    sys.exit(main())
