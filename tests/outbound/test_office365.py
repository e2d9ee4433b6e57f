"""Answers through an Office 365 account: XOAUTH2 over SMTP, and Microsoft Graph."""

from email import message_from_bytes

import pytest
from peers.microsoft import Microsoft, Told
from peers.replydesk import CUSTOMER, Desk, MakeDesk
from peers.sink import Sink
from peers.sinkscript import Step

from config.clock import now
from outbound.oauth import Accounts
from outbound.tokens import Purpose
from storage.accounts import Grant, account_for
from storage.blocklist import block
from storage.channels import Channel, ChannelKind, ChannelState, Via, add_channel
from storage.outbox import DeliveryState

DEFERRED, SENT = DeliveryState.DEFERRED, DeliveryState.SENT
SUPPORT = "support@company.example"


@pytest.fixture
def peer() -> Microsoft:
    """A token server and Graph."""
    with Microsoft() as running:
        running.has_signed_in.set()
        yield running


def _desk(make_desk: MakeDesk, peer: Microsoft, sink: Sink, via: Via, **outbound: object) -> Desk:
    """A desk whose queue answers through an account that a person has signed in to."""
    desk = make_desk(sink, office365=peer.settings(), **outbound)
    with desk.database.writing() as session:
        account = account_for(session, SUPPORT, Grant.DEVICE)
        channel = Channel(
            name="Mailbox",
            key="",
            kind=ChannelKind.OFFICE365,
            host="127.0.0.1",
            port=sink.port,
            security="none",
            user=SUPPORT,
            from_address=SUPPORT,
            account_id=account.number,
            via=via,
        )
        desk.queue.answer_via = add_channel(session, channel).number
        session.merge(desk.queue)
        number = account.number
    _sign_in(desk, number, Purpose.GRAPH if via is Via.GRAPH else Purpose.SMTP)
    return desk


def _sign_in(desk: Desk, account: int, purpose: Purpose) -> None:
    accounts = Accounts(desk.database, desk.office.seal, desk.settings.office365)
    accounts.finish_sign_in(account, purpose, accounts.begin_sign_in(purpose), lambda _: None)


def _state(desk: Desk) -> tuple[ChannelState, str]:
    with desk.database.reading() as session:
        row = session.get_one(Channel, desk.queue.answer_via)
        return row.state, row.last_error


def test_token_stands_in_place_of_a_password(make_desk: MakeDesk, peer: Microsoft, sink: Sink) -> None:
    """XOAUTH2 with the account's name and a token that is good, once for several mails."""
    desk = _desk(make_desk, peer, sink, Via.SMTP, connections=1)
    desk.reply(desk.ticket())
    desk.reply(desk.ticket("ben@customer.example"))
    with desk.relay():
        desk.wait_for(SENT, SENT)
    [login] = sink.logins
    user, bearer = login.user.split("\x01")[:2]
    assert (login.mechanism, user) == ("XOAUTH2", f"user={SUPPORT}")
    assert peer.is_good(bearer.removeprefix("auth=Bearer "))
    assert {mail.reverse_path for mail in sink.mails} == {SUPPORT}


def test_token_that_was_taken_back_is_replaced_at_once(make_desk: MakeDesk, peer: Microsoft, sink: Sink) -> None:
    """The server refuses a token that still had time: a fresh one is tried in the same attempt."""
    desk = _desk(make_desk, peer, sink, Via.SMTP)
    sink.script.once(Step.AUTH, "535 5.7.3 Authentication unsuccessful")
    desk.reply(desk.ticket())
    with desk.relay():
        [delivery] = desk.wait_for(SENT)
    assert delivery.attempts == 1
    assert len({login.user for login in sink.logins}) == 2


@pytest.mark.parametrize("via", list(Via))
def test_sign_in_that_was_taken_back_lets_mail_wait(make_desk: MakeDesk, peer: Microsoft, sink: Sink, via: Via) -> None:
    """`invalid_grant`: deferred, not bounced; the channel fails, the ticket says so; after a sign-in it goes out."""
    peer.lifetime = 60
    desk = _desk(make_desk, peer, sink, via, retry_seconds=[1])
    peer.revoke()
    number = desk.ticket()
    desk.reply(number)
    with desk.relay():
        [delivery] = desk.wait_for(DEFERRED)
        assert "needs a new sign-in" in delivery.last_reply
        assert _state(desk)[0] is ChannelState.FAILING
        assert [event.kind for event in desk.events(number)].count("channel") == 1
        peer.lifetime = 3600
        _sign_in(desk, 1, Purpose.GRAPH if via is Via.GRAPH else Purpose.SMTP)
        desk.wait_for(SENT)
    assert _state(desk)[0] is ChannelState.OK


def test_graph_takes_the_mail_as_it_is(make_desk: MakeDesk, peer: Microsoft, sink: Sink) -> None:
    """The bytes that Graph gets are those of the outbox; no SMTP server is asked."""
    desk = _desk(make_desk, peer, sink, Via.GRAPH)
    sent = desk.reply(desk.ticket(), cc=["ben@customer.example"])
    with desk.relay():
        desk.wait_for(SENT, SENT)
    [posted] = peer.sent
    assert posted.path == "/me/sendMail"
    mail = message_from_bytes(posted.raw)
    assert (mail["Message-ID"], mail["To"], mail["Bcc"]) == (sent.header_id, f"Ann <{CUSTOMER}>", None)
    assert sink.connections == 0


def test_graph_sends_a_blind_copy_to_its_person_only(make_desk: MakeDesk, peer: Microsoft, sink: Sink) -> None:
    """Graph sends to whom the header names: the copy names its own person alone, so nobody gets the mail twice."""
    desk = _desk(make_desk, peer, sink, Via.GRAPH)
    desk.reply(desk.ticket(), bcc=["boss@customer.example"])
    with desk.relay():
        desk.wait_for(SENT, SENT)
    named = sorted((str(mail["To"]), str(mail["Bcc"])) for mail in map(message_from_bytes, [p.raw for p in peer.sent]))
    assert named == [(f"Ann <{CUSTOMER}>", "None"), ("None", "boss@customer.example")]


def test_graph_does_not_reach_whom_the_guard_has_stopped(make_desk: MakeDesk, peer: Microsoft, sink: Sink) -> None:
    """One of two recipients is blocked after the reply was written: the other one gets it, and he does not."""
    desk = _desk(make_desk, peer, sink, Via.GRAPH)
    desk.reply(desk.ticket(), cc=["ben@customer.example"])
    desk.change(lambda s: block(s, "ben@customer.example", "eva"))
    with desk.relay():
        desk.wait_for(SENT, DeliveryState.BLOCKED)
    [posted] = peer.sent
    mail = message_from_bytes(posted.raw)
    assert (mail["To"], mail["Cc"], mail["Bcc"]) == (None, None, CUSTOMER)


def test_graph_token_that_was_taken_back_is_replaced_at_once(make_desk: MakeDesk, peer: Microsoft, sink: Sink) -> None:
    """401 from Graph: one fresh token, and the mail goes out once."""
    desk = _desk(make_desk, peer, sink, Via.GRAPH)
    peer.take_back()
    desk.reply(desk.ticket())
    with desk.relay():
        [delivery] = desk.wait_for(SENT)
    assert (delivery.attempts, len(peer.sent)) == (1, 1)


def test_graph_that_asks_to_wait_is_obeyed(make_desk: MakeDesk, peer: Microsoft, sink: Sink) -> None:
    """429 with Retry-After: deferred for at least so long, whatever our own waits are; the channel does not fail."""
    desk = _desk(make_desk, peer, sink, Via.GRAPH, retry_seconds=[1])
    peer.script("sendMail", Told(429, '{"error": {"code": "ApplicationThrottled"}}', retry_after=300))
    desk.reply(desk.ticket())
    with desk.relay():
        [delivery] = desk.wait_for(DEFERRED)
    assert (delivery.next_attempt - now()).total_seconds() > 290
    assert "ApplicationThrottled" in delivery.last_reply
    assert _state(desk)[0] is ChannelState.OK


@pytest.mark.parametrize(
    ("told", "state", "channel"),
    [
        (Told(400, '{"error": {"code": "ErrorInvalidRecipients"}}'), DeliveryState.BOUNCED, ChannelState.OK),
        (Told(403, '{"error": {"code": "ErrorSendAsDenied"}}'), DEFERRED, ChannelState.FAILING),
        (Told(503), DEFERRED, ChannelState.OK),
        (Told(0, done=True), DeliveryState.UNCERTAIN, ChannelState.OK),
    ],
    ids=["recipient", "account", "trouble", "silence"],
)
def test_what_graph_says_becomes_an_outcome(
    make_desk: MakeDesk, peer: Microsoft, sink: Sink, told: Told, state: DeliveryState, channel: ChannelState
) -> None:
    """A refused mail bounces, trouble of the account or of Graph waits, and silence is uncertain."""
    desk = _desk(make_desk, peer, sink, Via.GRAPH, retry_seconds=[3600])
    peer.script("sendMail", told)
    desk.reply(desk.ticket())
    with desk.relay():
        desk.wait_for(state)
    assert _state(desk)[0] is channel
    assert len(peer.sent) == told.done
