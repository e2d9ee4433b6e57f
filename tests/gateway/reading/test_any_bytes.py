"""Whatever arrives is read: no exception, and nothing that a database refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.reading.mail import Mail
from gateway.reading.parse import read_mail
from gateway.reading.show import as_json

ARRIVED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMES = (
    *(b"From", b"To", b"Cc", b"Sender", b"Reply-To", b"Subject", b"Date", b"Message-ID", b"References", b"In-Reply-To"),
    *(
        b"Content-Type",
        b"Content-Transfer-Encoding",
        b"Content-Disposition",
        b"Content-ID",
        b"Auto-Submitted",
        b"X-Any",
    ),
)
WORDS = (
    *(b"multipart/mixed; boundary=b", b"multipart/alternative; boundary=b", b"multipart/related; boundary=b"),
    *(b"text/plain", b"text/html", b"text/enriched", b"text/calendar", b"message/rfc822", b"application/octet-stream"),
    *(b"; charset=utf-8", b"; charset=utf-7", b"; charset=gb2312", b"; charset=iso-2022-jp", b"; charset=punycode"),
    *(b"; format=flowed", b"; name=a.txt", b"; name*0*=utf-8''%e2%82", b"; name*1=x", b"attachment; filename=x"),
    *(
        b"base64",
        b"quoted-printable",
        b"x-uuencode",
        b"8bit",
        b"=?utf-8?q?=c3?= =?utf-8?q?=a9?=",
        b"=?gb2312?b?xOO6ww==?=",
    ),
    *(
        b"<a@b>",
        b'"a" <a@b>',
        b"a@b",
        b",",
        b";",
        b":",
        b"(",
        b")",
        b"<",
        b">",
        b'"',
        b"\\",
        b"=?",
        b"?=",
        b"\0",
        b"\xff",
    ),
    *(b"\r\n ", b"\r\n", b"\n", b"\r", b"--b\r\n", b"--b--\r\n", b"\x1b$B$3\x1b(B", b"Fri, 21 Nov 1997 09:55:06 -0600"),
    *(b"<p>", b"<table><tr><td>x", b"<a href='http://x/'>x</a>", b"&amp;", b"<!--", b"begin 644 a\r\n#86%A\r\nend\r\n"),
    *(
        b"BEGIN:VEVENT\r\nDTSTART:20260101T100000Z\r\n",
        b"=ybegin line=1 size=1 name=a\r\n",
        b"> quoted \r\n",
        b"-- \r\n",
    ),
)
piece = st.one_of(st.sampled_from(WORDS), st.binary(max_size=12))
value = st.lists(piece, max_size=6).map(b"".join)
field = st.tuples(st.sampled_from(NAMES), value).map(lambda pair: pair[0] + b": " + pair[1] + b"\r\n")
mail = st.tuples(
    st.lists(field, max_size=6).map(b"".join), st.lists(st.one_of(piece, field), max_size=12).map(b"".join)
)


def assert_storable(read: Mail) -> None:
    """The JSON of a mail has neither NUL nor lone surrogates, and names no path."""
    shown = json.dumps(as_json(read), ensure_ascii=False)
    shown.encode("utf-8")
    assert "\\u0000" not in shown
    headers = "".join(name + text for name, text in read.headers)
    headers.encode("utf-8")
    assert "\0" not in headers
    for attachment in read.attachments:
        assert attachment.filename
        assert not {"/", "\\"} & set(attachment.filename)


@given(st.binary(max_size=2000))
def test_any_bytes_give_a_storable_mail(raw):
    """Bytes that know nothing of mail give a mail without an exception."""
    assert_storable(read_mail(raw, arrived=ARRIVED))


@settings(max_examples=4 * settings.default.max_examples)
@given(mail)
def test_any_headers_give_a_storable_mail(raw):
    """Pieces of mail in any order give a mail without an exception."""
    assert_storable(read_mail(raw[0] + b"\r\n" + raw[1], arrived=ARRIVED))
