"""Where a bound is reached or a form is broken: the rest is left as it came, and nothing is lost."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from email import message_from_string

import pytest

from gateway.reading.addresses import parse_mailboxes
from gateway.reading.bounds import MAX_DEFECTS
from gateway.reading.child_process import ChildProcess, ReaderLimits
from gateway.reading.cms import signed_content
from gateway.reading.conversation import Conversation
from gateway.reading.defects import Defects
from gateway.reading.envelope import reverse_path_of
from gateway.reading.forward_subject import base_subject, prefix_of
from gateway.reading.html_text import html_to_text
from gateway.reading.invitation import describe_calendar
from gateway.reading.mail import Kind
from gateway.reading.parameters import parse_parameters
from gateway.reading.parse import read_mail
from gateway.reading.phrases import count_robot_words, is_reply_subject
from gateway.reading.quotation import reply_text
from gateway.reading.refs import find_refs
from gateway.reading.report_parts import decoded
from gateway.reading.uucode import take_out_files
from gateway.reading.words import decode_value

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_defects_are_told_up_to_their_bound() -> None:
    """A mail that breaks everything does not fill the log."""
    defects = Defects()
    for number in range(MAX_DEFECTS + 5):
        defects.add(f"defect-{number}")
    assert len(defects.as_tuple()) == MAX_DEFECTS


@pytest.mark.parametrize(
    ("header", "path"),
    [
        (b"Return-Path: <a@x.example>\r\n", "a@x.example"),
        (b"Return-Path: <>\r\nFrom: b@x.example\r\n", ""),
        (b"From: Bob <b@x.example>\r\n", "b@x.example"),
    ],
)
def test_reverse_path_is_found_when_there_is_no_envelope(header: bytes, path: str) -> None:
    """RFC 5321 section 4.4; without Return-Path the author stands for it."""
    assert reverse_path_of(header + b"\r\nHello\r\n") == path


def test_prefixes_are_passed_up_to_their_bound() -> None:
    """Twenty answers of answers, and four tags."""
    assert base_subject("Re: " * 21 + "x") == "Re: x"
    assert prefix_of("[a] [b] [c] [d] [e] Re: x") == ("", "[a] [b] [c] [d] [e] Re: x")


def test_preformatted_text_keeps_its_lines_when_it_begins_with_one() -> None:
    """The first line end belongs to the tag."""
    assert html_to_text("<pre>\na\nb</pre>") == "a\nb"


def test_invitation_is_told_when_it_has_no_time() -> None:
    """Its title is enough."""
    told = describe_calendar("BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Lunch\nEND:VEVENT\nEND:VCALENDAR")
    assert "Lunch" in told
    assert "When" not in told


def test_list_mail_is_no_automatic_mail() -> None:
    """People write to lists."""
    assert [kind for kind in Kind if not kind.is_automatic] == [Kind.HUMAN, Kind.LIST]


def test_parameters_are_read_up_to_their_bound() -> None:
    """What stands behind is left out, quoted or not."""
    assert len(parse_parameters("text/plain" + '; a="b"; ' * 200)[1]) == 1
    assert parse_parameters("x/y" + '; "";' * 200 + "z=1")[1].get("z") is None


def test_prefix_auto_says_that_nobody_wrote() -> None:
    """Yahoo and others write it so."""
    assert is_reply_subject("Auto: Printer")
    assert not is_reply_subject("Automatic reply and more")
    assert count_robot_words("Automatic reply: Undeliverable: Automatic reply: Printer") == 3


def test_gmail_quotation_is_cut_when_it_has_many_children() -> None:
    """What is looked at is bounded."""
    html = f'<div>new</div><div class="gmail_quote"><blockquote>old text here</blockquote>{"<br>" * 600}</div>'
    assert reply_text("new\n\nold text here", html) == "new"


def test_gmail_quotation_is_cut_when_the_html_has_many_elements() -> None:
    """Many that do not nest are harmless."""
    html = f'<div>new</div>{"<br>" * 6000}<div class="gmail_quote">old text here</div>'
    assert reply_text("new\n\nold text here", html) == "new"


def test_header_line_is_left_alone_when_it_has_many_colons() -> None:
    """They begin no other field."""
    assert reply_text(f"new\n\nFrom: {'a: ' * 60}\n", None).startswith("new")


def test_mail_is_empty_when_its_boundary_only_closes() -> None:
    """No part, no text, and no exception."""
    assert read_mail(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n").text == ""


def test_html_is_kept_when_it_is_too_large_to_be_shown() -> None:
    """Its text is shown as far as it goes, and the file is attached."""
    mail = read_mail(b"Content-Type: text/html\r\n\r\n<p>Hello</p>" + b"<p>x" * 1_100_000)
    assert mail.html is None
    assert [one.filename for one in mail.attachments] == ["message.html"]


def test_text_is_read_when_its_japanese_charset_is_a_lie() -> None:
    """What no charset of Japan explains is shown as well as can be."""
    raw = b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\nHello \x81"
    assert read_mail(raw).text.startswith("Hello")


def test_marks_of_ours_are_found_up_to_their_bound() -> None:
    """As text and as the name of a class, each once, in small letters."""
    words = [letter * 50 for letter in "abcdefghij"]
    assert find_refs(f"ref:{words[0].upper()} ref_{words[1]}", f"x_ref-{words[0]}") == (words[0], words[1])
    assert find_refs(" ".join(f"ref:{word}" for word in words)) == tuple(words[:8])
    assert find_refs("ref:short") == ()


def test_report_is_read_when_its_words_are_no_characters() -> None:
    """Half a pair of surrogates comes from nowhere, and takes nothing with it."""
    assert decoded(message_from_string("Content-Type: text/plain\n\na\ud800b")) == "a?b"


def test_recipient_is_the_address_that_was_written_to_when_the_report_tells_it() -> None:
    """Postfix: the account behind an alias failed."""
    report = read_mail(
        b"From: MAILER-DAEMON@x.example\r\nReturn-Path: <>\r\nSubject: Undelivered Mail Returned to Sender\r\n\r\n"
        b"<ann@inner.example> (expanded from <ann@customer.example>): unknown user\r\n"
    ).report
    assert report is not None
    assert [one.address for one in report.recipients] == ["ann@customer.example"]


def test_signature_ends_the_search_when_much_stands_below_it() -> None:
    """The last mark is the signature's, whatever rules stand far above."""
    text = "Hello\n\n--\n" + "text\n" * 20 + "-- \nAnn\n" + "line\n" * 16
    assert reply_text(text, None).endswith("text")


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"begin-base64 644 a.txt\nYQ\n====\nrest", []),
        (b"begin 644 times\nI said so", []),
        (b"begin 644 a.txt\n#86)C\n`\nend\n" * 150, ["a.txt"] * 100),
    ],
)
def test_files_are_taken_out_of_a_text_up_to_a_bound(body: bytes, names: list[str]) -> None:
    """What is no file stays text."""
    rest, files = take_out_files(body)
    assert [one.name.decode() for one in files] == names
    assert rest or names


def test_boundary_is_looked_for_up_to_a_bound() -> None:
    """Lines that only look like it end the search at some time."""
    begin = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n"
    mail = read_mail(begin + b"--bx\n" * 100_001 + b"--b--\r\n")
    assert mail.text.startswith("x")


def test_encoded_word_is_read_when_a_question_mark_stands_in_it() -> None:
    """Some programs leave it as it is (RFC 2047 section 4.2 would not)."""
    assert decode_value("=?utf-8?q?why??=") == "why?"
    assert decode_value("=?utf-8?q?a?=41 b?= c") == "a41 b?= c"


def test_comments_are_passed_when_they_never_close() -> None:
    """The address is found all the same."""
    assert [one.email for one in parse_mailboxes("(a (b\r\n (c ann@x.example", "")] == ["ann@x.example"]


def test_package_is_none_when_it_has_too_many_elements() -> None:
    """BER without lengths may go on for ever."""
    begin = b"\x30\x80\x06\x09" + bytes.fromhex("2a864886f70d010702") + b"\xa0\x80"
    assert signed_content(begin + b"\x30\x80\x02\x01\x01\x31\x80" + b"\x04\0" * 150_000) is None


@pytest.mark.parametrize("said", [b"memory allocation of 99 bytes failed", b"MemoryError"])
def test_death_is_for_want_of_memory_when_the_child_said_so(said: bytes) -> None:
    """Rust aborts where Python raises; the mail is to blame, and is not tried again."""
    child = ChildProcess(ReaderLimits())
    child.complain(said)
    child._process.kill()
    child._process.wait()
    death = child.death(is_late=False)
    assert (death.reason, death.is_deterministic) == ("memory", True)


def test_sending_waits_when_the_pipe_is_full_and_ends_when_nobody_reads() -> None:
    """Neither loses an octet of what is to be sent, nor raises."""
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    conversation = Conversation(ChildProcess(ReaderLimits()), [], NOW)
    conversation.pending = memoryview(b"x" * 10_000_000)
    for _ in range(100):
        conversation._send(sink)
    assert len(conversation.pending) > 9_000_000
    os.close(source)
    conversation._send(sink)
    os.close(sink)
    conversation.child.close()
    assert (bytes(conversation.pending), conversation.has_died) == (b"", True)
