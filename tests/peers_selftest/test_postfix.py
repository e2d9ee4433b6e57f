"""The private Postfix: it forwards, relays, pipes, holds, and goes away whole."""

import os
import smtplib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from peers.need import need, need_root
from peers.pipebridge import PipeBridge
from peers.ports import answers_220, until
from peers.postfix import Postfix, Routes
from peers.sink import Sink
from peers.sinkscript import Step

pytestmark = pytest.mark.journey

# With the fields that Postfix would add to a mail without them, so that it adds its trace only.
MAIL = (
    b"From: Bob <bob@client.example>\r\nDate: Mon, 2 Mar 2026 09:00:00 +0000\r\nMessage-ID: <1@client.example>\r\n"
    b"Subject: hello\r\n\r\nplain text\r\n"
)


HOLDER = """
import time
from peers.postfix import Postfix, Routes
with Postfix(Routes()) as postfix:
    print(postfix.port, postfix.folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def sink() -> Iterator[Sink]:
    """Where the forwarded mail goes."""
    with Sink() as running:
        yield running


def _send(port: int, to: str, sender: str = "bob@client.example") -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail(sender, [to], MAIL)


def test_mail_to_an_alias_is_forwarded_with_its_envelope_sender(sink: Sink) -> None:
    """A virtual alias sends the mail on to the other address, with the customer's reverse path and a trace line."""
    routes = Routes(
        aliases={"support@company.example": "support.x7@in.desk.example"}, relays={"in.desk.example": sink.port}
    )
    with Postfix(routes) as postfix:
        _send(postfix.port, "support@company.example")
        [mail] = sink.wait_for(1, timeout=20)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            _send(postfix.port, "nobody@company.example")
        port, folder = postfix.port, postfix.folder
    assert (mail.reverse_path, mail.recipients) == ("bob@client.example", ("support.x7@in.desk.example",))
    assert mail.raw.endswith(MAIL)
    assert mail.raw.startswith(b"Received: from ")
    assert sink.violations == []
    assert not answers_220(port)
    assert not folder.exists()


def test_mail_that_is_deferred_waits_in_the_queue_and_is_tried_again(sink: Sink) -> None:
    """A 451 keeps the mail with its reason; the next attempt delivers the same bytes."""
    sink.script.once(Step.RCPT, "451 4.3.0 Not now")
    with Postfix(Routes(relays={"in.desk.example": sink.port})) as postfix:
        _send(postfix.port, "a@in.desk.example")
        until(lambda: any("Not now" in " ".join(one.reasons) for one in postfix.queue()), 20, "the reason shows")
        postfix.retry()
        sink.wait_for(1, timeout=20)
        until(lambda: postfix.queue() == [], 20, "the queue is empty")


@pytest.mark.parametrize(("sender", "seen"), [("bob@client.example", "bob@client.example"), ("", "<>")])
def test_mail_for_a_pipe_reaches_the_command(sender: str, seen: str) -> None:
    """The command gets recipient and sender as words, `<>` for none, and the mail on its input."""
    piped: list[bytes] = []

    def take(words: Sequence[str], mail: bytes) -> subprocess.CompletedProcess[bytes]:
        piped.append(mail)
        return subprocess.CompletedProcess(words, 0, b"", b"")

    with PipeBridge(take) as bridge:
        command = bridge.argv("--to", "${recipient}", "--from", "${sender}")
        with Postfix(Routes(pipes={"in.desk.example": command})) as postfix:
            _send(postfix.port, "a@in.desk.example", sender)
            until(lambda: len(bridge.ran) == 1, 20, "the command has run")
            until(lambda: postfix.queue() == [], 20, "the queue is empty")
    assert bridge.ran == [(("--to", "a@in.desk.example", "--from", seen), 0)]
    assert piped[0].replace(b"\n", b"\r\n").endswith(MAIL)


def test_exit_code_of_a_pipe_decides() -> None:
    """On 75 the mail waits with what the command said; on 67 it bounces."""
    codes = iter([75, 67])

    def refuse(words: Sequence[str], _: bytes) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(words, next(codes), b"", b"said the command")

    with PipeBridge(refuse) as bridge, Postfix(Routes(pipes={"in.desk.example": bridge.argv()})) as postfix:
        _send(postfix.port, "a@in.desk.example", sender="")
        until(lambda: any("said the command" in one.reasons[0] for one in postfix.queue()), 20, "the mail waits")
        postfix.retry()
        until(lambda: postfix.queue() == [], 20, "the mail is given up")
        assert "status=bounced (user unknown" in postfix.log()


def test_held_mail_stays_on_disk(sink: Sink) -> None:
    """With hold, mail for anybody is accepted and queued, and none is delivered."""
    with Postfix(Routes(relays={"in.desk.example": sink.port}, hold=True)) as postfix:
        for address in ("a@in.desk.example", "b@in.desk.example", "somebody@elsewhere.example"):
            _send(postfix.port, address)
        assert postfix.held() == 3
        assert {one.queue for one in postfix.queue()} == {"hold"}
        sink.stays_at(0, 0.2)
        postfix.empty()
        assert postfix.held() == 0


def test_postfix_ends_when_its_test_run_is_killed() -> None:
    """After kill -9 of the process that started it, nobody listens and the folder is gone."""
    need_root("Postfix's master starts as root")
    need("postfix")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        port, folder = holder.stdout.readline().split()
        assert answers_220(int(port))
        holder.kill()
    until(lambda: not Path(folder).exists(), 20, "the folder goes")
    assert not answers_220(int(port))
