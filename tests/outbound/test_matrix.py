"""What each answer at each step of a session comes to: the rows M15 to M19, with time-outs scaled down."""

import pytest
from peers.replydesk import CUSTOMER, MakeDesk
from peers.sink import Sink
from peers.sinkscript import CLOSE, STORE_AND_CLOSE, STORE_AND_RESET, Act, Step, Then

from storage.outbox import DeliveryState
from storage.suppression import list_suppressed
from storage.tickets import Status

DEFERRED, SENT = DeliveryState.DEFERRED, DeliveryState.SENT
RESET, SAY_NOTHING = Act("", then=Then.RESET), Act("", then=Then.SILENCE)
STORE_AND_HALF_CLOSE = Act("", then=Then.HALF_CLOSE, stored=True)
STORE_AND_SAY_NOTHING = Act("", then=Then.SILENCE, stored=True)
BEFORE_MAIL = [Step.BANNER, Step.EHLO]
AT_RECIPIENTS = [Step.RCPT, Step.DATA, Step.DOT]


@pytest.mark.parametrize("step", [*BEFORE_MAIL, Step.MAIL, *AT_RECIPIENTS])
@pytest.mark.parametrize("reply", ["421 4.3.2 Closing", "451 4.3.0 Later"])
def test_temporary_refusal_is_deferred_and_then_sent(make_desk: MakeDesk, sink: Sink, step: Step, reply: str) -> None:
    """A 4xx at any step: deferred with the server's words, sent at the next attempt, once."""
    desk = make_desk(sink, retry_seconds=[1])
    sink.script.once(step, reply)
    sent = desk.reply(desk.ticket())
    with desk.relay():
        [delivery] = desk.wait_for(DEFERRED)
        assert delivery.last_reply.startswith(reply[:3])
        [delivery] = desk.wait_for(SENT)
    [mail] = sink.stays_at(1, 0.1)
    assert sent.header_id.encode() in mail.raw
    assert delivery.attempts == 2
    assert sink.violations == []


@pytest.mark.parametrize("step", AT_RECIPIENTS)
def test_permanent_refusal_of_a_recipient_bounces_at_once(make_desk: MakeDesk, sink: Sink, step: Step) -> None:
    """A 5xx from RCPT on: bounced, not tried again, and the ticket is open with a note that says so."""
    desk = make_desk(sink)
    sink.script.once(step, "550 5.1.1 No such user")
    number = desk.ticket()
    desk.reply(number)
    with desk.relay():
        [delivery] = desk.wait_for(DeliveryState.BOUNCED)
        sink.stays_at(0, 0.5)
    assert delivery.last_reply == "550 5.1.1 No such user"
    assert desk.read_ticket(number).status is Status.OPEN
    note = desk.messages(number)[-1]
    assert (note.kind, note.automatic) == ("undelivered", True)
    assert "550 5.1.1 No such user" in note.text


@pytest.mark.parametrize("step", [*BEFORE_MAIL, Step.MAIL])
def test_permanent_refusal_of_the_server_is_only_deferred(make_desk: MakeDesk, sink: Sink, step: Step) -> None:
    """A 5xx up to MAIL is trouble of the server: nobody's mail bounces because of it."""
    desk = make_desk(sink, retry_seconds=[1])
    sink.script.once(step, "554 5.7.1 Not you")
    desk.reply(desk.ticket())
    with desk.relay():
        desk.wait_for(DEFERRED)
        desk.wait_for(SENT)
    sink.stays_at(1, 0.1)


def test_recipients_of_one_mail_have_outcomes_of_their_own(make_desk: MakeDesk, sink: Sink) -> None:
    """One is sent, one bounces, one waits: each with the words that were said about him."""
    desk = make_desk(sink, retry_seconds=[3600])
    sink.script.always(Step.RCPT, "550 5.1.1 Gone", to="gone@customer.example")
    sink.script.always(Step.RCPT, "452 4.2.2 Full", to="full@customer.example")
    desk.reply(desk.ticket(), cc=["gone@customer.example", "full@customer.example"])
    with desk.relay():
        found = desk.wait_for(SENT, DeliveryState.BOUNCED, DEFERRED)
    assert [d.recipient.partition("@")[0] for d in found] == ["ann", "gone", "full"]
    assert [d.last_reply[:3] for d in found] == ["250", "550", "452"]


@pytest.mark.parametrize(
    "act",
    [
        STORE_AND_CLOSE,
        STORE_AND_RESET,
        Act("", then=Then.HALF_CLOSE, stored=True),
        Act("", then=Then.SILENCE, stored=True),
    ],
    ids=["close", "reset", "half-close", "silence"],
)
def test_connection_lost_after_the_dot_is_uncertain_and_not_repeated(make_desk: MakeDesk, sink: Sink, act: Act) -> None:
    """The sink has the mail, we do not know it: uncertain, one copy, and the ticket says so."""
    desk = make_desk(sink, reply_timeout_seconds=0.5)
    sink.script.once(Step.DOT, act)
    number = desk.ticket()
    desk.reply(number)
    with desk.relay():
        desk.wait_for(DeliveryState.UNCERTAIN)
        sink.stays_at(1, 1.5)
    assert desk.read_ticket(number).status is Status.OPEN
    assert "outbox resolve" in desk.messages(number)[-1].text


def test_answer_after_our_patience_changes_nothing(make_desk: MakeDesk, sink: Sink) -> None:
    """A 250 that comes too late is not heard: the delivery stays uncertain."""
    desk = make_desk(sink, reply_timeout_seconds=0.3)
    sink.script.once(Step.DOT, Act(delay=1.0))
    desk.reply(desk.ticket())
    with desk.relay():
        desk.wait_for(DeliveryState.UNCERTAIN)
        sink.stays_at(1, 1.2)
    assert desk.delivery().state is DeliveryState.UNCERTAIN


@pytest.mark.parametrize("step", [Step.BANNER, Step.EHLO, Step.MAIL, Step.RCPT, Step.DATA])
@pytest.mark.parametrize(
    "act", [CLOSE, Act("", then=Then.RESET), Act("", then=Then.SILENCE)], ids=["close", "rst", "mute"]
)
def test_connection_lost_before_the_dot_is_tried_again(make_desk: MakeDesk, sink: Sink, step: Step, act: Act) -> None:
    """Nothing was delivered, so the mail is simply sent again."""
    desk = make_desk(sink, retry_seconds=[1], command_timeout_seconds=0.5)
    sink.script.once(step, act)
    desk.reply(desk.ticket())
    with desk.relay():
        desk.wait_for(DEFERRED)
        desk.wait_for(SENT)
    sink.stays_at(1, 0.1)


def test_half_close_at_data_sends_no_dot(make_desk: MakeDesk, sink: Sink) -> None:
    """A server that says 354 and ends its side gets no final dot: the mail is tried again, not uncertain."""
    desk = make_desk(sink, retry_seconds=[1])
    sink.script.once(Step.DATA, Act("354 Go ahead", then=Then.HALF_CLOSE))
    desk.reply(desk.ticket())
    with desk.relay():
        desk.wait_for(DEFERRED)
        desk.wait_for(SENT)
    sink.stays_at(1, 0.1)


def test_bytes_and_message_id_are_the_same_over_all_attempts(make_desk: MakeDesk, sink: Sink) -> None:
    """Stored and refused three times, the mail that arrives last is the one that arrived first."""
    desk = make_desk(sink, retry_seconds=[1])
    refused_but_kept = Act("451 4.3.0 Later", stored=True)
    sink.script.once(Step.DOT, refused_but_kept, refused_but_kept)
    desk.reply(desk.ticket())
    with desk.relay():
        desk.wait_for(SENT)
    mails = sink.wait_for(3)
    assert len({(mail.raw, mail.reverse_path, mail.recipients) for mail in mails}) == 1


def test_mail_that_waits_too_long_expires_and_the_ticket_hears_of_it(make_desk: MakeDesk, sink: Sink) -> None:
    """After expire_seconds a further 4xx ends the attempts."""
    desk = make_desk(sink, expire_seconds=60)
    sink.script.always(Step.RCPT, "451 4.7.1 Greylisted", to=CUSTOMER)
    number = desk.ticket()
    desk.reply(number)
    desk.make_older(61)
    with desk.relay():
        desk.wait_for(DeliveryState.EXPIRED)
    assert desk.read_ticket(number).status is Status.OPEN


def test_several_failures_reopen_a_ticket_once_an_hour(make_desk: MakeDesk, sink: Sink) -> None:
    """The second bounce within the hour is noted, and leaves the status that an agent has set meanwhile."""
    desk = make_desk(sink)
    sink.script.always(Step.RCPT, "550 5.1.1 No such user")
    number = desk.ticket()
    desk.reply(number)
    with desk.relay():
        desk.wait_for(DeliveryState.BOUNCED)
        desk.reply(number, anyway=True)
        desk.wait_for(DeliveryState.BOUNCED, DeliveryState.BOUNCED)
    assert [event.kind for event in desk.events(number)].count("bounced") == 1
    assert desk.read_ticket(number).status is Status.PENDING
    assert [message.kind for message in desk.messages(number)].count("undelivered") == 2


def test_address_that_does_not_exist_gets_no_automatic_mail_any_more(make_desk: MakeDesk, sink: Sink) -> None:
    """5.1.1 at RCPT is remembered for 60 days; a refusal for another reason is not."""
    desk = make_desk(sink)
    sink.script.always(Step.RCPT, "550 5.1.1 No such user", to=CUSTOMER)
    sink.script.always(Step.RCPT, "550 5.7.1 We do not like you", to="ben@customer.example")
    desk.reply(desk.ticket(), cc=["ben@customer.example"])
    with desk.relay():
        desk.wait_for(DeliveryState.BOUNCED, DeliveryState.BOUNCED)
    with desk.database.reading() as session:
        [row] = list_suppressed(session)
    assert (row.address, row.reason) == (CUSTOMER, "550 5.1.1 No such user")
    assert (row.until - row.since).days == 60
