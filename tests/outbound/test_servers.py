"""Which server a mail goes to, and when none of them may be trusted with it: fail-over, TLS, sign-in."""

import asyncio
import socket
import threading
from pathlib import Path

import pytest
from peers.certificates import Certificate, make_certificate
from peers.ports import free_port
from peers.replydesk import MakeDesk
from peers.sink import Sink
from peers.sinkscript import CLOSE, Act, Step, Then
from peers.sinksession import Offer

from outbound import signin
from outbound.envelope import Patience, Server, ServerTrouble
from outbound.signin import connect
from storage.outbox import DeliveryState

DEFERRED, SENT = DeliveryState.DEFERRED, DeliveryState.SENT


def _server(port: int, security: str = "none", **more: str) -> dict[str, object]:
    return {"host": "localhost" if security != "none" else "127.0.0.1", "port": port, "security": security, **more}


def test_next_server_is_taken_when_the_first_cannot_be_reached(make_desk: MakeDesk, sink: Sink) -> None:
    """Nothing listens at the first server: the mail leaves through the second in the same attempt."""
    desk = make_desk(servers=[_server(free_port()), _server(sink.port)])
    desk.reply(desk.ticket())
    with desk.relay():
        [delivery] = desk.wait_for(SENT)
    assert (delivery.attempts, delivery.server) == (1, f"127.0.0.1:{sink.port}")


def test_server_that_could_not_be_used_is_asked_last_for_a_while(make_desk: MakeDesk, sink: Sink) -> None:
    """Of ten mails in a row the first alone tries the server that refuses us; the others begin with the next one."""
    with Sink() as first:
        first.script.always(Step.BANNER, "554 5.7.1 Not you")
        desk = make_desk(servers=[_server(first.port), _server(sink.port)], connections=1)
        for number in [desk.ticket(f"c{place}@customer.example") for place in range(10)]:
            desk.reply(number)
        with desk.relay():
            found = desk.wait_for(*[SENT] * 10)
        assert (first.connections, {one.attempts for one in found}) == (1, {1})


@pytest.mark.parametrize("step", [Step.BANNER, Step.EHLO, Step.MAIL])
def test_next_server_is_taken_when_the_first_refuses_us(make_desk: MakeDesk, sink: Sink, step: Step) -> None:
    """A 5xx up to MAIL moves the mail to the next server."""
    with Sink() as first:
        first.script.always(step, "554 5.7.1 Not you")
        desk = make_desk(servers=[_server(first.port), _server(sink.port)])
        desk.reply(desk.ticket())
        with desk.relay():
            desk.wait_for(SENT)
        assert first.mails == []
    sink.stays_at(1, 0.1)


def test_next_attempt_begins_with_the_next_server(make_desk: MakeDesk, sink: Sink) -> None:
    """A 4xx at RCPT stays with its server for this attempt; the next one goes elsewhere."""
    with Sink() as first:
        first.script.always(Step.RCPT, "451 4.7.1 Greylisted")
        desk = make_desk(servers=[_server(first.port), _server(sink.port)], retry_seconds=[1])
        desk.reply(desk.ticket())
        with desk.relay():
            [delivery] = desk.wait_for(DEFERRED)
            assert delivery.server == f"127.0.0.1:{first.port}"
            [delivery] = desk.wait_for(SENT)
    assert delivery.server == f"127.0.0.1:{sink.port}"


def test_server_without_starttls_gets_no_mail(make_desk: MakeDesk, sink: Sink) -> None:
    """STARTTLS is required unless `none` is written out: deferred, neither mail nor password leaves."""
    desk = make_desk(servers=[_server(sink.port, "starttls", user="desk", password="s3cret")])
    desk.reply(desk.ticket())
    with desk.relay():
        [delivery] = desk.wait_for(DEFERRED)
    assert "STARTTLS" in delivery.last_reply
    assert (sink.mails, sink.logins) == ([], [])
    assert not any(line.startswith("MAIL") for _, line in sink.commands)


def test_certificate_of_a_stranger_gets_no_mail(make_desk: MakeDesk, certificate: Certificate, tmp_path: Path) -> None:
    """A certificate that nobody vouches for: deferred, no mail and no password."""
    stranger = make_certificate(tmp_path / "other")
    with Sink(Offer(tls=stranger.server_context())) as sink:
        desk = make_desk(servers=[_server(sink.port, "starttls", user="desk", password="s3cret")])
        desk.reply(desk.ticket())
        with desk.relay():
            [delivery] = desk.wait_for(DEFERRED)
        assert "certificate" in delivery.last_reply.lower()
        assert (sink.mails, sink.logins) == ([], [])


def test_certificate_for_another_name_gets_no_mail(
    make_desk: MakeDesk, certificate: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The authority is trusted and the name is wrong: deferred."""
    other = make_certificate(tmp_path / "name", "mail.elsewhere.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.authority))
    signin._tls_context.cache_clear()
    with Sink(Offer(tls=other.server_context())) as sink:
        desk = make_desk(servers=[_server(sink.port, "starttls")])
        desk.reply(desk.ticket())
        with desk.relay():
            [delivery] = desk.wait_for(DEFERRED)
        assert "certificate" in delivery.last_reply.lower()
        assert sink.mails == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_and_password_travel_under_tls(make_desk: MakeDesk, certificate: Certificate, security: str) -> None:
    """With either kind of TLS the sign-in and the mail are encrypted, and it works under uvloop's transports too."""
    with Sink(Offer(tls=certificate.server_context(), implicit_tls=security == "tls")) as sink:
        desk = make_desk(servers=[_server(sink.port, security, user="desk", password="s3cret")])
        desk.reply(desk.ticket())
        with desk.relay(uvloop=True):
            desk.wait_for(SENT)
        [mail] = sink.mails
        assert mail.tls
        assert mail.login
        assert (mail.login.user, mail.login.secret, mail.login.encrypted) == ("desk", "s3cret", True)
        assert sink.violations == []


@pytest.mark.parametrize("step", [Step.STARTTLS, Step.AUTH])
@pytest.mark.parametrize(
    "act",
    [
        Act("454 4.7.0 Not now"),
        Act("554 5.7.0 Never"),
        CLOSE,
        Act("", then=Then.RESET),
        Act("", then=Then.HALF_CLOSE),
        Act("", then=Then.SILENCE),
    ],
    ids=["4xx", "5xx", "close", "reset", "half-close", "silence"],
)
def test_whatever_befalls_the_setting_up_of_a_connection_the_next_one_sends(
    certificate: Certificate, step: Step, act: Act
) -> None:
    """TLS and sign-in that fail in any way are trouble of the server: nothing is said of the mail, which goes again."""
    with Sink(Offer(tls=certificate.server_context())) as sink:
        server = Server("localhost", sink.port, "starttls", "desk", "s3cret")
        sink.script.once(step, act)
        with pytest.raises(ServerTrouble):
            asyncio.run(connect(server, "mx.desk.example", Patience(0.5, 0.5)))
        line = asyncio.run(connect(server, "mx.desk.example", Patience(9, 9)))
        assert line.tls
        assert {login.encrypted for login in sink.logins} == {True}
        assert sink.mails == []


def test_words_put_in_before_tls_are_refused(make_desk: MakeDesk) -> None:
    """A reply that a man in the middle appends to that of STARTTLS ends the session: no mail, no password."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as door:
        injector = threading.Thread(target=_inject, args=(door, heard), daemon=True)
        injector.start()
        desk = make_desk(servers=[_server(door.getsockname()[1], "starttls", user="desk", password="s3cret")])
        desk.reply(desk.ticket())
        with desk.relay():
            [delivery] = desk.wait_for(DEFERRED)
        injector.join(5)
    assert "before TLS" in delivery.last_reply
    assert heard == [b"EHLO mx.desk.example\r\n", b"STARTTLS\r\n", b""]


def _inject(door: socket.socket, heard: list[bytes]) -> None:
    connection, _ = door.accept()
    with connection:
        connection.sendall(b"220 injector\r\n")
        heard.append(connection.recv(1000))
        connection.sendall(b"250-injector\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
        heard.append(connection.recv(1000))
        connection.sendall(b"220 go on\r\n250-injector\r\n250 AUTH PLAIN\r\n")
        heard.append(connection.recv(1000))


def test_connections_are_kept_for_the_next_mail(make_desk: MakeDesk, sink: Sink) -> None:
    """Ten mails one after the other share one connection, whose transactions do not mix."""
    desk = make_desk(sink, connections=1)
    for number in [desk.ticket(f"c{place}@customer.example") for place in range(10)]:
        desk.reply(number)
    with desk.relay():
        desk.wait_for(*[SENT] * 10)
    assert sink.connections == 1
    assert len({mail.recipients for mail in sink.mails}) == 10


@pytest.mark.parametrize(("offer", "connections"), [(Offer(), 1), (Offer(pipelining=False), 1), (Offer(eager=True), 2)])
def test_mail_that_nobody_gets_leaves_no_text_behind(make_desk: MakeDesk, offer: Offer, connections: int) -> None:
    """DATA may have been sent with the recipients; a server that takes it although it refused them all is left."""
    with Sink(offer) as sink:
        desk = make_desk(sink, connections=1)
        sink.script.always(Step.RCPT, "550 5.1.1 No such user", to="ann@customer.example")
        for address in ("ann@customer.example", "ben@customer.example"):
            desk.reply(desk.ticket(address))
        with desk.relay():
            desk.wait_for(DeliveryState.BOUNCED, SENT)
        [mail] = sink.mails
        assert mail.recipients == ("ben@customer.example",)
        assert (sink.connections, sink.violations) == (connections, [])


def test_kept_connection_that_the_server_has_closed_costs_no_attempt(make_desk: MakeDesk, sink: Sink) -> None:
    """421 on a kept connection: the mail goes over a new one in the same attempt."""
    desk = make_desk(sink)
    first, second = desk.ticket(), desk.ticket("ben@customer.example")
    with desk.relay():
        desk.reply(first)
        desk.wait_for(SENT)
        sink.script.once(Step.MAIL, "421 4.4.2 Idle for too long")
        desk.reply(second)
        found = desk.wait_for(SENT, SENT)
    assert [delivery.attempts for delivery in found] == [1, 1]
    assert sink.connections == 2
