"""How clients mark what they quote or forward, and how people answer: a row of a table in samples/tables each."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.reading.parse import read_mail
from gateway.reading.quotation import reply_text

TABLES = Path(__file__).parents[2] / "samples" / "tables"
NEW = "It works now, thank you."


def rows(name: str) -> list[list[str]]:
    """The cells of each row, with their line ends."""
    lines = (TABLES / f"{name}.txt").read_text("utf-8").split("\n")
    shown = [line for line in lines if line and not line.startswith("#")]
    return [
        [cell.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\") for cell in line.split("\t")]
        for line in shown
    ]


@pytest.mark.parametrize(("client", "html"), rows("answers-html"), ids=lambda cell: cell[:20])
def test_new_text_is_found_when_the_mail_is_html_alone(client: str, html: str) -> None:
    """The forms of mail programs and webmailers, each with its own marks."""
    mail = read_mail(f"Subject: Re: Printer\nContent-Type: text/html; charset=utf-8\n\n{html}".encode())
    assert mail.reply_text == NEW, client


@pytest.mark.parametrize(("habit", "text", "new"), rows("answers-text"), ids=lambda cell: cell[:20])
def test_new_text_is_found_when_people_answer_in_their_own_way(habit: str, text: str, new: str) -> None:
    """Above, below and between, with postscripts, folded lines and marks of all kinds."""
    assert reply_text(text, None) == new, habit


@pytest.mark.parametrize("words", [row[0] for row in rows("separators")])
def test_all_below_is_old_when_a_separator_says_so_in_this_language(words: str) -> None:
    """Alone, and above header lines."""
    header = "From: Desk <desk@company.example>\nDate: 5/3/24 10:23\nTo: Ann\nSubject: Printer\n\nDid you?"
    assert reply_text(f"{NEW}\n\n-----{words}-----\nWed x, 2024 10:23\nDid you try?", None) == NEW
    assert reply_text(f"{NEW}\n\n-------- {words} --------\n{header}", None) == NEW


@pytest.mark.parametrize(("client", "subject", "text", "note"), rows("forwards-of-clients"), ids=lambda cell: cell[:20])
def test_forward_is_read_when_this_client_wrote_it(client: str, subject: str, text: str, note: str) -> None:
    """The same mail of the same customer, whatever stands around it."""
    header = f"Subject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n"
    found = read_mail(f"{header}{text}".encode()).forwarded
    assert found is not None, client
    assert (found.author.name, found.author.email) == ("Ann Müller", "ann@customer.example")
    assert [one.email for one in found.to] == ["help@company.example"]
    assert (found.subject, found.note) == ("Printer broken", note)
    assert [line for line in found.body.splitlines() if line] == ["Hello,", "it is broken.", "Ann"]
    assert found.date is not None
    assert found.date.date().isoformat() == "2024-03-05"
