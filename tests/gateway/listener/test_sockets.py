"""TLS, LMTP, Unix sockets, and what is said when we cannot listen."""

import os
import socket
import ssl
import time

import pytest
from peers.certificates import make_certificate
from peers.ports import until
from peers.rawsmtp import RawSmtp, trusting_context

from config.errors import BadConfiguration
from config.receiving import ListenerSettings
from gateway.listener.activation import handed_sockets
from gateway.listener.conversation import host_of
from gateway.listener.server import bind

MAIL = b"Subject: hello\r\n\r\nhello\r\n"


def tls_listener(certificate, **more):
    """A listener with this certificate."""
    return {"address": "127.0.0.1:0", "tls_certificate": certificate.chain, "tls_key": certificate.key, **more}


def test_mail_comes_over_starttls(open_door, tmp_path):
    """The state is reset by TLS, STARTTLS is offered once, and the envelope says how the mail came."""
    certificate = make_certificate(tmp_path / "tls")
    door = open_door(listener=[tls_listener(certificate)])
    with door.peer() as peer:
        assert "250-STARTTLS" in peer.says("EHLO x")
        peer.says("MAIL FROM:<evil@x.example>")
        assert peer.says("STARTTLS") == "220 2.0.0 Ready to start TLS"
        peer.encrypts(certificate.client_context())
        assert peer.says(f"RCPT TO:<{door.address}>").startswith("503")
        assert peer.says("MAIL FROM:<a@b.example>").startswith("503")
        assert peer.mails([door.address], MAIL).startswith("250")
        assert "STARTTLS" not in peer.says("EHLO x")
        assert peer.says("STARTTLS").startswith("503")
    [accepted] = door.acceptances()
    assert (accepted.protocol, accepted.tls) == ("ESMTPS", "TLSv1.3 TLS_AES_256_GCM_SHA384")


def test_large_mail_comes_over_tls_as_it_was(open_door, tmp_path):
    """Two megabytes in many records, byte for byte."""
    door = open_door(listener=[tls_listener(make_certificate(tmp_path / "tls"))])
    content = b"Subject: large\r\n\r\n" + b"".join(b"%076d\r\n" % number for number in range(25_000))
    with door.peer() as peer:
        peer.says("EHLO x")
        peer.says("STARTTLS")
        peer.encrypts()
        assert peer.mails([door.address], content).startswith("250")
    assert door.raws()[0].size == len(content)


def test_command_behind_starttls_is_not_carried_into_tls(open_door, tmp_path):
    """Data in the same segment: 554 and closed, so that nothing said in clear counts as said under TLS."""
    door = open_door(listener=[tls_listener(make_certificate(tmp_path / "tls"))])
    with door.peer() as peer:
        peer.says("EHLO x")
        peer.sends(b"STARTTLS\r\nMAIL FROM:<evil@x.example>\r\n")
        assert peer.rest() == ["554 5.5.0 You spoke before it was your turn"]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_refused(open_door, tmp_path):
    """TLS 1.1 and below do not get through the handshake. RFC 8996."""
    door = open_door(listener=[tls_listener(make_certificate(tmp_path / "tls"))])
    context = trusting_context()
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with door.peer() as peer:
        peer.says("EHLO x")
        peer.says("STARTTLS")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            peer.encrypts(context)


def test_handshake_that_stalls_is_ended(open_door, tmp_path):
    """Who says STARTTLS and then nothing is closed, and his place is free again."""
    listener = tls_listener(make_certificate(tmp_path / "tls"))
    door = open_door(listener=[listener], handshake_seconds=0.3, connections_per_network=1)
    with door.peer() as peer:
        peer.says("EHLO x")
        peer.says("STARTTLS")
        assert peer.is_closed()
    until(lambda: _greeting(door).startswith("220"), 5, "the place is free")


def test_implicit_tls_begins_at_the_first_octet(open_door, tmp_path):
    """A listener with tls = "implicit"."""
    door = open_door(listener=[tls_listener(make_certificate(tmp_path / "tls"), tls="implicit")])
    with door.peer(greeted=False) as peer:
        peer.encrypts()
        assert peer.reply().startswith("220")
        assert peer.mails([door.address], MAIL).startswith("250")
    assert door.acceptances()[0].protocol == "ESMTPS"


def test_listener_that_requires_tls_takes_no_mail_in_clear(open_door, tmp_path):
    """530 5.7.0 before STARTTLS, service after it."""
    door = open_door(listener=[tls_listener(make_certificate(tmp_path / "tls"), require_tls=True)])
    with door.peer() as peer:
        peer.says("EHLO x")
        assert peer.says("MAIL FROM:<a@b.example>") == "530 5.7.0 Send STARTTLS first"
        peer.says("STARTTLS")
        peer.encrypts()
        assert peer.mails([door.address], MAIL).startswith("250")


def test_new_certificate_is_used_without_dropping_a_session(open_door, tmp_path):
    """SIGHUP: the session goes on, the next handshake shows the new certificate."""
    certificate = make_certificate(tmp_path / "tls")
    door = open_door(listener=[tls_listener(certificate)])
    with door.peer() as old:
        old.says("EHLO x")
        old.says("STARTTLS")
        old.encrypts(certificate.client_context())
        renewed = make_certificate(tmp_path / "tls")
        door.ask_to_reload()
        until(lambda: _can_encrypt(door, renewed), 5, "the new certificate is in use")
        assert old.mails([door.address], MAIL).startswith("250")


def test_broken_certificate_keeps_the_old_one_in_use(open_door, tmp_path):
    """A bad file on SIGHUP changes nothing."""
    certificate = make_certificate(tmp_path / "tls")
    door = open_door(listener=[tls_listener(certificate)])
    certificate.chain.write_text("rubbish")
    door.ask_to_reload()
    time.sleep(0.3)
    assert _can_encrypt(door, certificate)


def test_lmtp_says_one_reply_for_each_recipient(open_door, tmp_path):
    """Over a Unix socket, with LHLO. RFC 2033."""
    path = tmp_path / "lmtp"
    door = open_door(listener=[{"address": f"unix:{path}", "protocol": "lmtp"}])
    other = door.new_address("sales")
    with RawSmtp(0, path=str(path)) as peer:
        assert peer.greeting == "220 mx.desk.example LMTP"
        assert peer.says("EHLO x").startswith("500")
        assert "250-PIPELINING" in peer.says("LHLO x")
        peer.says("MAIL FROM:<a@b.example>")
        peer.says(f"RCPT TO:<{door.address}>")
        peer.says(f"RCPT TO:<{other}>")
        first = peer.gives(MAIL)
        assert first == peer.reply()
        assert first.startswith("250 2.0.0 Accepted as")
        assert peer.says("NOOP") == "250 2.0.0 Ok"
    assert [(one.protocol, one.peer) for one in door.acceptances()] == [("LMTP", "local")]
    door.close()
    assert not path.exists()


def test_port_in_use_says_what_to_do():
    """One line, with the address and the way out."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(BadConfiguration, match=f"Cannot listen on {address}: the port is in use"):
            bind(ListenerSettings(address=address))


def test_address_of_another_machine_says_what_to_do():
    """So does an address that is not ours."""
    with pytest.raises(BadConfiguration, match="this machine has no such address"):
        bind(ListenerSettings(address="192.0.2.1:2525"))


def test_systemd_without_sockets_says_what_to_do(monkeypatch):
    """Started by hand although the settings name systemd."""
    monkeypatch.delenv("LISTEN_FDS", raising=False)
    with pytest.raises(BadConfiguration, match="no socket was handed over"):
        handed_sockets(ListenerSettings(address="systemd"), [])


def test_name_that_systemd_does_not_know_says_what_to_do(monkeypatch):
    """The settings and the unit differ: both names are in the complaint."""
    for name, value in (("FDS", "1"), ("PID", str(os.getpid())), ("FDNAMES", "mail")):
        monkeypatch.setenv(f"LISTEN_{name}", value)
    with pytest.raises(BadConfiguration, match="handed over, but mail: set FileDescriptorName=lmtp"):
        handed_sockets(ListenerSettings(address="systemd:lmtp"), [])


def test_unix_socket_does_not_replace_a_file(tmp_path):
    """A file that stands at the path of a Unix socket stays what it is."""
    path = tmp_path / "file"
    path.write_text("precious")
    with pytest.raises(BadConfiguration):
        bind(ListenerSettings(address=f"unix:{path}"))
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    ("peername", "host"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1, 0, 0), "192.0.2.7"),
        (("2001:db8::7", 1, 0, 0), "2001:db8::7"),
        ("", "local"),
    ],
)
def test_peer_has_one_name_on_every_socket(peername, host):
    """On a socket for both, as systemd opens it, an IPv4 peer is the same one as on a socket for IPv4."""
    assert host_of(peername) == host


def _greeting(door):
    with door.peer() as peer:
        return peer.greeting


def _can_encrypt(door, certificate):
    with door.peer() as peer:
        peer.says("EHLO x")
        peer.says("STARTTLS")
        try:
            peer.encrypts(certificate.client_context())
        except ssl.SSLError:
            return False
        return peer.says("NOOP").startswith("250")
