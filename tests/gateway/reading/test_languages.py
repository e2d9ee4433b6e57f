"""What clients and servers write in the languages of the world: a row of a table in samples/tables each."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.reading.mail import Kind, Mail
from gateway.reading.parse import read_mail
from gateway.reading.quotation import reply_text

TABLES = Path(__file__).parents[2] / "samples" / "tables"
NEW = "It works now, thank you."
QUOTED = "> Did you try to turn it off and on again?\n>\n> Your desk"
OLD = "Did you try to turn it off and on again?\n\nYour desk"
BODY = "Hello,\nit is broken.\n\nAnn"


def rows(name: str) -> list[str]:
    """The lines of a table, without those that explain it."""
    lines = (TABLES / f"{name}.txt").read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def columns(name: str) -> list[list[str]]:
    """The cells of each row."""
    return [[cell.strip() for cell in row.split("|")] for row in rows(name)]


def mail(author: str, subject: str, text: str, fields: str = "") -> Mail:
    header = f"From: {author}\nTo: desk@company.example\nSubject: {subject}\n{fields}"
    return read_mail(f"{header}Content-Type: text/plain; charset=utf-8\n\n{text}".replace("\n", "\r\n").encode())


@pytest.mark.parametrize("attribution", rows("attributions"))
def test_quotation_is_cut_when_a_line_says_who_wrote(attribution: str) -> None:
    """With a blank line between, and without one."""
    assert reply_text(f"{NEW}\n\n{attribution}\n\n{QUOTED}", None) == NEW
    assert reply_text(f"{NEW}\n\n{attribution}\n{QUOTED}", None) == NEW


@pytest.mark.parametrize("attribution", [row for row in rows("attributions") if "@" in row and "23" in row])
def test_quotation_is_cut_when_it_is_not_marked_in_this_language(attribution: str) -> None:
    """Author and time in one line are enough."""
    assert reply_text(f"{NEW}\n\n{attribution}\n\n{OLD}", None) == NEW


@pytest.mark.parametrize("row", columns("header-lines"), ids=lambda row: row[0])
def test_quotation_is_cut_when_header_lines_stand_above_it(row: list[str]) -> None:
    """With and without addresses, a rule, a copy, and stars around the labels."""
    _, author, date, to, cc, subject, time = row
    head = f"{author}: Desk <desk@company.example>\n{date}: {time}\n{to}: Ann <ann@customer.example>\n"
    copy, about = f"{cc}: Bob <bob@x.example>\n", f"{subject}: Printer\n\n"
    bare = f"{author}: Desk\n{date}: {time}\n{to}: Ann\n"
    starred = f"*{author}:* Desk <desk@company.example>\n*{date}:* {time}\n*{to}:* Ann <ann@customer.example>\n"
    answers = [
        f"{NEW}\n\n{head}{copy}{about}{OLD}",
        f"{NEW}\n\n{head}{about}{OLD}",
        f"{NEW}\n\n{bare}{copy}{about}{OLD}",
        f"{NEW}\n\n{'_' * 32}\n{head}{copy}{about}{OLD}",
        f"{NEW}\n\n{starred}*{subject}:* Printer\n\n{OLD}",
    ]
    assert [reply_text(answer, None) for answer in answers] == [NEW] * 5


@pytest.mark.parametrize("line", rows("devices"))
def test_line_of_a_device_is_cut_in_this_language_when_it_stands_below(line: str) -> None:
    """Above a quotation and at the end of the mail."""
    assert reply_text(f"{NEW}\n\n{line}\n", None) == NEW
    assert reply_text(f"{NEW}\n\n{line}\n\nOn 5 Mar 2024, at 10:23, Desk <d@c.example> wrote:\n\n{QUOTED}", None) == NEW


FORMS = {
    "thunderbird": ("Fwd:", "-------- {0} --------\n{1}\n{2}\n{3}\n{4}\n{5}\n\n\n"),
    "unprefixed": ("", "-------- {0} --------\n{1}\n{2}\n{3}\n{4}\n{5}\n\n\n"),
    "yahoo": ("Fw:", "----- {0} -----\n{3}\n{4}\n{5}\n{2}\n{1}\n\n"),
    "gmail": ("Fwd:", "---------- {0} ---------\n{3}\n{2}\n{1}\n{4}\n{5}\n\n\n"),
    "outlook": (None, "{3}\n{2}\n{4}\n{5}\n{1}\n\n"),
    "outlook-web": (None, "________________________________\n{3}\n{2}\n{4}\n{5}\n{1}\n\n"),
    "apple": ("Fwd:", "{0}:\n\n{3}\n{1}\n{2}\n{4}\n{5}\n\n"),
}


@pytest.mark.parametrize("row", columns("forwards"), ids=lambda row: row[0])
@pytest.mark.parametrize("form", FORMS)
def test_forward_is_read_in_this_language_when_a_client_wrote_it(form: str, row: list[str]) -> None:
    """Author, recipients, subject, date, text and the note above, in the order of each client."""
    _, separator, subject, date, author, to, cc, time, own_prefix = row
    prefix, layout = FORMS[form]
    blank = " " if row[0] == "fr" else ""
    values = ("Printer broken", time, "Ann Lee <ann@customer.example>", "help@company.example", "Bob <bob@x.example>")
    labels = (subject, date, author, to, cc)
    fields = [f"{label}{blank}: {value}" for label, value in zip(labels, values, strict=True)]
    text = "please look\n\n" + layout.format(separator, *fields) + BODY
    found = mail("me@x.example", f"{own_prefix if prefix is None else prefix} Printer broken", text).forwarded
    assert found is not None
    assert (found.author.name, found.author.email) == ("Ann Lee", "ann@customer.example")
    assert [one.email for one in (*found.to, *found.cc)] == ["help@company.example", "bob@x.example"]
    assert (found.subject, found.body, found.note) == ("Printer broken", BODY, "please look")
    assert found.date is not None
    assert found.date.strftime("%Y-%m-%d %H:%M") == "2024-03-05 10:23"


UNKNOWN = "Xa: Ann Lee <ann@customer.example>\nYbe: 5 zz 2024 10:23\nZo: help@company.example <help@company.example>\n"


def test_header_lines_are_read_when_their_language_is_unknown() -> None:
    """Two people, a time and something else: a mail follows, whatever the labels say."""
    block = f"{UNKNOWN}Uw: Bob <bob@x.example>\nVi: Printer broken\n\n{BODY}"
    assert reply_text(f"{NEW}\n\n{block}", None) == NEW
    for text in (f"please look\n\n{block}", f"please look\n\n----- Qqq -----\n{block}"):
        found = mail("me@x.example", "Fwd: Printer broken", text).forwarded
        assert found is not None
        assert (found.author.email, found.subject, found.body) == ("ann@customer.example", "Printer broken", BODY)
        assert [one.email for one in (*found.to, *found.cc)] == ["help@company.example", "bob@x.example"]


def test_label_is_passed_when_it_is_unknown_among_known_ones() -> None:
    """What it says is the time, or nothing to us."""
    head = "From: Ann Lee <ann@customer.example>\nQqq: 5 zz 2024 10:23\nTo: help@company.example\nZz: 7\nSubject: x\n\n"
    assert reply_text(f"{NEW}\n\n{head}{OLD}", None) == NEW
    assert reply_text(f"{NEW}\n\n{head.replace('Qqq', '')}{OLD}", None) != ""


@pytest.mark.parametrize(
    "text",
    [
        "Name: Ann <ann@x.example>\nDay: 5.3.2024 10:23\nService: Haircut\nRoom: 7",
        "Ann: <ann@x.example>\nBob: <bob@x.example>",
        "a@b.example: no\n1: Ann <ann@x.example>",
    ],
)
def test_lines_are_no_header_when_they_do_not_name_two_people_and_a_time(text: str) -> None:
    """A form that somebody has filled in is what he wrote."""
    assert reply_text(text, None) == text


@pytest.mark.parametrize("subject", rows("absences"))
def test_automatic_answer_is_known_by_its_subject_when_nothing_else_tells(subject: str) -> None:
    """Exchange writes such subjects in its own language."""
    assert mail("ann@customer.example", subject, "Thank you.").kind is Kind.OUT_OF_OFFICE


@pytest.mark.parametrize("text", rows("away"))
def test_absence_is_known_by_its_words_when_a_header_calls_the_answer_automatic(text: str) -> None:
    """The same words of a person are a person's."""
    automatic = mail("ann@customer.example", "Re: Printer", text, "Auto-Submitted: auto-replied\n")
    assert automatic.kind is Kind.OUT_OF_OFFICE
    assert mail("ann@customer.example", "Re: Printer", text).kind is Kind.HUMAN


@pytest.mark.parametrize("row", columns("codes"), ids=lambda row: row[1])
def test_sign_up_code_is_known_when_a_robot_sends_it(row: list[str]) -> None:
    """A person who writes the same is asking about it."""
    author, subject, text = row
    assert mail(author, subject, text).kind is Kind.VERIFICATION
    assert mail("Ann <ann@customer.example>", subject, text).kind is Kind.HUMAN


@pytest.mark.parametrize("row", columns("undeliverable"), ids=lambda row: row[0])
def test_report_in_prose_is_known_when_exchange_writes_it_in_this_language(row: list[str]) -> None:
    """With the words of the other server and without them."""
    _, subject, text = row
    robot = "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@customer.example"
    for author, more, status in ((robot, "", ""), ("postmaster@customer.example", "550 5.1.10 No such user", "5.1.10")):
        report = mail(author, subject, f"{text}\n\n{more}\n", "Return-Path: <>\n").report
        assert report is not None
        [recipient] = report.recipients
        assert (recipient.address, recipient.action, recipient.status) == ("ann@customer.example", "failed", status)
