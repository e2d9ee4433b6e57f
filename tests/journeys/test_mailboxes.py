"""A connected inbox on a real IMAP server: the whole conversation, and a backlog that is killed three times.

GATEWAY_TEST_BACKLOG sets how many mails the backlog has.
"""

import os
import time
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from signal import Signals

import pytest
from fakes.inboxes import mails
from journeys.desk import Desk
from journeys.parts import parts_of
from peers.dovecot_imap import DovecotImap
from peers.gatewayproc import GatewayProc
from peers.sink import Sink

INBOX = "hello@company.example"
BACKLOG = int(os.environ.get("GATEWAY_TEST_BACKLOG", "300"))
# Also on a machine that others use: ten mails a second.
PATIENCE = 300 + BACKLOG // 10

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600 + 2 * PATIENCE)]
LIMITS = {
    "mailboxes": {"batch": 10, "retry_seconds": [0.5, 1], "poll_seconds": 1},
    "intake": {"new_tickets_per_sender": 0},
    "dns": {"timeout_seconds": 0},
}


@pytest.fixture
def server() -> Iterator[DovecotImap]:
    """The company's mail server."""
    with DovecotImap() as running:
        yield running


@pytest.fixture
def office(tmp_path: Path, database_url: str, sink: Sink) -> Iterator[Desk]:
    """A desk whose queue no inbox forwards to."""
    gateway = GatewayProc(tmp_path / "gateway", sink.port, database_url, LIMITS)
    yield Desk(gateway).open()
    gateway.kill()


def connect(desk: Desk, server: DovecotImap, *words: str) -> None:
    """Connect the inbox to the queue Support."""
    here = ("--host", "127.0.0.1", "--port", str(server.port), "--security", "none")
    command = ("mailbox", "connect", "imap", INBOX, "--queue", "Support", *here, *words)
    desk.gateway.run(*command, stdin="secret\n")


def fetched(desk: Desk) -> int:
    """How many mails of the inbox are stored."""
    count: int = desk.gateway.run("mailbox", "show", INBOX, "--json")["fetched"]
    return count


def test_conversation_goes_through_the_inbox_alone(office: Desk, server: DovecotImap) -> None:
    """The customer writes to the inbox, is answered by its own account, and his answer joins the ticket."""
    server.deliver(INBOX, [])
    with Sink() as account:
        smtp = ("--smtp-host", "127.0.0.1", "--smtp-port", str(account.port), "--smtp-security", "none")
        connect(office, server, *smtp)
        with office.gateway:
            server.deliver(INBOX, mails(1))
            ticket = office.ticket_about("Parcel 0")
            office.reply(ticket["number"], "It is on its way.")
            [sent] = account.wait_for(1, timeout=60)
            answer = message_from_bytes(sent.raw)
            assert (sent.reverse_path, sent.recipients) == (INBOX, ("customer0@client.example",))
            assert INBOX in answer["From"]
            assert answer["Reply-To"] is None
            back = mails(1)[0].replace(b"<0.parcel@client.example>", b"<back@client.example>")
            back = back.replace(b"\r\n\r\n", f"\r\nIn-Reply-To: {answer['Message-ID'].strip()}\r\n\r\n".encode(), 1)
            server.deliver(INBOX, [back.replace(b"Where is", b"Thank you for")])
            assert len(office.ticket_with(ticket["number"], 3)["messages"]) == 3
    assert len(office.tickets()) == 1


def test_backlog_is_fetched_without_loss_or_repeat_over_three_kills(
    office: Desk, server: DovecotImap, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three times the reader dies by kill -9, once the server; at the end each mail is in the spool once."""
    server.deliver(INBOX, mails(BACKLOG))
    connect(office, server, "--receive-only", "--backlog", "all", "--after", "mark")
    began = time.monotonic()
    with office.gateway:
        for share in (1, 2, 3):
            goal = BACKLOG * share // 5
            office.until(lambda goal=goal: fetched(office) >= goal, f"{goal} mails are fetched", PATIENCE)  # type: ignore[misc]
            # The one before may have got so far that its successor is not there yet.
            office.until(lambda: parts_of(office.gateway.pid, "mailbox"), "a reader is there", PATIENCE)
            [reader] = parts_of(office.gateway.pid, "mailbox")
            os.kill(reader, Signals.SIGKILL)
        office.until(lambda: fetched(office) >= BACKLOG * 4 // 5, "most mails are fetched", PATIENCE)
        server.stop()
        server.start()
        office.until(lambda: fetched(office) >= BACKLOG, "all mails are fetched", PATIENCE)
        took = time.monotonic() - began
        office.until(lambda: len(read_files(server)) == BACKLOG, "all mails are marked as read", 60)
        office.until(lambda: not office.gateway.run("audit", "--json")["pending"], "all mails are filed", PATIENCE)
        told = office.audit()
    assert (told["accepted"], told["ok"]) == (BACKLOG, True)
    assert told["fates"]["filed"] == BACKLOG
    with capsys.disabled():
        print(f"\n{BACKLOG} mails in {took:.1f} s: {BACKLOG / took:.0f} a second, three kills and a restart included")


def read_files(server: DovecotImap) -> list[str]:
    """The mails that are marked as read."""
    return [name for name in server.names(INBOX) if name.endswith("S")]


def test_refused_sign_in_is_told_once_and_comes_back(office: Desk, server: DovecotImap) -> None:
    """The state and one line in the log say so; with the right password it goes on by itself."""
    server.deliver(INBOX, mails(1))
    connect(office, server, "--receive-only", "--backlog", "all")
    office.gateway.run("mailbox", "set", INBOX, "--password-stdin", stdin="wrong\n")
    with office.gateway:
        office.until(lambda: state(office) == "failing", "the mailbox fails")
        time.sleep(4)  # several more tries
        complaints = [line for line in office.gateway.log().splitlines() if "trouble" in line and INBOX in line]
        office.gateway.run("mailbox", "set", INBOX, "--password-stdin", stdin="secret\n")
        office.ticket_about("Parcel 0")
        office.until(lambda: state(office) == "connected", "the mailbox is connected")
    assert len(complaints) == 1


def state(desk: Desk) -> str:
    """How the mailbox does."""
    told: str = desk.gateway.run("mailbox", "show", INBOX, "--json")["state"]
    return told
