"""Reading whole mails: the header, the text, the attachments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.reading.mail import Person
from gateway.reading.parse import read_mail


def mail(*lines: str, body: str = "Hello\r\n") -> bytes:
    """A mail of these header lines and this body."""
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8", "surrogateescape")


def test_plain_mail_is_read():
    """The ordinary fields and the text of a plain mail come out as written."""
    read = read_mail(
        mail(
            "From: Ann Example <ann@example.org>",
            "To: Bob <bob@example.net>, carol@example.net",
            "Cc: Dan <dan@example.net>",
            "Subject: A question",
            "Message-ID: <1@example.org>",
            "References: <a@x> <b@x>",
            "In-Reply-To: <b@x>",
            "Date: Fri, 21 Nov 1997 09:55:06 -0600",
        )
    )
    assert read.author == Person("Ann Example", "ann@example.org")
    assert [one.email for one in read.to] == ["bob@example.net", "carol@example.net"]
    assert read.cc == (Person("Dan", "dan@example.net"),)
    assert (read.subject, read.message_id) == ("A question", "<1@example.org>")
    assert (read.references, read.in_reply_to) == (("<a@x>", "<b@x>"), ("<b@x>",))
    assert read.date is not None
    assert read.date.isoformat() == "1997-11-21T09:55:06-06:00"
    assert (read.text.strip(), read.html, read.attachments, read.defects) == ("Hello", None, (), ())


@pytest.mark.parametrize("raw", [b"", b"\n", b"\r\n\r\n", b":", b"\0", b"\xff\xfe", b"no header at all", b"\r\r\r"])
def test_anything_gives_a_mail(raw):
    """Bytes that are no mail at all still give one, with an id made of them."""
    assert read_mail(raw).message_id.endswith("@no-message-id.invalid>")


def test_same_bytes_have_the_same_made_id():
    """A mail without Message-ID gets the same one each time it is read."""
    assert read_mail(b"Subject: x\n\ny").message_id == read_mail(b"Subject: x\n\ny").message_id


def test_text_without_header_is_kept():
    """Text that has no header above it is the text of the mail."""
    assert read_mail(b"just some words\nand more").text == "just some words\nand more"


def test_future_date_is_the_arrival():
    """A date after the arrival is taken for the arrival."""
    arrived = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    future = (arrived + timedelta(days=400)).strftime("%a, %d %b %Y %H:%M:%S +0000")
    assert read_mail(mail(f"Date: {future}"), arrived=arrived).date == arrived


def test_second_from_is_a_defect():
    """Of two From fields the first counts, and the mail says so."""
    read = read_mail(mail("From: a@example.org", "From: b@example.org"))
    assert (read.author.email, read.defects) == ("a@example.org", ("several-from-fields",))


def test_broken_fold_goes_on():
    """A header line that lost its leading blank does not end the header."""
    read = read_mail(mail("To: a@example.org,", "b@example.org", "Subject: still here"))
    assert [one.email for one in read.to] == ["a@example.org", "b@example.org"]
    assert read.subject == "still here"


def test_alternative_shows_both_forms():
    """The plain half is the text and the HTML half is shown; neither is an attachment."""
    read = read_mail(
        mail(
            "Content-Type: multipart/alternative; boundary=b",
            body="--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
            "--b\r\nContent-Type: text/html\r\n\r\n<p>rich</p>\r\n--b--\r\n",
        )
    )
    assert (read.text, read.html, read.attachments) == ("plain", "<p>rich</p>", ())


def test_html_alone_gives_the_text():
    """A mail of HTML only has a text made of it."""
    assert read_mail(mail("Content-Type: text/html", body="<p>Hello <b>you</b></p>")).text == "Hello you"


def test_attachment_is_decoded():
    """A base64 part with a name is an attachment with its own octets."""
    read = read_mail(
        mail(
            "Content-Type: multipart/mixed; boundary=b",
            body="--b\r\n\r\nsee file\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b--\r\n",
        )
    )
    (attachment,) = read.attachments
    assert (read.text, attachment.filename, attachment.content) == ("see file", "a.pdf", b"hello")
