"""The sink: what it keeps, what it answers, and how it ends a session. Asked by smtplib, a stranger to it."""

import json
import os
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers.certificates import make_certificate
from peers.ports import until
from peers.sink import Sink
from peers.sinkscript import CLOSE, STORE_AND_CLOSE, STORE_AND_RESET, Act, Step, Then
from peers.sinksession import Login, Offer

MAIL = b"Subject: dots\r\n\r\n.one\r\n..two\r\nend\r\n"


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A sink that takes everything."""
    with Sink() as running:
        yield running


def _client(sink: Sink) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", sink.port, local_hostname="client.test", timeout=10)


def test_mail_is_kept_with_its_envelope_byte_for_byte(sink: Sink) -> None:
    """Reverse path, recipients and bytes are those that were sent, dots and all."""
    with _client(sink) as client:
        client.sendmail("a@x.test", ["b@y.test", "c@y.test"], MAIL, mail_options=["BODY=8BITMIME"])
    [mail] = sink.wait_for(1)
    assert (mail.reverse_path, mail.recipients, mail.raw) == ("a@x.test", ("b@y.test", "c@y.test"), MAIL)
    assert (mail.helo, mail.tls, mail.login, mail.connection) == ("client.test", None, None, 1)
    assert "BODY=8BITMIME" in mail.mail_parameters
    assert sink.violations == []


def test_null_reverse_path_is_kept_as_empty(sink: Sink) -> None:
    """A bounce's empty reverse path is the empty string."""
    with _client(sink) as client:
        client.sendmail("", ["b@y.test"], MAIL)
    assert sink.wait_for(1)[0].reverse_path == ""


@pytest.mark.parametrize(
    ("step", "code"), [(Step.MAIL, 452), (Step.DATA, 451), (Step.DOT, 554), (Step.EHLO, 421), (Step.BANNER, 554)]
)
def test_refusal_at_a_step_reaches_the_client_once(sink: Sink, step: Step, code: int) -> None:
    """What the script says once is said at its step, nothing is stored, and the next try succeeds."""
    sink.script.once(step, Act(f"{code} 4.0.0 Scripted"), *([Act("421 4.0.0")] if step is Step.EHLO else []))
    with pytest.raises(smtplib.SMTPException) as refused, _client(sink) as client:
        client.sendmail("a@x.test", ["b@y.test"], MAIL)
    assert str(code) in str(refused.value) or str(code) in repr(refused.value.args)
    assert sink.mails == []
    with _client(sink) as client:
        client.sendmail("a@x.test", ["b@y.test"], MAIL)
    assert len(sink.wait_for(1)) == 1
    assert sink.connections == 2


def test_rcpt_is_answered_per_address(sink: Sink) -> None:
    """One recipient is refused for good while the other one's mail is stored."""
    sink.script.always(Step.RCPT, "550 5.1.1 No such user", to="Gone@y.test")
    with _client(sink) as client:
        refused = client.sendmail("a@x.test", ["gone@y.test", "here@y.test"], MAIL)
    assert refused == {"gone@y.test": (550, b"5.1.1 No such user")}
    assert sink.wait_for(1)[0].recipients == ("here@y.test",)


@pytest.mark.parametrize("act", [STORE_AND_CLOSE, STORE_AND_RESET])
def test_connection_lost_after_the_dot_leaves_the_mail_stored(sink: Sink, act: Act) -> None:
    """The client hears nothing, and the sink has the mail all the same."""
    sink.script.once(Step.DOT, act)
    client = _client(sink)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.sendmail("a@x.test", ["b@y.test"], MAIL)
    assert len(sink.wait_for(1)) == 1


def test_close_without_storing_keeps_nothing(sink: Sink) -> None:
    """The client hears nothing, and the sink has nothing."""
    sink.script.once(Step.DOT, CLOSE)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        _client(sink).sendmail("a@x.test", ["b@y.test"], MAIL)
    assert sink.stays_at(0, 0.1) == []


def test_reset_is_a_reset_and_half_close_an_end_of_file(sink: Sink) -> None:
    """RST raises at the client; after a half-close the client reads an end and may still write."""
    sink.script.once(Step.BANNER, Act(reply="", then=Then.RESET), Act(reply="", then=Then.HALF_CLOSE))
    with socket.create_connection(("127.0.0.1", sink.port)) as first, pytest.raises(ConnectionResetError):
        first.recv(100)
    with socket.create_connection(("127.0.0.1", sink.port)) as second:
        assert second.recv(100) == b""
        second.sendall(b"EHLO x\r\n")


def test_delay_comes_before_the_reply_and_after_storing(sink: Sink) -> None:
    """A late 250 is for a mail that the sink has long stored."""
    sink.script.once(Step.DOT, Act(delay=0.4))
    started = time.monotonic()
    with _client(sink) as client:
        client.sendmail("a@x.test", ["b@y.test"], MAIL)
    assert time.monotonic() - started >= 0.4
    assert len(sink.mails) == 1


def test_starttls_and_login_are_facts_of_the_mail(tmp_path: Path) -> None:
    """The mail says that it came under TLS, and as whom."""
    certificate = make_certificate(tmp_path)
    with Sink(Offer(tls=certificate.server_context())) as sink:
        with smtplib.SMTP("localhost", sink.port, timeout=10) as client:
            client.starttls(context=certificate.client_context())
            client.login("ana", "s3cret")
            client.sendmail("a@x.test", ["b@y.test"], MAIL)
        [mail] = sink.wait_for(1)
    assert mail.tls is not None
    assert mail.login == Login("PLAIN", "ana", "s3cret", encrypted=True)
    assert sink.violations == []


def test_auth_login_in_clear_is_seen(sink: Sink) -> None:
    """The sink notes the credentials of an AUTH that it refuses, and that they came in clear."""
    sink.script.always(Step.AUTH, "535 5.7.8 No")
    with _client(sink) as client:
        client.ehlo()
        client.user, client.password = "ana", "s3cret"
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.auth("LOGIN", client.auth_login)
    assert sink.logins == [Login("LOGIN", "ana", "s3cret", encrypted=False)]


def test_implicit_tls_greets_under_tls(tmp_path: Path) -> None:
    """With implicit TLS the banner itself is encrypted."""
    certificate = make_certificate(tmp_path)
    with Sink(Offer(tls=certificate.server_context(), implicit_tls=True)) as sink:
        with smtplib.SMTP_SSL("localhost", sink.port, context=certificate.client_context(), timeout=10) as client:
            client.sendmail("a@x.test", ["b@y.test"], MAIL)
        assert sink.wait_for(1)[0].tls is not None


def test_certificate_of_a_stranger_is_refused(tmp_path: Path) -> None:
    """A client that trusts another authority does not get through."""
    ours, other = make_certificate(tmp_path / "ours"), make_certificate(tmp_path / "other")
    with (
        Sink(Offer(tls=ours.server_context())) as sink,
        smtplib.SMTP("localhost", sink.port, timeout=10) as client,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        client.starttls(context=other.client_context())


def test_careless_client_is_noted(sink: Sink) -> None:
    """A bare LF in the text, a line too long and an unknown command are violations."""
    with socket.create_connection(("127.0.0.1", sink.port)) as peer:
        peer.sendall(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        peer.sendall(b"bare\nlf\r\n" + b"x" * 1001 + b"\r\n.\r\nXNONSENSE\r\nQUIT\r\n")
        while peer.recv(4096):
            pass
    assert sink.violations == [
        "text with a bare CR, LF or a NUL",
        "text line of more than 1000 octets",
        "unknown command 'XNONSENSE'",
    ]


def test_wait_for_mails_that_do_not_come_says_what_was_heard(sink: Sink) -> None:
    """The time-out names the commands, so that a failed test explains itself."""
    with _client(sink) as client:
        client.ehlo()
        with pytest.raises(TimeoutError, match=r"0 of 1 mails.*ehlo client.test"):
            sink.wait_for(1, timeout=0.1)


def test_sink_alone_writes_mails_as_files(tmp_path: Path) -> None:
    """Run as a program, it writes each mail and its envelope to a folder."""
    program = Path(__file__).parents[1] / "peers" / "sink.py"
    with subprocess.Popen(
        [sys.executable, program, "--port", "0", "--dir", tmp_path / "mails"],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        text=True,
    ) as alone:
        assert alone.stdout is not None
        port = int(alone.stdout.readline().rsplit(":", 1)[1])
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.sendmail("a@x.test", ["b@y.test"], MAIL)
        envelope = tmp_path / "mails" / "000001.json"
        until(envelope.exists, 5, "the envelope is written")
        alone.terminate()
    assert json.loads(envelope.read_text())["recipients"] == ["b@y.test"]
    assert envelope.with_suffix(".eml").read_bytes() == MAIL
