"""Why mail waits, gathered for a person."""

from fakes.rows import send_mail

from outbound.delays import Delay, delays
from storage.channels import Channel, ChannelKind, ChannelState, add_channel, mark_channel
from storage.database import Database
from storage.outbox import DeliveryState

NOTHING_TO_DO = (
    "the server makes strangers wait (greylisting) and takes the mail at a later attempt: there is nothing to do"
)


def test_replies_that_mean_the_same_are_one_delay_of_their_way(database: Database) -> None:
    """Servers put the address into what they say; mail that waits for another way, or for nothing, is told apart."""
    with database.writing() as session:
        channel = add_channel(session, Channel(name="Acme", key="", kind=ChannelKind.SMTP, host="mx.acme.example"))
        for place, way in enumerate((None, None, channel.number)):
            _, [delivery] = send_mail(session, f"c{place}@x.example", channel_id=way)
            delivery.state, delivery.server = DeliveryState.DEFERRED, "mx.example:25"
            delivery.last_reply = f"451 4.7.1 <c{place}@x.example>: Greylisted"
        send_mail(session, "not-tried-yet@x.example")
    with database.reading() as session:
        first, second = delays(session)
    said = "451 4.7.1 <c0@x.example>: Greylisted"
    assert first == Delay("default", "mx.example:25", 2, said, NOTHING_TO_DO)
    assert (second.channel, second.mails) == ("Acme", 1)


def test_failing_channel_is_told_although_nothing_waits_for_it(database: Database) -> None:
    """The next mail would wait."""
    with database.writing() as session:
        channel = add_channel(session, Channel(name="Acme", key="", kind=ChannelKind.SMTP, host="mx.acme.example"))
        mark_channel(session, channel.number, ChannelState.FAILING, "535 5.7.8 no")
    with database.reading() as session:
        [delay] = delays(session)
    assert (delay.channel, delay.server, delay.mails, delay.reply) == ("Acme", "mx.acme.example:587", 0, "535 5.7.8 no")
    assert "gateway channel edit" in delay.advice
