"""A company's own Postfix as a custom channel: it asks Dovecot who may sign in, and lets nobody write as another."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from peers.certificates import Certificate
from peers.dovecot import PASSWORD, SASL, USER, Dovecot
from peers.postfix import Postfix, Routes
from peers.replydesk import CUSTOMER, Desk, MakeDesk
from peers.sink import Sink

from outbound.doors import open_door
from outbound.probe import Finding, probe
from outbound.refusals import plain_sentence
from storage.channels import Channel, ChannelKind, ChannelState, add_channel
from storage.dispatch import hurry_channel
from storage.outbox import Delivery, DeliveryState
from storage.queues import Queue

DEFERRED, SENT = DeliveryState.DEFERRED, DeliveryState.SENT
OWN = "support@company.example"


@pytest.fixture
def postfix(sink: Sink, certificate: Certificate) -> Iterator[Postfix]:
    """It takes mail from who has signed in under TLS, and passes it on to the sink."""
    settings = {
        "smtpd_sasl_auth_enable": "yes",
        "smtpd_sasl_type": "dovecot",
        "smtpd_tls_security_level": "may",
        "smtpd_tls_auth_only": "yes",
        "smtpd_tls_cert_file": str(certificate.chain),
        "smtpd_tls_key_file": str(certificate.key),
        "smtpd_relay_restrictions": "permit_sasl_authenticated, reject_unauth_destination",
        "smtpd_sender_login_maps": f"inline:{{{OWN}={USER}}}",
        "smtpd_sender_restrictions": "reject_authenticated_sender_login_mismatch",
    }
    routes = Routes(relays={"customer.example": sink.port})
    with (
        Dovecot(sink.port, SASL) as dovecot,
        Postfix(routes, settings | {"smtpd_sasl_path": f"inet:127.0.0.1:{dovecot.port}"}) as running,
    ):
        yield running


def _channel(desk: Desk, postfix: Postfix, user: str = USER, password: str = PASSWORD, from_: str = OWN) -> int:
    """The queue answers through it."""
    with desk.database.writing() as session:
        channel = Channel(name="Own", key="", kind=ChannelKind.SMTP, host="localhost", port=postfix.port)
        channel.user, channel.from_address = user, from_
        add_channel(session, channel)
        channel.secret = desk.office.seal.close(password, channel.secret_purpose) if user else ""
        session.execute(sa.update(Queue).values(answer_via=channel.number))
        return channel.number


def _tried(desk: Desk, number: int) -> Finding:
    """What `channel test` finds."""
    with desk.database.reading() as session:
        [finding] = probe(desk.settings, open_door(session, desk.office, number))
    return finding


def _deferred(desk: Desk, number: int) -> Delivery:
    """A mail that was refused, and the channel that fails because of it."""
    desk.reply(desk.ticket())
    with desk.relay():
        [delivery] = desk.wait_for(DEFERRED)
    with desk.database.reading() as session:
        channel = session.get_one(Channel, number)
    assert (channel.state, channel.last_error) == (ChannelState.FAILING, delivery.last_reply)
    return delivery


def test_postfix_passes_on_what_was_signed_in_for(make_desk: MakeDesk, postfix: Postfix, sink: Sink) -> None:
    """User and password go to Dovecot under TLS, and the mail arrives under the account's own name."""
    desk = make_desk()
    found = _tried(desk, _channel(desk, postfix))
    assert (found.ok, found.signed_in_as, found.tls[:5]) == (True, USER, "TLSv1")
    desk.reply(desk.ticket())
    with desk.relay():
        desk.wait_for(SENT)
        [mail] = sink.wait_for(1, timeout=30)
    assert (mail.reverse_path, mail.recipients) == (OWN, (CUSTOMER,))


def test_password_that_was_changed_is_said_and_mail_waits_for_the_new_one(
    make_desk: MakeDesk, postfix: Postfix, sink: Sink
) -> None:
    """535 in plain words; with the right password the mail that waited leaves at once."""
    desk = make_desk(retry_seconds=[3600], command_timeout_seconds=30)
    number = _channel(desk, postfix, password="last-years")
    assert "refused user or password" in _tried(desk, number).advice
    assert _deferred(desk, number).last_reply.startswith("535 5.7.8")
    with desk.database.writing() as session:
        channel = session.get_one(Channel, number)
        channel.secret = desk.office.seal.close(PASSWORD, channel.secret_purpose)
        hurry_channel(session, number)
    with desk.relay():
        desk.wait_for(SENT)
        sink.wait_for(1, timeout=30)


@pytest.mark.parametrize(
    ("user", "from_", "said", "advice"),
    [
        (USER, "boss@company.example", "not owned by user", "Send As"),
        ("", OWN, "Relay access denied", "user and a password"),
    ],
)
def test_account_that_may_not_send_bounces_nobody(
    make_desk: MakeDesk, postfix: Postfix, sink: Sink, user: str, from_: str, said: str, advice: str
) -> None:
    """Postfix says it of each recipient, for good; but it is the account that is wrong, so the mail waits."""
    desk = make_desk(retry_seconds=[3600])
    number = _channel(desk, postfix, user=user, from_=from_)
    delivery = _deferred(desk, number)
    assert said in delivery.last_reply
    assert advice in plain_sentence(delivery.last_reply)
    assert sink.mails == []
