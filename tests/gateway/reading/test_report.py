"""Reports of machines: in the form of RFC 3464, in the prose of many mail systems, receipts and complaints."""

from __future__ import annotations

from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reading.mail import Person, Report, ReportedRecipient
from gateway.reading.report import find_report, may_report

ORIGINAL = (
    "Message-ID: <ticket.12@desk.example>\nFrom: desk@company.example\nTo: ann@customer.example\nSubject: x\n\nHello"
)
ID = "<ticket.12@desk.example>"
ANN = "ann@customer.example"


def read(source: str, text: str | None = None) -> Report | None:
    """As the reader of the mail calls it."""
    message: Message[str, str] = message_from_string(source)
    name, _, email = str(message["From"] or "").rpartition("<")
    first = next((part for part in message.walk() if part.get_content_type() == "text/plain"), None)
    body = str(first.get_payload()) if first is not None and not first.is_multipart() else ""
    return find_report(
        message,
        str(message["Subject"] or ""),
        Person(name.strip(' "'), email.strip("<>")),
        body if text is None else text,
        [(key, str(value)) for key, value in message.items()],
    )


def prose(author: str, subject: str, body: str, headers: str = "") -> str:
    return f"Return-Path: <>\nFrom: {author}\nTo: desk@company.example\nSubject: {subject}\n{headers}\n{body}"


def standard(status: str, report_type: str = "delivery-status", person: str = "It failed.") -> str:
    return (
        "From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail\n"
        f'Content-Type: multipart/report; report-type={report_type}; boundary="b"\n\n'
        f"--b\nContent-Type: text/plain\n\n{person}\n--b\nContent-Type: message/{report_type}\n\n{status}\n"
        f"--b\nContent-Type: message/rfc822\n\n{ORIGINAL}\n--b--\n"
    )


def test_all_recipients_are_read_when_the_report_is_in_standard_form() -> None:
    """RFC 3464: action, status, diagnostic and remote server of each recipient."""
    report = read(
        standard(
            "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; ann@customer.example\n"
            "Action: failed\nStatus: 5.1.1\n"
            "Remote-MTA: dns; mx.customer.example\n"
            "Diagnostic-Code: smtp; 550 5.1.1 <ann@customer.example>:\n  User unknown\n\n"
            "Final-Recipient: rfc822;local@box.example\nOriginal-Recipient: rfc822;bob@customer.example\n"
            "Action: Delayed\nStatus: 4.2.2 (full)\n\n"
            "Final-Recipient: rfc822; carl@customer.example\nAction: relayed\nStatus: 2.0.0\n"
        )
    )
    assert report == Report(
        "dsn",
        (
            ReportedRecipient(
                ANN, "failed", "5.1.1", "550 5.1.1 <ann@customer.example>: User unknown", "mx.customer.example"
            ),
            ReportedRecipient("bob@customer.example", "delayed", "4.2.2"),
            ReportedRecipient("carl@customer.example", "relayed", "2.0.0"),
        ),
        ID,
    )


@pytest.mark.parametrize(
    ("fields", "action", "status"),
    [
        ("Action: expired\nStatus: 4.4.7", "failed", "4.4.7"),
        ("Action: failed (bad user)\nStatus: 5.1.1", "failed", "5.1.1"),
        ("Status: 4.4.1", "delayed", "4.4.1"),
        ("Status: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 no", "failed", "5.0.0"),
        ("Action: failed\nDiagnostic-Code: smtp; 550 5.1.1 no", "failed", "5.1.1"),
        ("Action: failed\nDiagnostic-Code: smtp; host 5.1.1.2 said no", "failed", ""),
    ],
)
def test_action_and_status_are_read_when_they_are_odd_or_missing(fields: str, action: str, status: str) -> None:
    """What is stated stands; what is missing is supplied from what is there."""
    report = read(standard(f"Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; {ANN}\n{fields}\n"))
    assert report is not None
    assert [(one.address, one.action, one.status) for one in report.recipients] == [(ANN, action, status)]


def test_original_is_found_when_its_header_alone_is_returned() -> None:
    """text/rfc822-headers, and message/rfc822 without a body."""
    source = standard(f"Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; {ANN}\nAction: failed\nStatus: 5.1.1\n")
    for returned in ("text/rfc822-headers", "message/rfc822"):
        report = read(source.replace("message/rfc822", returned).replace("\n\nHello", ""))
        assert report is not None
        assert report.original_message_id == ID


def test_original_is_found_when_only_exchange_names_it() -> None:
    """Exchange keeps the id in a header of the report itself; others answer to it."""
    body = "Your message did not reach some recipients.\n\nann@customer.example\n  #5.1.1 smtp;550 5.1.1 User unknown"
    for field in ("X-Microsoft-Original-Message-ID", "In-Reply-To", "References"):
        report = read(prose("postmaster@mx.example", "Undeliverable: x", body, f"{field}: <a@b.c> {ID}\n"))
        assert report is not None
        assert report.original_message_id == ID


DAEMON = "MAILER-DAEMON@mx.example"
SAMPLES = Path(__file__).parents[2] / "samples" / "reports"
PROSE = [
    ("qmail", "5.1.1", ID),
    ("exim", "5.7.1", ID),
    ("postfix", "5.1.1", ""),
    ("sendmail-8", "5.1.1", ID),
    ("sendmail-5", "5.1.1", ID),
    ("exchange-2003", "", ""),
    ("exchange-2010", "5.1.1", ID),
    ("domino", "", ""),
    ("gmail", "5.2.1", ID),
    ("yahoo", "5.1.1", ID),
    ("gmx", "5.2.2", ID),
    ("opensmtpd", "5.1.1", ID),
    ("mailmarshal", "5.1.1", ""),
    ("imail", "", ID),
    ("mailfoundry", "5.1.1", ID),
    ("mimecast", "5.4.1", ""),
    ("biglobe", "", ID),
    ("ezweb", "5.1.1", ""),
    ("mailru", "5.1.1", ""),
    ("office365-german", "5.1.1", ""),
    ("french", "5.1.1", ""),
    ("courier", "5.1.1", ""),
    ("dragonfly", "5.1.1", ID),
    ("vtext", "", ""),
]


@pytest.mark.parametrize(("sample", "status", "original"), PROSE)
def test_report_in_prose_is_read_when_a_known_kind_of_system_wrote_it(sample: str, status: str, original: str) -> None:
    """Recipient, action, status and id of the original, whoever wrote them however."""
    report = read((SAMPLES / f"{sample}.eml").read_text(encoding="utf-8"))
    assert report is not None
    assert report.type == "dsn"
    assert [(one.address, one.action, one.status) for one in report.recipients] == [(ANN, "failed", status)]
    assert report.original_message_id == original


def test_each_recipient_has_his_own_status_when_prose_names_several() -> None:
    """What stands below an address is about it."""
    body = (
        "Unable to deliver message to the following address(es).\n\n<ann@customer.example>:\n550 5.1.1 unknown\n\n"
        "<bob@customer.example>:\n552 5.2.2 full\n"
    )
    report = read(prose(DAEMON, "failure notice", body))
    assert report is not None
    assert [(one.address, one.status) for one in report.recipients] == [
        (ANN, "5.1.1"),
        ("bob@customer.example", "5.2.2"),
    ]
    assert report.recipients[1].diagnostic == "552 5.2.2 full"


def test_recipients_are_those_of_the_header_when_it_names_them() -> None:
    """X-Failed-Recipients is sure; the text may show a local part only."""
    body = "The following address(es) failed:\n\n  ann\n    550 5.1.1 no\n"
    report = read(prose(DAEMON, "x", body, f"X-Failed-Recipients: {ANN}, bob@customer.example\n"))
    assert report is not None
    assert [one.address for one in report.recipients] == [ANN, "bob@customer.example"]


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        (
            "Warning: message 1ab delayed 24 hours",
            (
                "A message that you sent has not yet been delivered to one or more of its\n"
                "recipients after more than 24 hours.\n\n  ann@customer.example\n"
            ),
        ),
        (
            "Delivery Status Notification (Delay)",
            (
                "THIS IS A WARNING MESSAGE ONLY.\n\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\n"
                "Delivery to the following recipient has been delayed:\n\n     ann@customer.example\n"
            ),
        ),
        (
            "Delayed Mail (still being retried)",
            (
                "Your message could not be delivered for more than 2 hour(s).\n"
                "It will be retried until it is 4 day(s) old.\n\n"
                "<ann@customer.example>: connect to mx: timed out\n"
            ),
        ),
    ],
)
def test_delay_is_no_failure_when_the_mail_may_still_arrive(subject: str, body: str) -> None:
    """The machine goes on trying."""
    report = read(prose(DAEMON, subject, body))
    assert report is not None
    assert [(one.address, one.action) for one in report.recipients] == [(ANN, "delayed")]


def test_addressee_is_taken_from_the_returned_mail_when_the_report_names_nobody() -> None:
    """A gateway of a phone company says only that something failed."""
    body = f"Message could not be delivered to mobile.\nError: No valid recipients\n\nOriginal Message:\n{ORIGINAL}"
    report = read(prose("MMSC NDR Administrator <sysadmin@mx.example>", "Undeliverable Message", body))
    assert report is not None
    assert [(one.address, one.action) for one in report.recipients] == [(ANN, "failed")]
    assert report.original_message_id == ID


@pytest.mark.parametrize(
    ("author", "subject", "body", "headers"),
    [
        (
            "Ann Lee <ann@customer.example>",
            "Undelivered mail?",
            "Hi, I got this: 550 5.1.1 <bob@x.example> User unknown. Why?",
            "",
        ),
        (
            "Ann Lee <ann@customer.example>",
            "Fwd: failure notice",
            "--- Below this line is a copy of the message.\nIt could not be delivered to bob@x.example",
            "",
        ),
        ("Postmaster <postmaster@customer.example>", "A question", "How do we set the MX record of our domain?", ""),
        (
            "Ann <ann@customer.example>",
            "Out of office",
            "I am away. The mail could not be delivered to my brain.",
            "Return-Path: <>\n",
        ),
        ("Shop <noreply@shop.example>", "Your parcel", "Welcome.", "Return-Path: <>\n"),
        ("Postmaster <postmaster@customer.example>", "A question", "Your mail could not be delivered to Ann. Why?", ""),
        ("Parcels <delivery@parcels.example>", "Your parcel", "It could not be delivered today.", "Return-Path: <>\n"),
    ],
)
def test_mail_is_no_report_when_no_machine_says_so(author: str, subject: str, body: str, headers: str) -> None:
    """People write about bounces, and machines write about other things."""
    assert read(f"{headers}From: {author}\nTo: desk@company.example\nSubject: {subject}\n\n{body}") is None


def test_mail_is_no_report_when_somebody_attached_one() -> None:
    """A report that a person forwards is his attachment."""
    inner = (
        standard(f"Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; {ANN}\nAction: failed\nStatus: 5.1.1\n")
        .replace('"b"', '"c"')
        .replace("--b", "--c")
    )
    source = (
        "From: Bob <bob@x.example>\nSubject: Fwd: Undelivered Mail\n"
        'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\nWhy?\n--b\n'
        f"Content-Type: message/rfc822\n\n{inner}\n--b--\n"
    )
    assert read(source) is None


def test_receipt_is_read_when_a_mail_was_displayed() -> None:
    """RFC 8098: who, what was done, and with which mail."""
    fields = (
        f"Reporting-UA: x\nFinal-Recipient: rfc822;{ANN}\nOriginal-Message-ID: {ID}\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n"
    )
    assert read(standard(fields, "disposition-notification")) == Report(
        "mdn", (ReportedRecipient(ANN, "displayed"),), ID
    )


def test_complaint_is_read_when_a_provider_reports_abuse() -> None:
    """RFC 5965, with the recipient who complained where the provider tells him."""
    fields = f"Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\nOriginal-Rcpt-To: <{ANN}>\n"
    source = standard(fields, "feedback-report")
    assert read(source) == Report("complaint", (ReportedRecipient(ANN),), ID)


def test_complaint_is_read_when_hotmail_reports_it() -> None:
    """Hotmail attaches the mail to an ordinary one."""
    source = (
        "From: staff@hotmail.com\nSubject: complaint about message from 192.0.2.1\n"
        "X-HmXmrOriginalRecipient: ann@customer.example\n"
        f'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: message/rfc822\n\n{ORIGINAL}\n--b--\n'
    )
    assert read(source) == Report("complaint", (ReportedRecipient(ANN),), ID)


@pytest.mark.parametrize(
    ("kind", "about", "type_", "action"),
    [
        (
            "Bounce",
            '"bounce":{"bouncedRecipients":[{"emailAddress":"ann@customer.example","action":"failed","status":"5.1.1","diagnosticCode":"550"}]}',
            "dsn",
            "failed",
        ),
        ("Delivery", '"delivery":{"recipients":["ann@customer.example"]}', "dsn", "delivered"),
        (
            "Complaint",
            '"complaint":{"complainedRecipients":[{"emailAddress":"ann@customer.example"}]}',
            "complaint",
            "failed",
        ),
    ],
)
def test_notification_is_read_when_amazon_sends_it_as_json(kind: str, about: str, type_: str, action: str) -> None:
    """SES tells by SNS, whose mails hold one line of JSON."""
    body = f'{{"notificationType":"{kind}","mail":{{"messageId":"ticket.12"}},{about}}}\n--\nunsubscribe'
    report = read(f"From: SES <no-reply@sns.amazonaws.com>\nSubject: AWS Notification Message\n\n{body}")
    assert report is not None
    assert (report.type, report.original_message_id) == (type_, "<ticket.12>")
    assert [(one.address, one.action) for one in report.recipients] == [(ANN, action)]


def test_notification_is_no_report_when_its_json_is_broken() -> None:
    """Whatever stands there, nothing raises."""
    for body in (
        '{"notificationType":',
        '{"notificationType":' + "[" * 50_000,
        '["notificationType"]',
        '{"notificationType": 1, "1": 2, "mail": 3}',
    ):
        read(f"From: SES <no-reply@sns.amazonaws.com>\nSubject: AWS Notification Message\n\n{body}")


def test_status_part_is_read_when_it_is_encoded() -> None:
    """Some encode the machine-readable part, which the stdlib parses without decoding."""
    encoded = (
        "UmVwb3J0aW5nLU1UQTogZG5zOyBhCgpGaW5hbC1SZWNpcGllbnQ6IHJmYzgyMjsgYW5uQGN1c3RvbWVyLmV4YW1wbGUKQWN0aW9u"
        "OiBmYWlsZWQKU3RhdHVzOiA1LjEuMQo="
    )
    source = standard(encoded).replace(
        "message/delivery-status\n", "message/delivery-status\nContent-Transfer-Encoding: base64\n"
    )
    report = read(source)
    assert report is not None
    assert [(one.address, one.status) for one in report.recipients] == [(ANN, "5.1.1")]


def test_nothing_raises_when_a_header_is_raw_octets() -> None:
    """The stdlib's own access to such fields raises, or decodes with whatever codec is named."""
    for name, value in (
        ("Content-Type", "\x80\udc80"),
        ("Content-Transfer-Encoding", "\x80\udc80"),
        ("Content-Type", "text/plain; charset=punycode"),
    ):
        message: Message[str, str] = Message()
        message.set_raw(name, value)
        message.set_payload("\x80\udc80")
        assert find_report(message, "x", Person("", "a@b.example"), "", []) is None


PIECES = st.sampled_from(
    [
        "From: MAILER-DAEMON@x.y\n",
        "Return-Path: <>\n",
        "Subject: failure notice\n",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n",
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n",
        "--b\n",
        "--b--\n",
        "\n",
        "Content-Type: message/delivery-status\n",
        "Content-Type: message/rfc822\n",
        "Content-Transfer-Encoding: base64\n",
        "Final-Recipient: rfc822; a@b.c\n",
        "Action: failed\n",
        "Status: 5.1.1\n",
        "Message-ID: <x@y>\n",
        "<a@b.c>: 550\n",
        "--- Below this line is a copy\n",
        "X-Failed-Recipients: ;,<\n",
        "Content-Type: message/disposition-notification\n",
    ]
)


@given(st.lists(PIECES | st.text(max_size=6), max_size=40).map("".join), st.text(max_size=60))
def test_nothing_raises_when_any_mail_is_read(source: str, text: str) -> None:
    """Any mail gives a report or None, of a known type and without NUL."""
    report = read(source, text)
    assert report is None or report.type in ("dsn", "mdn", "complaint")
    assert "\0" not in repr(report)


def test_recipient_is_named_as_the_report_names_him_when_that_is_no_address() -> None:
    """A local account or a printer has none."""
    report = read(standard("Final-Recipient: x-local; <printer>\nAction: failed\n"))
    assert report is not None
    assert report.recipients[0].address == "printer"


def test_notification_without_recipients_is_a_report_when_ses_sends_it() -> None:
    """Its list may be missing; the mail that it is about still stands there."""
    body = '{"notificationType":"Delivery","delivery":{},"mail":{"messageId":"x1"}}'
    report = read(f"From: SES <no-reply@sns.amazonaws.com>\nSubject: AWS Notification Message\n\n{body}")
    assert report == Report("dsn", (), "<x1>")


@given(
    st.sampled_from(
        ["Ann <ann@customer.example>", "<MAILER-DAEMON@mx.example>", "<staff@hotmail.com>", "Postmaster <>"]
    ),
    st.sampled_from(["Hello", "Undelivered Mail Returned to Sender", "complaint about message", "Warning: delayed"]),
    st.sampled_from(["", "  \n", "Hello", "550 5.1.1 <ann@customer.example>: User unknown", "could not be delivered"]),
    st.sampled_from(["", "X-Failed-Recipients: ann@customer.example\n", "Content-Type: text/plain; charset=utf-8\n"]),
)
def test_plain_mail_that_cannot_be_a_report_is_none(author: str, subject: str, body: str, headers: str) -> None:
    """The cheap question never denies what the thorough one finds."""
    name, _, email = author.rpartition("<")
    fields = [("Return-Path", "<>"), *([("X-Failed-Recipients", ANN)] if "Failed" in headers else [])]
    person = Person(name.strip(), email.strip("<>"))
    assert may_report(subject, person, body, fields) or read(prose(author, subject, body, headers)) is None
