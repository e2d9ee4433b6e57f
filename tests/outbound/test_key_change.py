"""The key of the stored secrets is changed while mail leaves through a channel that signs in with one of them."""

import sqlalchemy as sa
from peers.replydesk import Desk, MakeDesk
from peers.sink import Sink

from storage.channels import Channel, ChannelKind, ChannelState, add_channel
from storage.outbox import DeliveryState
from storage.queues import Queue
from storage.sealed import change_key, seal_anew

_MAILS = 60


def _answer_through(desk: Desk, sink: Sink) -> int:
    with desk.database.writing() as session:
        channel = Channel(name="Own", key="", kind=ChannelKind.SMTP, host="127.0.0.1", port=sink.port, security="none")
        channel.user, channel.from_address = "support", "support@company.example"
        add_channel(session, channel)
        channel.secret = desk.office.seal.close("s3cret", channel.secret_purpose)
        session.execute(sa.update(Queue).values(answer_via=channel.number))
        return channel.number


def test_no_mail_is_lost_or_late_while_keys_are_changed(make_desk: MakeDesk, sink: Sink) -> None:
    """Sixty mails leave meanwhile, each at its first attempt; every sign-in has the right password."""
    desk = make_desk(sink)
    number = _answer_through(desk, sink)
    for place in range(_MAILS):
        desk.reply(desk.ticket(f"c{place}@customer.example"))
    changes = 0
    with desk.relay():
        while len(sink.mails) < _MAILS and changes < 200:
            changes += change_key(desk.database, desk.office.seal)
            sink.wait_for(min(len(sink.mails) + 5, _MAILS), timeout=60)
        found = desk.wait_for(*[DeliveryState.SENT] * _MAILS)
    assert changes > 2
    assert {one.attempts for one in found} == {1}
    assert {login.secret for login in sink.logins} == {"s3cret"}
    with desk.database.writing() as session:
        assert seal_anew(session, desk.office.seal) == 0
        assert session.get_one(Channel, number).state is ChannelState.OK
