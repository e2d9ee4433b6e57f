"""The proxy that breaks connections: each fault as both sides see it."""

import smtplib
import socket
import time
from collections.abc import Iterator

import pytest
from peers.faultproxy import DOT, Fault, FaultProxy, Side, Trouble, Watch
from peers.sink import Sink
from peers.sinkscript import STORE_AND_RESET, Step

MAIL = b"Subject: x\r\n\r\n" + b"text\r\n" * 1000


@pytest.fixture
def sink() -> Iterator[Sink]:
    """The server behind the proxy."""
    with Sink() as running:
        yield running


@pytest.fixture
def proxy(sink: Sink) -> Iterator[FaultProxy]:
    """A proxy in front of the sink."""
    with FaultProxy(sink.port) as running:
        yield running


def _send(proxy: FaultProxy, timeout: float = 10.0) -> None:
    with smtplib.SMTP("127.0.0.1", proxy.port, timeout=timeout) as client:
        client.sendmail("a@x.test", ["b@y.test"], MAIL)


def test_without_trouble_bytes_pass_unharmed(sink: Sink, proxy: FaultProxy) -> None:
    """A mail through the proxy is the mail that was sent."""
    _send(proxy)
    assert sink.wait_for(1)[0].raw == MAIL
    assert (proxy.connections, proxy.strikes) == (1, 0)


@pytest.mark.parametrize("fault", [Fault.CLOSE, Fault.RESET])
def test_cut_after_the_dot_delivers_and_answers_nothing(sink: Sink, proxy: FaultProxy, fault: Fault) -> None:
    """The server has the whole mail, the client loses the connection; the next connection is well."""
    proxy.next(Trouble(fault, after=DOT))
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        _send(proxy)
    assert sink.wait_for(1)[0].raw == MAIL
    _send(proxy)
    assert len(sink.wait_for(2)) == 2
    assert proxy.strikes == 1


def test_cut_before_the_reply_loses_the_reply_only(sink: Sink, proxy: FaultProxy) -> None:
    """A fault in the server's direction waits until the server has answered, and keeps the answer back."""
    proxy.next(Trouble(Fault.CLOSE, of=Side.SERVER, before=b"250 2.0.0 Stored"))
    with pytest.raises(smtplib.SMTPServerDisconnected):
        _send(proxy)
    assert len(sink.mails) == 1


def test_cut_after_octets_stops_in_the_text(sink: Sink, proxy: FaultProxy) -> None:
    """After so many octets of the client the connection is reset, and the server has no mail."""
    proxy.always(Trouble(Fault.RESET, octets=2000))
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        _send(proxy)
    proxy.always(None)
    sink.stays_at(0, 0.1)


def test_half_close_ends_one_direction(sink: Sink, proxy: FaultProxy) -> None:
    """The server sees the end of the client's stream behind the dot, and its reply still arrives."""
    proxy.next(Trouble(Fault.HALF_CLOSE, after=DOT))
    client = smtplib.SMTP("127.0.0.1", proxy.port, timeout=10)
    assert client.sendmail("a@x.test", ["b@y.test"], MAIL) == {}
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    assert len(sink.mails) == 1


def test_blackhole_says_nothing_to_anybody(sink: Sink, proxy: FaultProxy) -> None:
    """After the dot the client waits in vain, and the connection stays open."""
    proxy.next(Trouble(Fault.BLACKHOLE, after=DOT))
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        _send(proxy, timeout=0.5)
    proxy.wait_for_strike()
    assert len(sink.wait_for(1)) == 1


def test_reset_by_the_server_reaches_the_client(sink: Sink, proxy: FaultProxy) -> None:
    """A server that dies with data unread resets; the client is not left to wait for its reply."""
    sink.script.once(Step.DOT, STORE_AND_RESET)
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)) as lost:
        _send(proxy, timeout=10.0)
    assert "timed out" not in str(lost.value)


def test_delay_holds_each_piece(proxy: FaultProxy) -> None:
    """The greeting takes as long as the delay."""
    proxy.delay = 0.3
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        assert client.recv(100).startswith(b"220")
    assert time.monotonic() - started >= 0.3


def test_server_that_is_away_looks_away(proxy: FaultProxy, sink: Sink) -> None:
    """When nobody listens behind the proxy, the client is cut off at once."""
    sink.stop()
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        _send(proxy)


def test_bytes_are_found_across_the_borders_of_pieces() -> None:
    """Whatever way the dot is split, what passes ends with it."""
    text = b"DATA\r\ntext\r\n.\r\nQUIT\r\n"
    for border in range(1, len(text)):
        watch = Watch(Trouble(Fault.CLOSE, after=DOT))
        first, struck = watch.look(text[:border])
        second, again = (b"", False) if struck else watch.look(text[border:])
        assert (first + second, struck or again) == (b"DATA\r\ntext\r\n.\r\n", True), border
