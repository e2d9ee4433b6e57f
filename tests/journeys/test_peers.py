"""Real mail servers and clients deliver through our door, and what we store is what they sent."""

import smtplib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from journeys.front import Front
from journeys.wild_mails import WildMails
from peers.dovecot import LMTP, PASSWORD, SUBMISSION, USER, Dovecot
from peers.exim import Exim
from peers.haproxy import HaProxy
from peers.msmtp import msmtp
from peers.nodemailer import nodemailer
from peers.opensmtpd import OpenSmtpd
from peers.postfix import Postfix, Routes
from peers.swaks import SENT, swaks

pytestmark = pytest.mark.journey

SENDER = "bob@client.example"
DOMAIN = "in.desk.example"
CLIENT = "127.0.0.5"
# Postfix breaks longer lines on the way out, unless it is told not to.
AS_LONG_AS_THEY_ARE = {"smtp_line_length_limit": "0", "lmtp_line_length_limit": "0"}


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """One listener for all peers."""
    with Front(tmp_path_factory.mktemp("front")) as running:
        yield running


@pytest.fixture
def wild() -> WildMails:
    """The mails of this test."""
    return WildMails()


def send(port: int, to: str, mails: Iterable[bytes], login: bool = False, source: str = "127.0.0.1") -> None:
    """Hand the mails to a server, over one connection."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60, source_address=(source, 0)) as client:
        if login:
            client.login(USER, PASSWORD)
        for mail in mails:
            assert client.sendmail(SENDER, [to], mail, mail_options=["BODY=8BITMIME"]) == {}


def test_mails_of_smtplib(front: Front, wild: WildMails) -> None:
    """Python's client, which sends lines of any length."""
    mails = wild.lawful() | wild.long_lines()
    send(front.port, front.address, mails.values())
    for one in front.has_all(wild.tag, mails):
        assert one.raw in mails.values()
        assert (one.envelope.protocol, one.envelope.reverse_path) == ("ESMTP", SENDER)


def test_mails_of_swaks(front: Front, wild: WildMails) -> None:
    """The tester's client."""
    mails = wild.lawful() | wild.long_lines()
    for mail in mails.values():
        # It takes a dot at the end for the end; to a mail without one it adds a line.
        said = swaks(front.port, front.address, data=mail + b".\r\n", sender=SENDER)
        assert said.code == SENT, said.transcript[-2000:]
    front.has_all(wild.tag, mails)


def test_mails_of_nodemailer(front: Front, wild: WildMails) -> None:
    """The client of web applications, many mails over one connection."""
    mails = wild.lawful() | wild.long_lines()
    said = nodemailer(front.port, front.address, list(mails.values()), SENDER)
    assert all(one.startswith("250 2.0.0 Accepted as ") for one in said), said
    front.has_all(wild.tag, mails)


def test_mails_of_nodemailer_over_tls(front: Front, wild: WildMails) -> None:
    """It finds STARTTLS by itself, and the listener takes nothing without it."""
    mails = wild.lawful()
    said = nodemailer(front.tls_port, front.address, list(mails.values()), SENDER)
    assert all(one.startswith("250 2.0.0 Accepted as ") for one in said), said
    assert {one.envelope.protocol for one in front.has_all(wild.tag, mails)} == {"ESMTPS"}


def test_mails_of_msmtp(front: Front, wild: WildMails) -> None:
    """The client in place of sendmail."""
    mails = wild.lawful() | wild.long_lines()
    for mail in mails.values():
        done = msmtp(front.port, [front.address], mail, SENDER)
        assert done.returncode == 0, done.stderr
    front.has_all(wild.tag, mails)


def test_mails_of_msmtp_over_tls(front: Front, wild: WildMails) -> None:
    """It checks our certificate against its authority, and refuses to talk otherwise."""
    mails = wild.lawful()
    for mail in mails.values():
        done = msmtp(front.tls_port, [front.address], mail, SENDER, front.certificate.authority)
        assert done.returncode == 0, done.stderr
    assert {one.envelope.protocol for one in front.has_all(wild.tag, mails)} == {"ESMTPS"}


@pytest.mark.parametrize("way", ["smtp", "lmtp", "lmtp-unix"])
def test_mails_of_postfix(front: Front, wild: WildMails, way: str) -> None:
    """Its SMTP client and its LMTP client, over TCP and over a Unix socket, with connections of its own choice."""
    relays: dict[str, int | str] = {
        "smtp": front.port,
        "lmtp": f"lmtp:inet:[127.0.0.1]:{front.lmtp_port}",
        "lmtp-unix": f"lmtp:unix:{front.lmtp_path}",
    }
    mails = wild.lawful() | wild.long_lines()
    with Postfix(Routes(relays={DOMAIN: relays[way]}), AS_LONG_AS_THEY_ARE) as postfix:
        send(postfix.port, front.address, mails.values())
        arrived = front.has_all(wild.tag, mails)
    assert {one.envelope.protocol for one in arrived} == {"ESMTP" if way == "smtp" else "LMTP"}
    assert {one.envelope.helo for one in arrived} == {"mail.company.example"}


def test_mails_of_postfix_over_tls(front: Front, wild: WildMails) -> None:
    """With the name in our certificate checked, as a careful sender's policy asks."""
    mails = wild.lawful()
    settings = {
        "smtp_tls_security_level": "secure",
        "smtp_tls_secure_cert_match": "mx.desk.example",
        "smtp_tls_CAfile": str(front.certificate.authority),
        "smtp_tls_loglevel": "1",
    }
    with Postfix(Routes(relays={DOMAIN: front.tls_port}), settings) as postfix:
        send(postfix.port, front.address, mails.values())
        arrived = front.has_all(wild.tag, mails)
        assert "Verified TLS connection established" in postfix.log()
    assert {one.envelope.protocol for one in arrived} == {"ESMTPS"}


def test_mails_of_exim(front: Front, wild: WildMails) -> None:
    """The server of many web hosts."""
    mails = wild.lawful() | wild.long_lines()
    with Exim(front.port) as exim:
        send(exim.port, front.address, mails.values())
        arrived = front.has_all(wild.tag, mails)
    assert {one.envelope.helo for one in arrived} == {"mail.company.example"}


def test_mails_of_exim_over_tls(front: Front, wild: WildMails) -> None:
    """Exim speaks TLS by GnuTLS, where all others use OpenSSL."""
    mails = wild.lawful()
    with Exim(front.tls_port) as exim:
        send(exim.port, front.address, mails.values())
        assert {one.envelope.protocol for one in front.has_all(wild.tag, mails)} == {"ESMTPS"}


def test_mails_of_opensmtpd(front: Front, wild: WildMails) -> None:
    """The server of OpenBSD, which itself refuses the longest lines."""
    mails = wild.lawful() | wild.long_lines(most=5_000)
    with OpenSmtpd(front.port) as opensmtpd:
        send(opensmtpd.port, front.address, mails.values())
        front.has_all(wild.tag, mails)


def test_mails_of_dovecots_submission(front: Front, wild: WildMails) -> None:
    """Dovecot takes a user's mail and passes it on while he waits."""
    mails = wild.lawful() | wild.long_lines()
    with Dovecot(front.port, SUBMISSION) as dovecot:
        send(dovecot.port, front.address, mails.values(), login=True)
        front.has_all(wild.tag, mails)


def test_mails_of_dovecots_lmtp(front: Front, wild: WildMails) -> None:
    """Dovecot's LMTP proxy, as it stands before a mail store."""
    mails = wild.lawful() | wild.long_lines()
    with Dovecot(front.lmtp_port, LMTP) as dovecot, smtplib.LMTP("127.0.0.1", dovecot.port) as client:
        for mail in mails.values():
            assert client.sendmail(SENDER, [front.address], mail, mail_options=["BODY=8BITMIME"]) == {}
        assert {one.envelope.protocol for one in front.has_all(wild.tag, mails)} == {"LMTP"}


@pytest.mark.parametrize("how", ["send-proxy", "send-proxy-v2"])
def test_client_behind_haproxy_is_the_peer(
    front: Front, wild: WildMails, how: Literal["send-proxy", "send-proxy-v2"]
) -> None:
    """HAProxy's header, in words and in binary: the envelope names the client and not the balancer."""
    mails = wild.lawful()
    with HaProxy(front.proxied_port, how) as balancer:
        send(balancer.port, front.address, mails.values(), source=CLIENT)
        arrived = front.has_all(wild.tag, mails)
    assert {one.envelope.peer for one in arrived} == {CLIENT}


def test_address_of_the_proxied_listener_is_no_way_around_the_balancer(front: Front) -> None:
    """Who comes past HAProxy hears nothing."""
    with pytest.raises(smtplib.SMTPServerDisconnected):
        smtplib.SMTP("127.0.0.1", front.proxied_port, timeout=20)


def test_peers_are_greeted_by_the_same_listener(front: Front, tmp_path: Path) -> None:
    """After all of them it still runs, and has noted no fault of its own."""
    with smtplib.SMTP("127.0.0.1", front.port, timeout=20) as client:
        assert client.noop()[0] == 250
    assert "crashed" not in front.gateway.log()
