"""The honest sender: it tries until a 250, and its ledger holds exactly the promises that were made."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from peers.faultproxy import DOT, Fault, FaultProxy, Trouble
from peers.ports import free_port
from peers.sender import Ledger, Outgoing, Verdict, accepted, made_mails, read_ledger, send_all
from peers.sink import Sink
from peers.sinkscript import Act, Step, Then

RAW = b"Subject: x\r\n\r\n.dot\r\n"
MAIL = Outgoing("a@x.test", ("b@y.test", "c@y.test"), RAW)


def test_every_recipient_of_an_accepted_mail_stands_in_the_ledger(tmp_path: Path) -> None:
    """One transaction, one line for each recipient, with the digest of the bytes that arrived."""
    with Sink() as sink:
        send_all([MAIL], sink.port, Ledger(tmp_path / "ledger"))
        [mail] = sink.mails
    entries = read_ledger(tmp_path / "ledger")
    digest = hashlib.sha256(mail.raw).hexdigest()
    assert [(one.verdict, one.digest, one.recipient, one.reply) for one in entries] == [
        (Verdict.ACCEPTED, digest, "b@y.test", "250 2.0.0 Stored"),
        (Verdict.ACCEPTED, digest, "c@y.test", "250 2.0.0 Stored"),
    ]


@pytest.mark.parametrize(
    ("step", "act"),
    [
        (Step.BANNER, Act("421 4.3.2 Going down", then=Then.CLOSE)),
        (Step.MAIL, Act("452 4.3.1 Full")),
        (Step.RCPT, Act("451 4.7.1 Slow down")),
        (Step.DATA, Act("451 4.3.0 Not now")),
        (Step.DOT, Act("451 4.3.0 Not now")),
        (Step.DOT, Act("421 4.3.2 Going down", then=Then.CLOSE)),
        (Step.DOT, Act(reply="", then=Then.RESET)),
    ],
)
def test_mail_is_sent_again_until_accepted(tmp_path: Path, step: Step, act: Act) -> None:
    """After a temporary trouble at any step the same bytes arrive, once for each recipient."""
    with Sink() as sink:
        sink.script.once(step, act)
        send_all([MAIL], sink.port, Ledger(tmp_path / "ledger"), patience=20)
        mails = sink.mails
    assert accepted(tmp_path / "ledger") == {(MAIL.digest, "b@y.test"), (MAIL.digest, "c@y.test")}
    assert {mail.raw for mail in mails} == {RAW}
    assert sorted(one for mail in mails for one in mail.recipients) == ["b@y.test", "c@y.test"]
    assert sink.violations == []


def test_refused_recipient_is_not_tried_again(tmp_path: Path) -> None:
    """A 550 for one recipient ends it, while the other one gets the mail."""
    with Sink() as sink:
        sink.script.always(Step.RCPT, "550 5.1.1 Unknown", to="b@y.test")
        send_all([MAIL], sink.port, Ledger(tmp_path / "ledger"))
    verdicts = {one.recipient: (one.verdict, one.attempt) for one in read_ledger(tmp_path / "ledger")}
    assert verdicts == {"b@y.test": (Verdict.REFUSED, 1), "c@y.test": (Verdict.ACCEPTED, 1)}


def test_lost_reply_makes_a_second_copy_and_one_promise(tmp_path: Path) -> None:
    """When the 250 is lost on the way, the mail is sent again: the receiver has it twice, the ledger once."""
    with Sink() as sink, FaultProxy(sink.port) as proxy:
        proxy.next(Trouble(Fault.RESET, after=DOT))
        send_all([Outgoing("", ("b@y.test",), RAW)], proxy.port, Ledger(tmp_path / "ledger"))
        assert len(sink.wait_for(2)) == 2
    assert [one.attempt for one in read_ledger(tmp_path / "ledger")] == [2]


def test_mails_go_out_over_many_connections_to_a_server_that_comes_late(tmp_path: Path) -> None:
    """Nobody listens at first; in the end each of the mails was accepted once."""
    mails = made_mails(40, 500, "a@x.test", ("b@y.test",), "run")
    port = free_port()
    came: list[Sink] = []
    coming = threading.Timer(0.5, lambda: came.append(Sink(port=port).__enter__()))
    coming.start()
    send_all(mails, port, Ledger(tmp_path / "ledger"), connections=4, patience=20)
    [late] = came
    late.stop()
    assert len({mail.raw for mail in late.mails}) == 40
    assert late.connections == 4
    assert len(accepted(tmp_path / "ledger")) == 40


def test_patience_that_ends_is_written_down(tmp_path: Path) -> None:
    """A server that never accepts leaves a line that says so, with the last words heard."""
    with Sink() as sink:
        sink.script.always(Step.DOT, "451 4.3.0 Never")
        send_all([MAIL], sink.port, Ledger(tmp_path / "ledger"), patience=0.5)
    assert {(one.verdict, one.reply) for one in read_ledger(tmp_path / "ledger")} == {
        (Verdict.GIVEN_UP, "451 4.3.0 Never")
    }


def test_line_cut_off_by_a_crash_is_no_entry(tmp_path: Path) -> None:
    """A ledger whose last line is not whole is read up to there."""
    with Sink() as sink:
        send_all([MAIL], sink.port, Ledger(tmp_path / "ledger"))
    with (tmp_path / "ledger").open("a") as file:
        file.write('{"verdict": "acc')
    assert len(read_ledger(tmp_path / "ledger")) == 2


def test_sender_alone_needs_nothing_of_the_project(tmp_path: Path) -> None:
    """Run as a program in isolated mode, it sends files and made mails, and reports in JSON."""
    (tmp_path / "one.eml").write_bytes(RAW)
    program = Path(__file__).parents[1] / "peers" / "sender.py"
    with Sink() as sink:
        words = ["--port", str(sink.port), "--ledger", "ledger", "--to", "b@y.test", "--make", "5", "one.eml"]
        finished = subprocess.run(
            [sys.executable, "-I", program, *words], cwd=tmp_path, env={**os.environ}, capture_output=True, check=True
        )
        assert len(sink.wait_for(6)) == 6
    assert json.loads(finished.stdout)["accepted"] == 6
