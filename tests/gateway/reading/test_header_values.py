"""Encoded words, addresses, dates, ids, parameters and file names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.reading.addresses import parse_mailboxes
from gateway.reading.bounds import MAX_ADDRESSES, MAX_REFERENCES
from gateway.reading.dates import parse_date
from gateway.reading.filename import default_filename, safe_filename
from gateway.reading.identification import message_id, references
from gateway.reading.parameters import parse_parameters
from gateway.reading.words import decode_base64_leniently, decode_value

ARRIVED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?caf=C3=A9?=", "café"),
        ("=?UTF-8?B?Y2Fmw6k=?=", "café"),
        ("=?UTF-8*fr?B?Y2Fmw6k?= rest", "café rest"),
        ("=?utf-8?q?caf=C3?= =?utf-8?q?=A9?=", "café"),
        ("=?utf-8?b?44GT44?= =?utf-8?b?KT?=", "こ\ufffd)"),
        ("=?utf-8?q?a?= =?iso-8859-1?q?=E9?=", "aé"),
        ("a =?utf-8?q?b?= c =?utf-8?q?d?=", "a b c d"),
        ("=?utf-8?q?with blanks in it?=", "with blanks in it"),
        ("=?utf-8?q?really?=20yes?=", "really? yes"),
        ("=?utf-8?q?a?==20b", "a=20b"),
        ("=?utf-8?q?open", "=?utf-8?q?open"),
        ("=?utf-8?x?open?=", "=?utf-8?x?open?="),
        ("=?=?utf-8?q?a?=", "=?a"),
        ("=?utf-8?q??=x", "x"),
        ("a\tb\x1b[2Jc", "a b [2Jc"),
        ("caf\udce9", "café"),
        ("café", "café"),
    ],
)
def test_value_is_decoded(raw, text):
    """Encoded words as RFC 2047 has them, and as they are really sent."""
    assert decode_value(raw) == text


def test_raw_octets_follow_the_charset_of_the_mail():
    """Octets without a label are read in the charset that the text of the mail has."""
    raw = "Привет".encode("koi8-r").decode("utf-8", "surrogateescape")
    assert decode_value(raw, "koi8-r") == "Привет"


def test_base64_is_mended():
    """Foreign characters, missing padding and padding in the middle do not stop decoding."""
    assert decode_base64_leniently(b"aG Vs!bG8") == b"hello"
    assert decode_base64_leniently(b"aGVsbG8=aGVsbG8=") == b"hellohello"
    assert decode_base64_leniently(b"aGVsbG8=a") == b"hello"


@pytest.mark.parametrize(
    ("raw", "people"),
    [
        ("ann@example.org", [("", "ann@example.org")]),
        ("Ann <ann@example.org>", [("Ann", "ann@example.org")]),
        ('"Example, Ann" <ann@example.org>', [("Example, Ann", "ann@example.org")]),
        ('"Giant; \\"Big\\" Box" <a@example.org>', [('Giant; "Big" Box', "a@example.org")]),
        ("ann@example.org (Ann (really))", [("Ann (really)", "ann@example.org")]),
        ("a@x.org, b@x.org; c@x.org", [("", "a@x.org"), ("", "b@x.org"), ("", "c@x.org")]),
        ("A Group: a@x.org, Bob <b@x.org>;", [("", "a@x.org"), ("Bob", "b@x.org")]),
        ("undisclosed-recipients:;", []),
        ("Pete (a) <pete(his account)@silly.test(his host)>", [("Pete", "pete@silly.test")]),
        ("<@a.org,@b.org:c@x.org>", [("", "c@x.org")]),
        ("Ann <<ann@x.org>>", [("Ann", "ann@x.org")]),
        ("Ann <ann@x.org", [("Ann", "ann@x.org")]),
        ("ann@x.org Ann Example", [("Ann Example", "ann@x.org")]),
        ("Ann [mailto:ann@x.org]", [("Ann", "ann@x.org")]),
        ("<mailto:ann@x.org>", [("", "ann@x.org")]),
        ("ann @ x.org", [("", "ann@x.org")]),
        ("a b @ c d", [("a b @ c d", "")]),
        ("MAILER-DAEMON (Mail System)", [("Mail System", "MAILER-DAEMON")]),
        ("Just A Name", [("Just A Name", "")]),
        ("(only a comment)", [("only a comment", "")]),
        ("'Ann' <ann@x.org>", [("Ann", "ann@x.org")]),
        ('"ann smith"@x.org', [("", '"ann smith"@x.org')]),
        ('"Ann <ann@x.org>', [("Ann", "ann@x.org")]),
        ("(Ann <ann@x.org>", [("Ann", "ann@x.org")]),
        ('"a\\\\" <ann@x.org>', [("a\\", "ann@x.org")]),
        ("Ann\\, Example <ann@x.org>", [("Ann, Example", "ann@x.org")]),
        ("=?utf-8?q?Example=2C_Ann?= <ann@x.org>", [("Example, Ann", "ann@x.org")]),
        ("=?utf-8?q?Ann_=3Cann=40x=2Eorg=3E?=", [("Ann", "ann@x.org")]),
        ("Jöhn <jdöe@mächine.example>", [("Jöhn", "jdöe@mächine.example")]),
        (", ann@x.org,", [("", "ann@x.org")]),
        ("a:b@x.org", [("", "b@x.org")]),
        ("mailto:b@x.org", [("", "b@x.org")]),
        ("", []),
    ],
)
def test_mailboxes_are_read(raw, people):
    """Mailboxes of RFC 5322 with its obsolete forms, and what is none of these."""
    assert [(one.name, one.email) for one in parse_mailboxes(raw)] == people


def test_addresses_have_a_bound():
    """Of very many addresses the first ones are kept."""
    assert len(parse_mailboxes("a@x.org, " * 6000)) == MAX_ADDRESSES


@pytest.mark.parametrize(
    ("raw", "date"),
    [
        ("Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T09:55:06-06:00"),
        ("21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06+00:00"),
        ("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "1997-11-21T09:55:06-06:00"),
        ("Tue, 1 Jul 2003 10:52:60 +0200 (CEST)", "2003-07-01T10:52:59+02:00"),
        ("2024-05-06T07:08:09Z", "2024-05-06T07:08:09+00:00"),
        ("2024-05-06 07:08:09", "2024-05-06T07:08:09+00:00"),
        ("Fri, 21 Nov 1997 09:55:06 +9959", "1997-11-21T09:55:06+00:00"),
        ("Fri, 21 Nov 2997 09:55:06 +0000", "2026-03-01T12:00:00+00:00"),
        ("Fri, 31 Feb 1997 09:55:06 +0000", None),
        ("0001-01-01T00:00:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_date_is_read(raw, date):
    """Dates in the sender's offset, never after the arrival, and none where there is none."""
    moment = parse_date(raw, ARRIVED)
    assert (moment and moment.isoformat()) == date


def test_ids_are_cut_out():
    """Ids keep their brackets, lose their blanks, and stand once each."""
    assert references("<a@x> junk <b @x>\t<a@x> <> c@x") == ("<a@x>", "<b@x>")
    assert message_id("a@x", b"") == "<a@x>"
    assert message_id("<a@x> <b@x>", b"") == "<a@x>"


def test_very_many_references_keep_both_ends():
    """The first and the last ones are what threading needs."""
    found = references("".join(f"<{number}@x>" for number in range(1000)))
    assert len(found) == MAX_REFERENCES
    assert (found[0], found[-1]) == ("<0@x>", "<999@x>")


@pytest.mark.parametrize(
    ("raw", "kind", "parameters"),
    [
        ("text/plain", "text/plain", {}),
        ("Text/Plain; Charset=UTF-8", "text/plain", {"charset": "UTF-8"}),
        ("a/b; name=This is a test.txt", "a/b", {"name": "This is a test.txt"}),
        ('a/b; name="semi;colon"; x=1', "a/b", {"name": "semi;colon", "x": "1"}),
        ('a/b; name="C:\\dir\\"; x=1', "a/b", {"name": "C:\\dir\\", "x": "1"}),
        ('a/b; name="say \\"hi\\" now"', "a/b", {"name": 'say "hi" now'}),
        ('a/b; name="never closed; x=1', "a/b", {"name": "never closed", "x": "1"}),
        ("a/b; name*=utf-8''caf%C3%A9; name=cafe", "a/b", {"name": "café"}),
        ("a/b; name*0*=iso-8859-1''caf%E9; name*1=s.txt", "a/b", {"name": "cafés.txt"}),
        ("a/b; name*1=b; name*0=a", "a/b", {"name": "ab"}),
        ("a/b; name*x=b; =c; d; *=e", "a/b", {}),
        ("a/b; name*=", "a/b", {}),
    ],
)
def test_parameters_are_read(raw, kind, parameters):
    """Parameters of RFC 2045 and RFC 2231, and what mail programs make of them."""
    assert parse_parameters(raw) == (kind, parameters)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:x.txt", "x.txt"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("CON", "_CON"),
        ("lpt1.txt", "_lpt1.txt"),
        ("a\0b\r\nc", "a_b_c"),
        ("...", ""),
        ("..", ""),
        (" name. ", "name"),
        ('a<b>:"|?*.txt', "a_b_.txt"),
        ("caf\u0065\u0301.txt", "cafe\u0301.txt".replace("e\u0301", "é")),
        ("x" * 5000 + ".txt", "x" * 196 + ".txt"),
        ("é" * 300, "é" * 99),
        ("\ud800.txt", "_.txt"),
    ],
)
def test_name_is_safe(name, safe):
    """No path, no control, no trick with the reading direction, no name that an operating system keeps."""
    assert safe_filename(name) == safe


def test_nameless_part_gets_a_name():
    """The type gives the extension, the description or subject the stem."""
    assert default_filename("image/png") == "image.png"
    assert default_filename("x/y", "a/b") == "b.bin"
    assert default_filename("message/rfc822", "Re: hello") == "Re_ hello.eml"


def test_empty_and_giant_ids_are_left_out_when_references_are_read():
    """Neither can name a mail."""
    assert references(f"< > <{'x' * 1200}> <a@b.example>") == ("<a@b.example>",)


@pytest.mark.parametrize(
    ("written", "text"), [("=?utf-8?Q?a?=C3=A9?= b", "a?é b"), ("=?utf-8?Q?why?=20no?=", "why? no")]
)
def test_question_mark_is_kept_when_it_stands_raw_before_an_octet(written, text):
    """Some programs forget to encode it, and it looks like the end of the word."""
    assert decode_value(written) == text
