"""The structure of a mail, and its bounds."""

from __future__ import annotations

import time

import pytest

from gateway.reading import bounds
from gateway.reading.compat import as_message
from gateway.reading.defects import Defects
from gateway.reading.mail import Mail
from gateway.reading.parse import read_mail
from gateway.reading.wire import Part, take_apart


def tree(raw: bytes) -> tuple[Part, tuple[str, ...]]:
    """The parts and the defects."""
    defects = Defects()
    return take_apart(raw, defects), defects.as_tuple()


@pytest.mark.parametrize(
    ("raw", "fields", "body", "defects"),
    [
        (b"A: 1\r\nB : 2\r\n\r\nbody", [("A", "1"), ("B", "2")], b"body", ()),
        (b"A: 1\n\nbody", [("A", "1")], b"body", ()),
        (b"A: 1\r\rbody", [("A", "1")], b"body", ()),
        (b"\r\n\nA: 1\n\nbody", [("A", "1")], b"body", ()),
        (b"From ann Mon\nA: 1\n\nbody", [("A", "1")], b"body", ()),
        (b"A: 1\n  two\n\tthree\n\nbody", [("A", "1 two three")], b"body", ()),
        (b"A:\n  two\n\nbody", [("A", "two")], b"body", ()),
        (b" lost\nA: 1\n\nbody", [("A", "1")], b"body", ()),
        (b"A: 1\nno field\nmore\n\nbody", [("A", "1")], b"no field\nmore\n\nbody", ("header-without-end",)),
        (b"A: 1;\nb=2\n\nbody", [("A", "1; b=2")], b"body", ("header-line-broken",)),
        (b"A: <1\n2>\n\nbody", [("A", "<1 2>")], b"body", ("header-line-broken",)),
        (b"A: 1\nx\nB: 2\n\nbody", [("A", "1 x"), ("B", "2")], b"body", ("header-line-broken",)),
        (
            b"A: 1\nx\ny\nMIME-Version: 1.0\n\nb",
            [("A", "1 x y"), ("MIME-Version", "1.0")],
            b"b",
            ("header-line-broken",),
        ),
        (b"A: 1", [("A", "1")], b"", ()),
        (b"words only", [], b"words only", ("header-without-end",)),
    ],
)
def test_header_is_read(raw, fields, body, defects):
    """Sound and broken headers give their fields, and no text is taken for one."""
    part, found = tree(raw)
    assert (list(part.fields), part.body, found) == (fields, body, defects)


def test_part_without_header_is_text():
    """A part that begins with its text, without the blank line, loses nothing."""
    part, _ = tree(b"Content-Type: multipart/mixed; boundary=b\n\n--b\njust text\n--b--\n")
    assert part.children[0].body == b"just text"


@pytest.mark.parametrize(
    ("header", "body", "bodies", "defects"),
    [
        ("boundary=b", "--b\n\none\n--b\n\ntwo\n--b--\n", [b"one", b"two"], ()),
        ("boundary=b", "--b\n\none\n--bb\n\n--b--", [b"one\n--bb\n"], ()),
        ("boundary=b", "--b\n\none", [b"one"], ("boundary-not-closed",)),
        ("boundary=b", "--b\n\none\n--b\n", [b"one"], ("boundary-not-closed",)),
        ("boundary=b", "--b  \r\n\r\none\r\n--b-- \r\n", [b"one"], ()),
        ("boundary=b", "--b\n\none\n--b--\n\n--b\n\ntwo\n--b--", [b"one", b"two"], ()),
        ("boundary=b", "--b\n\none\n--b--\nbye", [b"one", b"bye"], ("text-after-last-part",)),
        ("x=y", "--q\nContent-Type: text/plain\n\none\n--q--", [b"one"], ("boundary-missing",)),
        ("boundary=b", "--q\nContent-Type: text/plain\n\none\n--q--", [b"one"], ("boundary-missing",)),
        ("boundary=b", "no parts at all", [], ("boundary-missing",)),
        ("boundary=b", "in --b line\n--b\n\none\n--b--", [b"one"], ()),
    ],
)
def test_parts_are_cut(header, body, bodies, defects):
    """Delimiters as RFC 2046 has them, missing, wrong, or never closed."""
    part, found = tree(f"Content-Type: multipart/mixed; {header}\n\n{body}".encode())
    assert ([child.body for child in part.children], found) == (bodies, defects)


def test_multipart_wins_among_several_types():
    """Of several Content-Type fields the one that makes sense of the body counts."""
    part, _ = tree(b"Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--")
    assert part.content_type == "multipart/mixed"


def deep(count: int) -> bytes:
    """Multipart in multipart, so many times."""
    return (
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (one, one) for one in range(count))
        + b"\nhi"
    )


BOMBS = {
    "deep": (deep(5000), "nested-too-deep"),
    "parts": (b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000, "too-many-parts"),
    "fields": (b"To: a@b.org\n" * 5000 + b"\nhi", "too-many-fields"),
    "header": (b"Subject: " + b"x" * 400_000 + b"\n\nhi", "header-too-large"),
    "field": (b"Subject: x\n" + b" " + b"y" * 70_000 + b"\n\nhi", "field-too-long"),
    "addresses": (b"To: " + b"a@b.org, " * 7000 + b"\n\nhi", "too-many-addresses"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_read_within_its_bound(name):
    """A mail beyond a bound is read in no time, says so, and keeps its octets."""
    raw, defect = BOMBS[name]
    started = time.process_time()
    mail = read_mail(raw)
    assert time.process_time() - started < 10
    assert defect in mail.defects


def test_what_is_too_deep_is_kept():
    """The part at the bound is an attachment that a mail program can open."""
    mail = read_mail(deep(60))
    assert mail.attachments[0].content.startswith(b"Content-Type: multipart/mixed; boundary=b50")
    assert mail.attachments[0].content.endswith(b"hi")


def test_what_is_too_much_is_kept():
    """The parts behind the bound stay together as one attachment."""
    mail = read_mail(b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 1200 + b"--b--\n")
    assert mail.attachments[-1].content.count(b"--b\n") == 1200 - bounds.MAX_PARTS + 1


def test_mail_in_mail_in_mail_ends():
    """A chain of mails in mails is one attachment, not a recursion."""
    assert len(read_mail(b"Content-Type: message/rfc822\n\n" * 5000).attachments) == 1


def test_defects_are_bounded():
    """However much is wrong, the list stays short and names each thing once."""
    defects = Defects()
    for number in range(1000):
        defects.add(str(number % 200))
    assert len(defects.as_tuple()) == bounds.MAX_DEFECTS


def test_message_of_the_stdlib_shows_the_same_tree():
    """Readers that know `email.message` find parts, status blocks and the enclosed mail."""
    raw = (
        b"Content-Type: multipart/report; boundary=b\n\n--b\n\nwords\n"
        b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nAction: failed\n\n"
        b"--b\nContent-Type: message/rfc822\n\nMessage-ID: <1@x>\n\nbody\n"
        b"--b\nContent-Type: image/png\n\nx\n--b--\n"
    )
    message = as_message(tree(raw)[0])
    words, status, enclosed, picture = message.get_payload()
    assert words.get_payload() == "words"
    assert [block.items() for block in status.get_payload()] == [[("Reporting-MTA", "dns; x")], [("Action", "failed")]]
    assert enclosed.get_payload(0)["Message-ID"] == "<1@x>"
    assert picture.get_payload() == ""


def test_mail_has_its_headers():
    """Fields are found by name in any case, in their order."""
    mail: Mail = read_mail(b"X-A: 1\nx-a: 2\n\n")
    assert (mail.header("X-a"), mail.header_all("x-A"), mail.header("none")) == ("1", ["1", "2"], "")
    assert mail.headers_among(("x-a", "none")) == {"x-a": ["1", "2"]}
