"""Every way in which a channel may break: what is said names the next step, and no mail is lost or bounced by it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from peers.certificates import Certificate, make_certificate
from peers.deaf import deaf
from peers.ports import free_port
from peers.replydesk import settings_for
from peers.sink import Sink
from peers.sinkscript import CLOSE, Act, Step, Then
from peers.sinksession import Offer

from outbound import probe as probing
from outbound.doors import Door
from outbound.envelope import Patience, Server
from outbound.probe import Finding, probe


@contextmanager
def website() -> Iterator[int]:
    """Something that is no mail server, and says so."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_as_website, args=(door,), daemon=True).start()
        yield door.getsockname()[1]


def _as_website(door: socket.socket) -> None:
    connection, _ = door.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def found(tmp_path: Path, port: int, security: str = "none", host: str = "127.0.0.1", user: str = "") -> Finding:
    """What `channel test` says."""
    [finding] = probe(settings_for(tmp_path), Door(servers=(Server(host, port, security, user, "s3cret"),)))
    assert not finding.ok
    assert "s3cret" not in repr(finding)
    return finding


def test_name_that_nobody_knows(tmp_path: Path) -> None:
    """DNS says that there is no such host, or does not answer at all: both sentences name what to look at."""
    assert "--host" in found(tmp_path, 25, host="no-such-host.invalid").advice


def test_port_where_nobody_listens(tmp_path: Path) -> None:
    """Refused at once."""
    assert "check --host and --port" in found(tmp_path, free_port()).advice


def test_port_whose_packets_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall without a word: we do not wait for the minutes that the kernel would."""
    monkeypatch.setattr(probing, "_PATIENCE", Patience(1, 1))
    with deaf() as port:
        said = found(tmp_path, port)
    assert "the connection timed out" in said.reply
    assert "firewall" in said.advice


def test_port_of_something_else(tmp_path: Path) -> None:
    """A web server is no mail server."""
    with website() as port:
        assert "no mail server" in found(tmp_path, port).advice


@pytest.mark.parametrize(
    ("until", "name", "is_trusted", "advice"),
    [
        (timedelta(days=-1), "localhost", True, "has expired: its operator must renew it"),
        (timedelta(days=9), "mail.elsewhere.example", True, "set --host to the name that stands in it"),
        (timedelta(days=9), "localhost", False, "SSL_CERT_FILE"),
    ],
)
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_certificate_that_is_not_good(
    tmp_path: Path, certificate: Certificate, security: str, until: timedelta, name: str, is_trusted: bool, advice: str
) -> None:
    """Expired, for another name, or of nobody whom we trust: each is told from the others."""
    made = certificate.sibling(tmp_path / "sibling", name, until=datetime.now(UTC) + until)
    if not is_trusted:
        made = make_certificate(tmp_path / "stranger")
    with Sink(Offer(tls=made.server_context(), implicit_tls=security == "tls")) as sink:
        assert advice in found(tmp_path, sink.port, security, "localhost").advice
        assert sink.logins == []


def test_tls_at_once_where_it_comes_later(tmp_path: Path, certificate: Certificate) -> None:
    """--security tls on a port that wants STARTTLS."""
    with Sink(Offer(tls=certificate.server_context())) as sink:
        assert "--security starttls" in found(tmp_path, sink.port, "tls", "localhost").advice


def test_tls_later_where_it_comes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a server waits for us to begin, so it never greets."""
    monkeypatch.setattr(probing, "_PATIENCE", Patience(1, 1))
    with Sink() as sink:
        sink.script.always(Step.BANNER, Act("", then=Then.SILENCE))
        assert "--port 465 --security tls" in found(tmp_path, sink.port, "starttls").advice


@pytest.mark.parametrize(
    ("step", "act", "advice"),
    [
        (Step.BANNER, Act("421 4.3.2 Too many connections"), "lower --connections"),
        (Step.BANNER, CLOSE, "hung up"),
        (Step.BANNER, Act("554 5.7.1 No service for your address"), "matter of policy"),
        (Step.AUTH, Act("535 5.7.8 Bad credentials"), "gateway channel edit"),
        (Step.AUTH, Act("454 4.7.0 Temporary authentication failure"), "by itself"),
    ],
)
def test_server_that_will_not_have_us(tmp_path: Path, sink: Sink, step: Step, act: Act, advice: str) -> None:
    """Storms of 421, a closed door, and passwords that are good no more."""
    sink.script.always(step, act)
    assert advice in found(tmp_path, sink.port, user="desk").advice
