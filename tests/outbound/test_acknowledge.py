"""Who gets an acknowledgement, who never does, and what stands in it."""

from datetime import timedelta
from email import message_from_bytes

import pytest
from peers.replydesk import CUSTOMER, Desk, MakeDesk
from peers.sink import Sink
from sqlmodel import select

from config.clock import now
from outbound.acknowledge import acknowledge
from outbound.render import LANGUAGES, render
from storage.blocklist import block
from storage.message_filing import NewMessage
from storage.messages import Direction
from storage.outbox import DeliveryState, Outgoing, OutgoingKind
from storage.queues import Acknowledge, SourceInbox
from storage.tickets import get_ticket


def _arrive(
    desk: Desk,
    author: str = CUSTOMER,
    *,
    kind: str = "human",
    subject: str = "BUY PILLS",
    null: bool = False,
    proven: bool = True,
    answered: bool = False,
) -> tuple[str, str]:
    """A first mail that opens a ticket; what was decided, and why."""
    number = desk.ticket(author, name="SPAM NAME", subject=subject)
    with desk.database.writing() as session:
        message = NewMessage(
            ticket_id=number,
            position=1,
            direction=Direction.INBOUND,
            kind=kind,
            author=("SPAM NAME", author),
            date=now(),
            filed_at=now(),
            subject=subject,
            text="SPAM BODY",
            message_id=f"<first-{number}@customer.example>",
        )
        [(step, answer, why)] = acknowledge(
            session,
            desk.office,
            queue=desk.queue,
            ticket=get_ticket(session, number),
            message=message,
            null_reverse_path=null,
            is_answered_contact=answered,
            is_proven=proven,
        )
    assert step == "acknowledge"
    return answer, why


def _only_mail(desk: Desk) -> Outgoing:
    with desk.database.reading() as session:
        return session.exec(select(Outgoing)).one()


def test_proven_sender_is_acknowledged_under_the_null_reverse_path(both_desk: Desk, sink: Sink) -> None:
    """It answers his mail, tells machines to be quiet, and stands in the ticket as an automatic message."""
    assert _arrive(both_desk, subject="The printer")[0] == "yes"
    with both_desk.relay():
        both_desk.wait_for(DeliveryState.SENT)
    [mail] = sink.mails
    parsed = message_from_bytes(mail.raw)
    assert (mail.reverse_path, mail.recipients) == ("", (CUSTOMER,))
    assert parsed["Auto-Submitted"] == "auto-replied"
    assert parsed["X-Auto-Response-Suppress"] == "All"
    assert both_desk.office.marks.is_own_loop(parsed["X-Gateway-Loop"])
    assert parsed["In-Reply-To"] == "<first-1@customer.example>"
    assert parsed["Subject"] == "Re: The printer"
    filed = both_desk.messages(1)[-1]
    assert (filed.kind, filed.direction, filed.automatic) == ("acknowledgement", Direction.OUTBOUND, True)
    assert both_desk.read_ticket(1).messages == 2


def test_nothing_that_an_unproven_sender_wrote_is_sent_on(desk: Desk) -> None:
    """With `all`, a forged sender gets neither subject nor body nor name of the mail (T30)."""
    desk.queue.acknowledge = Acknowledge.ALL
    assert _arrive(desk, proven=False)[0] == "yes"
    content = _only_mail(desk).content
    assert b"SPAM" not in content
    assert b"PILLS" not in content


def test_body_of_the_mail_is_never_quoted(desk: Desk) -> None:
    """Not even a proven sender gets his own text back."""
    _arrive(desk)
    assert b"SPAM BODY" not in _only_mail(desk).content


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"proven": False}, "not proven"),
        ({"null": True}, "reverse-path is null"),
        ({"kind": "list"}, "list"),
        ({"kind": "auto-replied"}, "auto-replied"),
        ({"kind": "out-of-office"}, "out-of-office"),
        ({"kind": "verification"}, "verification"),
        ({"author": "no-reply@customer.example"}, "nobody reads"),
        ({"author": "noreply+x9@customer.example"}, "nobody reads"),
        ({"author": "mailer-daemon@customer.example"}, "nobody reads"),
        ({"author": "blocked@evil.example"}, "block list"),
        ({"author": "inbox@company.example"}, "forward to us"),
    ],
)
def test_mail_that_must_not_be_answered_is_not(desk: Desk, facts: dict[str, object], why: str) -> None:
    """Unproven, automatic, unread or blocked: no acknowledgement, and the trace says why."""
    desk.change(lambda s: block(s, "@evil.example", "eva"))
    learnt = SourceInbox(address="inbox@company.example", queue_id=desk.queue.number, confirmed=False, mails=3)
    desk.change(lambda s: s.add(learnt))
    answer, reason = _arrive(desk, **facts)  # type: ignore[arg-type]
    assert answer == "no"
    assert why in reason
    assert desk.deliveries() == []


def test_contact_whom_an_agent_answered_needs_no_proof(desk: Desk) -> None:
    """`authenticated` includes people whom we know, with a subject of ours."""
    assert _arrive(desk, proven=False, answered=True)[0] == "yes"
    assert b"PILLS" not in _only_mail(desk).content


def test_queue_may_never_acknowledge(desk: Desk) -> None:
    """The queue's policy wins over the settings."""
    desk.queue.acknowledge = Acknowledge.NEVER
    assert _arrive(desk)[0] == "no"


def test_three_an_hour_to_one_address_are_enough(both_desk: Desk) -> None:
    """The fourth within the hour is not sent; the limit is per address."""
    answers = [_arrive(both_desk)[0] for _ in range(4)]
    assert answers == ["yes", "yes", "yes", "no"]
    assert _arrive(both_desk, "ben@customer.example")[0] == "yes"


def test_forged_senders_in_great_number_meet_the_budget(make_desk: MakeDesk) -> None:
    """Three hundred distinct senders of one domain: no more than sixty get mail."""
    desk = make_desk()
    desk.queue.acknowledge = Acknowledge.ALL
    answers = [_arrive(desk, f"victim{place}@target.example", proven=False)[0] for place in range(70)]
    assert answers.count("yes") == desk.settings.acknowledge.per_domain_hour == 60


def test_ten_a_day_to_one_address_are_enough(desk: Desk) -> None:
    """Acknowledgements of the last hours count, however old within the day."""
    for place in range(10):
        with desk.database.writing() as session:
            past = now() - timedelta(hours=2 + place)
            session.add(_old(past))
            session.flush()
            _add_delivery(session, past)
    assert "in a day" in _arrive(desk)[1]


def _old(past: object) -> Outgoing:
    from storage.ids import first_id

    return Outgoing(
        id=first_id(past),  # type: ignore[arg-type]
        kind=OutgoingKind.ACKNOWLEDGEMENT,
        header_id="<x@y>",
        content=b"",
        created_at=past,
    )


def _add_delivery(session: object, past: object) -> None:
    from storage.ids import first_id
    from storage.outbox import Delivery

    delivery = Delivery(
        outgoing_id=first_id(past),  # type: ignore[arg-type]
        recipient=CUSTOMER,
        state=DeliveryState.SENT,
        next_attempt=past,
        updated_at=past,
    )
    session.add(delivery)  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_a_whole_template(language: str) -> None:
    """Subject and text name the ticket and the company, and leave no gap."""
    rendered = render("acknowledgement", language, {"number": "42", "sender": "Company"})
    assert "42" in rendered.subject
    assert "42" in rendered.text
    assert "Company" in rendered.text
    assert "{" not in rendered.text + rendered.subject


def test_values_are_never_templates() -> None:
    """What looks like a template in a value is text (T50)."""
    rendered = render(
        "acknowledgement", "xx", {"number": "{{ 7*7 }}", "sender": "{% for x in y %}\r\n{{ ''.__class__ }}"}
    )
    assert "{{ 7*7 }}" in rendered.text
    assert "{% for x in y %} {{ ''.__class__ }}" in rendered.text


def test_automatic_mail_that_fails_is_silent(desk: Desk, sink: Sink) -> None:
    """Nobody waits for an acknowledgement: its bounce reopens and notes nothing."""
    from peers.sinkscript import Step

    sink.script.always(Step.RCPT, "550 5.1.1 No such user")
    _arrive(desk)
    with desk.relay():
        desk.wait_for(DeliveryState.BOUNCED)
    assert [message.kind for message in desk.messages(1)] == ["human", "acknowledgement"]


def test_display_name_is_left_out_where_the_queue_says_so(desk: Desk) -> None:
    """display_name_in_automatic_replies = false: the bare address stands in From."""
    desk.queue.display_name_in_automatic_replies = False
    _arrive(desk)
    author = message_from_bytes(_only_mail(desk).content)["From"]
    assert author.endswith("@in.desk.example")
    assert "<" not in author
