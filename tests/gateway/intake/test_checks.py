"""What never becomes a ticket, and why it can be seen."""

import pytest
from fakes.house import House, mail

from outbound.marks import LOOP_HEADER
from storage.contacts import find_contact
from storage.spool import SpoolState, release


def test_our_own_mail_coming_home_is_a_loop(house: House) -> None:
    """A mail with a Message-ID that we signed opens no ticket; the reason names both addresses."""
    ticket = house.ticket_of(house.receive(mail()))
    row = house.receive(mail(message_id=house.office.marks.message_id(house.mark(ticket.id))))
    assert row.state is SpoolState.LOOP
    assert "carla@customer.example" in row.reason
    assert house.address in row.reason


def test_our_own_automatic_mail_coming_home_is_a_loop(house: House) -> None:
    """The loop mark is known also when a server on the way changed the Message-ID."""
    row = house.receive(mail(headers=f"{LOOP_HEADER}: {house.office.marks.loop_value()}\n"))
    assert row.state is SpoolState.LOOP


def test_a_forged_loop_mark_does_not_silence_anybody(house: House) -> None:
    """A loop mark of another installation, or with a wrong signature, is an ordinary header."""
    name = house.office.marks.loop_value().partition(";")[0]
    row = house.receive(mail(headers=f"{LOOP_HEADER}: {name};00000000000000000000\n"))
    assert row.state is SpoolState.FILED


def test_mail_of_a_blocked_contact_is_ignored(house: House) -> None:
    """A blocked contact's mail makes no ticket, and the reason says so."""
    house.receive(mail())
    with house.database.writing() as session:
        contact = find_contact(session, "carla@customer.example")
        contact.blocked = True
        session.add(contact)
    row = house.receive(mail("again"))
    assert (row.state, row.reason.partition(":")[0]) == (SpoolState.IGNORED, "blocked")


def test_mail_of_an_unknown_contact_is_held_where_the_queue_wants_known_ones(house: House) -> None:
    """It waits for a person; released, it becomes a ticket."""
    house.set_queue("Support", known_contacts_only=True)
    row = house.receive(mail())
    assert (row.state, row.reason.partition(":")[0]) == (SpoolState.HELD, "unknown-contact")
    with house.database.writing() as session:
        release(session, session.merge(row))
    house.work()
    assert house.rows(row.id)[0].state is SpoolState.FILED


def test_the_fourth_repetition_within_an_hour_is_held(house: House) -> None:
    """Three equal mails are filed, the next one is kept for a person."""
    states = [house.receive(mail(f"text {n}", subject="Alarm")).state for n in range(4)]
    assert states == [SpoolState.FILED] * 3 + [SpoolState.HELD]


def test_answers_are_not_counted_as_repetition(house: House) -> None:
    """A customer who writes ten short answers is no robot."""
    house.receive(mail(message_id="<a@x.example>"))
    answers = [mail("ok", subject="Re: My printer", headers="In-Reply-To: <a@x.example>\n") for _ in range(6)]
    assert {house.receive(answer).state for answer in answers} == {SpoolState.FILED}


def test_too_many_new_tickets_of_one_author_are_held(house: House) -> None:
    """Twenty tickets in two hours are a storm; another author is not held with him."""
    ids = [house.accept(mail(f"text {n}", subject=f"Alarm {n}")) for n in range(22)]
    house.work()
    states = [house.rows(id_)[0].state for id_ in ids]
    assert states.count(SpoolState.FILED) == 20
    assert states.count(SpoolState.HELD) == 2
    assert house.receive(mail(author="dora@customer.example")).state is SpoolState.FILED


def test_a_confirmation_of_forwarding_is_set_up(house: House) -> None:
    """Gmail's question whether mail may be forwarded never becomes a ticket."""
    row = house.receive(
        mail(
            "support@company.example has requested to automatically forward mail to your email address\n"
            "Confirmation code: 123456789\n"
            "https://mail-settings.google.com/mail/vf-%5BANGjdJ9%5D-abc\n",
            author="Gmail Team <forwarding-noreply@google.com>",
            subject="(#123456789) Gmail Forwarding Confirmation - Receive Mail from support@company.example",
        )
    )
    assert row.state is SpoolState.SETUP


def test_a_report_about_no_mail_of_ours_makes_no_ticket(house: House) -> None:
    """Backscatter ends as fate report."""
    row = house.receive(dsn("<x@elsewhere.example>", "bob@customer.example"), reverse_path="")
    assert row.state is SpoolState.REPORT


def test_a_contact_form_that_answers_elsewhere_is_flagged(house: House) -> None:
    """A Reply-To in another domain is shown; the author stays who he is."""
    ticket = house.ticket_of(house.receive(mail(headers="Reply-To: evil@elsewhere.example\n")))
    assert house.messages(ticket.id)[0].flags == ["reply-to-differs"]
    assert ticket.customer_address == "carla@customer.example"


@pytest.mark.parametrize(
    ("headers", "reverse_path", "inbox"),
    [
        ("", "support+caf_=x=in.desk.example@company.example", "support@company.example"),
        ("X-Forwarded-For: support@company.example x@in.desk.example\n", "a@b.example", "support@company.example"),
        ("Delivered-To: support@company.example\n", "a@b.example", "support@company.example"),
        ("Resent-From: <support@company.example>\n", "a@b.example", "support@company.example"),
    ],
)
def test_the_forwarding_inbox_is_known(house: House, headers: str, reverse_path: str, inbox: str) -> None:
    """What each provider leaves behind tells which inbox forwarded the mail."""
    ticket = house.ticket_of(house.receive(mail(headers=headers, to="x@y.example"), reverse_path=reverse_path))
    assert house.messages(ticket.id)[0].source_inbox == inbox


def test_an_agents_manual_forward_is_flagged_while_unproved(house: House) -> None:
    """An agent's From alone proves nothing: the ticket is his until he says whose it is."""
    text = (
        "Please help.\n\n---------- Forwarded message ---------\nFrom: Bob <bob@customer.example>\n"
        "Date: Mon, 2 Nov 2026 at 10:00\nSubject: Toner\nTo: <agent@company.example>\n\nNo toner left.\n"
    )
    raw = mail(text, author="Alex Agent <agent@company.example>", subject="Fwd: Toner")
    ticket = house.ticket_of(house.receive(raw))
    assert ticket.customer_address == "agent@company.example"
    assert house.messages(ticket.id)[0].flags == ["forward-unproved"]


def test_a_manual_forward_is_the_inner_senders_where_the_queue_believes_it(house: House) -> None:
    """With forwards = anyone the customer is who wrote the inner mail."""
    house.set_queue("Support", forwards="anyone")
    text = (
        "Please help.\n\n---------- Forwarded message ---------\nFrom: Bob <bob@customer.example>\n"
        "Date: Mon, 2 Nov 2026 at 10:00\nSubject: Toner\nTo: <carla@customer.example>\n\nNo toner left.\n"
    )
    ticket = house.ticket_of(house.receive(mail(text, subject="Fwd: Toner")))
    assert (ticket.customer_address, ticket.subject) == ("bob@customer.example", "Toner")


def dsn(original_id: str, recipient: str, action: str = "failed", status: str = "5.1.1") -> bytes:
    """A delivery report in the form of RFC 3464."""
    text = f"""From: Mail Delivery System <mailer-daemon@mx.example>
To: someone@in.desk.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <report.{status}.{action}.{recipient}@mx.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Your mail could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such user

--b
Content-Type: text/rfc822-headers

From: Support <support@company.example>
To: {recipient}
Subject: Re: My printer smokes
Message-ID: {original_id}

--b--
"""
    return text.replace("\n", "\r\n").encode()
