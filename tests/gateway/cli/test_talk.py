"""What a first-time user is asked in a terminal, with the mistakes that people make."""

from pathlib import Path

from fakes.commandline import Cli
from fakes.typist import Typist
from peers.microsoft import Microsoft, Told

from config.clock import now
from config.files import load
from storage.confirmations import Confirmation, add_confirmation
from storage.ids import new_id
from storage.queues import find_queue

INBOX = "help@acme.example"
LINK = "https://mail-settings.google.com/mail/vf-abc"


def test_first_time_user_is_asked_and_told_what_comes_next(blank: Cli) -> None:
    """A wrong answer is asked again at once; one answer suggests the next; at the end there are commands to copy."""
    with Typist(blank.folder, "init") as person:
        person.answers("Name of the company", "Acme")
        person.answers("Support inbox", "help@")
        person.answers("no mail address", INBOX)
        person.answers("forward", "pigeon")
        person.answers("[forward]:", "forward")
        person.answers("[in.acme.example]:", "in acme")
        person.answers("[in.acme.example]:", "")
        person.answers("[mx.in.acme.example]:", "")
        person.answers("[Support]:", "")
        person.answers("Mail address of the first agent", "ann@acme.example")
        person.answers("name:", "Ann")
        person.answers("Listen on", "127.0.0.1:2525")
        person.answers("Time zone", "Lisbon")
        person.answers("is no time zone", "Europe/Lisbon")
        assert person.ends() == 0
    assert "gateway queue setup Support --wait" in person.said
    settings = load(blank.config).settings
    assert (settings.domain, settings.company.name, settings.time_zone) == ("in.acme.example", "Acme", "Europe/Lisbon")
    assert blank.json("queue", "show", "Support")["sources"] == [INBOX]
    assert [agent["name"] for agent in blank.json("agent", "list")] == ["Ann"]


def test_user_who_gives_up_has_made_nothing(blank: Cli) -> None:
    """Ctrl-C at a question ends with 130, as the first line has promised."""
    with Typist(blank.folder, "init") as person:
        person.answers("Name of the company", "Acme")
        person.sees("Support inbox")
        person.types("\x03")
        assert person.ends() == 130
    assert list(blank.folder.iterdir()) == []


def test_registration_is_explained_and_kept_among_comments(cli: Cli) -> None:
    """The steps are shown, a mistyped number is asked again, and both stand in the file, whose other lines stay."""
    cli.run("queue", "new", "Support")
    with Microsoft() as tokens:
        tokens.script("devicecode", Told(400, '{"error": "x", "error_description": "AADSTS700016: not found"}'))
        before = f'{cli.config.read_text()}\n[office365]  # ours\nauthority = "{tokens.url}"\n'
        cli.config.write_text(before)
        with Typist(cli.folder, "mailbox", "connect", "office365", INBOX, "--queue", "Support") as person:
            person.sees("App registrations > New registration")
            person.answers("Application (client) ID:", "my application")
            person.answers("(client) ID:", "11111111-2222-3333-4444-555555555555")
            person.answers("Directory (tenant) ID:", "acme.example")
            assert person.ends() == 1
    assert "knows no such application" in person.said
    settings = load(cli.config).settings.office365
    assert (settings.client_id, settings.tenant) == ("11111111-2222-3333-4444-555555555555", "acme.example")
    assert set(before.splitlines()) <= set(cli.config.read_text().splitlines())


def test_one_key_opens_the_link_that_the_provider_has_signed(cli: Cli, tmp_path: Path) -> None:
    """In the waiting set-up; from then on the inbox that asked is on the block list."""
    cli.run("queue", "setup", "Support", "--provider", "gmail")
    ask(cli, trusted=True)
    opened = tmp_path / "opened"
    with Typist(cli.folder, *WAITING, BROWSER=browser(tmp_path, opened)) as person:
        person.answers("(empty: later)", "")
        person.sees("q ends")
        person.types("o")
        person.sees(f"Opened {LINK}")
        person.types("q")
        assert person.ends() == 0
    assert opened.read_text().strip() == LINK
    assert cli.json("queue", "show", "Support")["sources"] == [INBOX]


def test_link_that_the_provider_has_not_signed_stays_closed(cli: Cli, tmp_path: Path) -> None:
    """Anybody can write such a mail."""
    cli.run("queue", "setup", "Support", "--provider", "gmail")
    ask(cli, trusted=False)
    opened = tmp_path / "opened"
    with Typist(cli.folder, *WAITING, BROWSER=browser(tmp_path, opened)) as person:
        person.answers("(empty: later)", "")
        person.sees("q ends")
        person.types("o")
        person.sees("There is no link that may be opened")
        person.types("q")
        assert person.ends() == 0
    assert not opened.exists()


WAITING = ("queue", "setup", "Support", "--wait", "--provider", "gmail")


def ask(cli: Cli, *, trusted: bool) -> None:
    """A provider's question has come."""
    with cli.database() as database, database.writing() as session:
        asked = Confirmation(queue_id=find_queue(session, "Support").number, spool_id=new_id(), address="a@b.example")
        asked.provider, asked.code, asked.link, asked.inbox = "Gmail", "123456789", LINK, INBOX
        asked.trusted, asked.received_at = trusted, now()
        add_confirmation(session, asked)


def browser(folder: Path, opened: Path) -> str:
    """A browser that notes what it is to open."""
    program = folder / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    program.chmod(0o700)
    return str(program)
