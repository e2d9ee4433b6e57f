"""A custom channel: its own name, its own limits, and what its failing means for mail, ticket and channel."""

import pytest
from fakes.rows import send_mail
from peers.replydesk import Desk, MakeDesk
from peers.sink import Sink
from peers.sinkscript import STORE_AND_CLOSE, Act, Step, Then
from sqlmodel import select

from config.errors import Refused
from outbound import pace
from outbound.doors import Door
from outbound.outcomes import Attempt, Said, decide
from outbound.refusals import Reply
from storage.channels import AfterDot, Channel, ChannelKind, ChannelState, add_channel, remove_channel
from storage.outbox import DEFAULT_WAY, DeliveryState, Outgoing, OutgoingKind
from storage.tickets import Ticket

DEFERRED, SENT = DeliveryState.DEFERRED, DeliveryState.SENT


def _channel(desk: Desk, sink: Sink, password: str = "s3cret") -> Channel:
    """A custom SMTP channel through which the queue answers."""
    with desk.database.writing() as session:
        channel = Channel(
            name="Mailbox",
            key="",
            kind=ChannelKind.SMTP,
            host="127.0.0.1",
            port=sink.port,
            security="none",
            user="support@company.example",
            from_address="support@company.example",
        )
        add_channel(session, channel)
        channel.secret = desk.office.seal.close(password, channel.secret_purpose)
        desk.queue.answer_via = channel.number
        session.add(channel)
        session.merge(desk.queue)
        return channel


def _state(desk: Desk, channel: Channel) -> tuple[ChannelState, str]:
    with desk.database.reading() as session:
        row = session.get_one(Channel, channel.number)
        return row.state, row.last_error


def test_refused_sign_in_defers_the_mail_and_marks_the_channel(make_desk: MakeDesk, sink: Sink) -> None:
    """535: the mail waits, the channel is failing, the ticket says so; the right password puts all right."""
    desk = make_desk(sink, retry_seconds=[1])
    channel = _channel(desk, sink)
    sink.script.always(Step.AUTH, "535 5.7.8 Bad credentials")
    number = desk.ticket()
    desk.reply(number)
    with desk.relay():
        desk.wait_for(DEFERRED)
        assert _state(desk, channel) == (ChannelState.FAILING, "535 5.7.8 Bad credentials")
        assert "channel" in [event.kind for event in desk.events(number)]
        sink.script.usual(Step.AUTH)
        desk.wait_for(SENT)
    assert _state(desk, channel) == (ChannelState.OK, "")


def test_channel_sends_under_its_own_name_and_return_path(make_desk: MakeDesk, sink: Sink) -> None:
    """From and reverse-path are the account's; one transaction carries all recipients."""
    desk = make_desk(sink)
    _channel(desk, sink)
    desk.reply(desk.ticket(), cc=["ben@customer.example"])
    with desk.relay():
        desk.wait_for(SENT, SENT)
    [mail] = sink.mails
    assert mail.reverse_path == "support@company.example"
    assert mail.recipients == ("ann@customer.example", "ben@customer.example")
    assert b"From: Support <support@company.example>" in mail.raw


def test_custom_channel_never_falls_back_to_the_default_servers(make_desk: MakeDesk, sink: Sink) -> None:
    """The channel's server is down: the mail waits, although a default server would take it."""
    desk = make_desk(sink, retry_seconds=[3600])
    with Sink() as gone:
        _channel(desk, gone)
    desk.reply(desk.ticket())
    with desk.relay():
        desk.wait_for(DEFERRED)
    assert sink.mails == []


def test_ticket_may_leave_another_way_than_its_queue(make_desk: MakeDesk, sink: Sink) -> None:
    """An agent's word for one ticket goes before address and queue; it may be `default`, and be taken back."""
    with Sink() as own:
        desk = make_desk(sink)
        channel, number = _channel(desk, own), desk.ticket()
        for way in (DEFAULT_WAY, channel.number, None):
            desk.change(lambda session, way=way: setattr(session.get_one(Ticket, number), "way", way))
            desk.reply(number, anyway=True)
        desk.change(lambda session: remove_channel(session, "Mailbox"))
        desk.change(lambda session: setattr(session.get_one(Ticket, number), "way", channel.number))
        with pytest.raises(Refused, match="gateway ticket via"):
            desk.reply(number, anyway=True)
        with desk.database.reading() as session:
            ways = [one.channel_id for one in session.exec(select(Outgoing).order_by(Outgoing.id))]  # type: ignore[arg-type]
        assert ways == [None, channel.number, channel.number]


def test_right_to_send_refused_at_the_dot_is_no_bounce(make_desk: MakeDesk, sink: Sink) -> None:
    """Exchange says SendAsDenied after the text: trouble of the account, so the mail waits."""
    desk = make_desk(sink)
    channel = _channel(desk, sink)
    sink.script.once(Step.DOT, "554 5.2.252 SendAsDenied; desk@company.example not allowed to send as support")
    desk.reply(desk.ticket())
    with desk.relay():
        desk.wait_for(DEFERRED)
        assert _state(desk, channel)[0] is ChannelState.FAILING


def test_channel_may_say_that_a_lost_mail_is_sent_once_more(make_desk: MakeDesk, sink: Sink) -> None:
    """retry_once: after two losses behind the dot there are two copies with one Message-ID, and no third."""
    desk = make_desk(sink, retry_seconds=[1])
    channel = _channel(desk, sink)
    channel.after_dot = AfterDot.RETRY_ONCE
    desk.change(lambda session: session.merge(channel))
    sink.script.always(Step.DOT, STORE_AND_CLOSE)
    desk.reply(desk.ticket())
    with desk.relay():
        desk.wait_for(DEFERRED)
        desk.wait_for(DeliveryState.UNCERTAIN)
        mails = sink.stays_at(2, 1.5)
    assert mails[0].raw == mails[1].raw


def test_automatic_mail_that_may_have_arrived_is_never_sent_again(make_desk: MakeDesk) -> None:
    """retry_once is for answers of agents: nobody misses an acknowledgement, and two would be one too many."""
    desk = make_desk()
    door, lost = Door(after_dot=AfterDot.RETRY_ONCE), Reply(0, "no answer after the final dot")
    for kind, state in ((OutgoingKind.REPLY, DEFERRED), (OutgoingKind.ACKNOWLEDGEMENT, DeliveryState.UNCERTAIN)):
        with desk.database.writing() as session:
            outgoing, [delivery] = send_mail(session, kind=kind)
        said = Said(delivery, DeliveryState.UNCERTAIN, lost)
        assert decide(desk.settings.outbound, Attempt(outgoing, door, [said]), said).state is state


def test_channel_has_limits_of_its_own(make_desk: MakeDesk, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two connections at a time, and three mails a minute: the fourth waits for the next one (of two seconds here)."""
    monkeypatch.setattr(pace, "_WINDOW", 2.0)
    desk = make_desk(connections=9)
    channel = _channel(desk, sink)
    channel.connections, channel.mails_per_minute = 2, 3
    desk.change(lambda session: session.merge(channel))
    for number in [desk.ticket(f"c{place}@customer.example") for place in range(6)]:
        desk.reply(number)
    with desk.relay():
        sink.wait_for(3)
        sink.stays_at(3, 0.5)
        sink.wait_for(6)
        desk.wait_for(*[SENT] * 6)
    assert sink.connections <= 2


def test_hanging_channel_does_not_hold_up_another(make_desk: MakeDesk, sink: Sink) -> None:
    """Forty mails wait for a channel that never answers; one for the default servers leaves at once."""
    desk = make_desk(sink, command_timeout_seconds=30)
    with Sink() as mute:
        mute.script.always(Step.BANNER, Act("", then=Then.SILENCE))
        _channel(desk, mute)
        for number in [desk.ticket(f"c{place}@customer.example") for place in range(40)]:
            desk.reply(number)
        desk.queue.answer_via = None
        desk.change(lambda session: session.merge(desk.queue))
        with desk.relay():
            desk.reply(desk.ticket("quick@other.example"))
            [mail] = sink.wait_for(1, timeout=5)
            mute.stop()
    assert mail.recipients == ("quick@other.example",)
