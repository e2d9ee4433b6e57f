"""The PROXY header is believed from the networks that the listener names, and from nobody else."""

import socket
import struct

import pytest

MAIL = b"Subject: hello\r\n\r\nhello\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V4 = struct.pack("!4s4sHH", bytes([203, 0, 113, 7]), bytes([127, 0, 0, 1]), 1, 25)
V6 = struct.pack("!16s16sHH", socket.inet_pton(socket.AF_INET6, "2001:db8::7"), bytes(16), 1, 25)


def header(command, family, body):
    """A header of version 2."""
    return SIGNATURE + bytes([command, family]) + len(body).to_bytes(2, "big") + body


@pytest.fixture
def proxied(open_door):
    """A listener behind a balancer on loopback."""
    return open_door(
        listener=[{"address": "127.0.0.1:0", "proxy_from": ["127.0.0.0/8"]}],
        handshake_seconds=0.5,
        connections_per_network=2,
    )


@pytest.mark.parametrize(
    ("said", "client"),
    [
        (b"PROXY TCP4 203.0.113.7 127.0.0.1 40000 25\r\n", "203.0.113.7"),
        (b"PROXY TCP6 2001:db8::7 ::1 40000 25\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (header(0x21, 0x11, V4), "203.0.113.7"),
        (header(0x21, 0x11, V4 + b"\x04\x00\x03abc"), "203.0.113.7"),
        (header(0x21, 0x21, V6), "2001:db8::7"),
        (header(0x20, 0x00, b""), "127.0.0.1"),
        (header(0x21, 0x31, bytes(216)), "127.0.0.1"),
    ],
    ids=["v1", "v1-6", "v1-unknown", "v2", "v2-tlv", "v2-6", "v2-local", "v2-unix"],
)
def test_client_behind_the_balancer_is_the_peer(proxied, said, client):
    """The envelope names the client whom the header names, in whatever pieces it comes."""
    with proxied.peer(greeted=False) as peer:
        peer.sends(said[:7])
        peer.sends(said[7:])
        assert peer.reply().startswith("220")
        assert peer.mails([proxied.address], MAIL).startswith("250")
    assert proxied.acceptances()[0].peer == client


@pytest.mark.parametrize(
    "said",
    [
        b"EHLO x\r\n",
        b"PROXY TCP4 nonsense 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 1.2.3.4\r\n",
        b"PROXY " + b"x" * 200,
        b"x" * 1_000_000,
        header(0x31, 0x11, V4),
        header(0x21, 0x11, V4[:4]),
        SIGNATURE + b"\x21\x11\xff\xff" + bytes(100_000),
        b"PROX",
        b"",
    ],
    ids=["none", "address", "short", "long", "rubbish", "version", "cut", "huge", "stalled", "silent"],
)
def test_what_is_no_header_is_closed_without_a_greeting(proxied, said):
    """Rubbish, silence and lengths beyond the protocol's: nothing is said, nothing is kept."""
    with proxied.peer(greeted=False) as peer:
        try:
            peer.sends(said)
            assert peer.rest() == []
        except ConnectionError:
            pass  # closed while we still wrote


def test_header_from_elsewhere_is_not_believed(open_door):
    """A listener for another balancer says nothing to us."""
    door = open_door(listener=[{"address": "127.0.0.1:0", "proxy_from": ["192.0.2.0/24"]}])
    with door.peer(greeted=False) as peer:
        peer.sends(b"PROXY TCP4 203.0.113.7 127.0.0.1 40000 25\r\n")
        assert peer.rest() == []


def test_header_on_an_ordinary_listener_is_no_command(door):
    """Nobody chooses his address by himself."""
    with door.peer() as peer:
        assert peer.says("PROXY TCP4 203.0.113.7 127.0.0.1 40000 25").startswith("500")


def test_limits_count_the_clients_and_not_the_balancer(proxied):
    """Three clients come through one balancer although a network may have two connections."""
    peers = [proxied.peer(greeted=False) for _ in range(4)]
    for number, peer in enumerate(peers):
        peer.sends(f"PROXY TCP4 203.0.113.{min(number, 1)} 127.0.0.1 1 25\r\n".encode())
    assert sorted(peer.reply()[:3] for peer in peers) == ["220", "220", "220", "421"]
    for peer in peers:
        peer.close()
