"""Time grows as the input does, on strings that hang readers which look back and forth."""

from __future__ import annotations

import time
from collections.abc import Callable
from email import message_from_string

import pytest

from gateway.reading.forward import find_forward
from gateway.reading.mail import Person
from gateway.reading.quotation import reply_text
from gateway.reading.report import find_report

SMALL, FACTOR = 12_000, 8
SLACK = 4  # a busy machine; a quadratic reader needs 64 times as long
LEAST = 0.005  # seconds below which a clock says little

UNITS = [
    ">",
    "> ",
    "\n",
    " ",
    "\t",
    "-",
    "---\n",
    "_",
    "a@",
    "a.b@c.",
    "a@b.c, ",
    "<",
    "<mailto:",
    "[",
    '"',
    "'",
    ":",
    "1",
    "1.1.",
    "5.1.1 ",
    "é",
    "\u200b",
    "On ",
    "On 5 Mar 2024 at 10:23\n",
    "wrote:\n",
    "On 5 Mar 2024 at 10:23 a@b.c wrote:\n",
    "On 5 Mar 2024 at 10:23 a@b.c wrote:\n> x\n\n",
    "From: a@b.c\n",
    "From: a@b.c\nTo: ",
    "From: a@b.c\nTo: a@b.c,\n",
    "Subject: Re: To: ",
    "-----Original Message-----\n",
    "---------- Forwarded message ---------\n",
    "--- Forwarded Message --- From: ",
    "-- \n",
    "--\nx\n",
    "Sent from my iPhone\n",
    "> a\nb\n",
    "##-",
    "RCPT TO:<",
    "Message-ID: <",
    "host a.",
    "expanded from: <",
    "[x] Fwd: ",
    "mailing list\n____\n",
    "To: x\n",
    "[a](b",
    ">>> 1 >>>\n",
    "----- Forwarded message from a@b.c -----\n",
    "----- End forwarded message -----\n",
    "发件人: a@b.c\n发送时间: 1\n收件人: x\n\n主题: x\n",
    "&nbsp;",
    "a@b.c wrote 2024:   ",
    "a@b.c <\n",
    "a@b.c\nwrote:\n",
    "---\nTo: x\n1.1.2024 10:23 a@b.c:\n",
    "\r",
    "\ufeff",
]


def report_of(body: str) -> object:
    message = message_from_string(
        "From: MAILER-DAEMON@x.y\nReturn-Path: <>\nSubject: failure notice\n\nfailed:\n\n" + body
    )
    headers = [("Return-Path", "<>"), ("X-Failed-Recipients", body), ("References", body)]
    return find_report(message, body, Person(body, "mailer-daemon@x.y"), body, headers)


READERS: dict[str, Callable[[str], object]] = {
    "reply_text": lambda text: reply_text("Hello\n" + text, None),
    "reply_text, HTML": lambda text: reply_text(
        "Hello\nold\n" + text, f'<p>Hello</p><div class="gmail_quote">old{text}'
    ),
    "find_forward": lambda text: find_forward("Fwd: x", "Hello\n" + text, None),
    "find_forward, no prefix": lambda text: find_forward(text, text, None),
    "find_forward, fields": lambda text: find_forward(
        "x", f"--- Forwarded message ---\nFrom: {text}\nDate: {text}\nTo: {text}", None
    ),
    "find_report": report_of,
}


def seconds(read: Callable[[str], object], unit: str, size: int) -> float:
    text = (unit * (size // len(unit) + 1))[:size]
    best = float("inf")
    for _ in range(2):
        begin = time.process_time()
        read(text)
        best = min(best, time.process_time() - begin)
    return best


@pytest.mark.parametrize("reader", READERS)
def test_time_grows_with_the_input_when_it_repeats_one_thing(reader: str) -> None:
    """Eight times the text takes about eight times as long, and never sixty-four."""
    slow = []
    for unit in UNITS:
        small, large = (seconds(READERS[reader], unit, size) for size in (SMALL, FACTOR * SMALL))
        if large > FACTOR * SLACK * max(small, LEAST):
            slow.append((unit, small, large))
    assert slow == []
