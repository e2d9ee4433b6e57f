"""Channels of accounts from the command line: Gmail with an app password, Office 365 with a sign-in."""

import json
from collections.abc import Iterator

import pytest
from fakes.commandline import Cli
from peers.microsoft import SECRET, Microsoft
from peers.sink import Sink
from peers.sinkscript import Step

OFFICE = ("channel", "add", "Office", "--kind", "office365", "--from", "support@company.example")


@pytest.fixture
def peer(cli: Cli) -> Iterator[Microsoft]:
    """A token server and Graph, which the settings name."""
    with Microsoft() as running:
        section = running.settings(client_secret=SECRET)
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in section.items())
        cli.config.write_text(cli.config.read_text() + f"\n[office365]\n{lines}")
        yield running


def test_gmail_knows_its_server_and_wants_an_app_password(cli: Cli) -> None:
    """Host and port need not be said, the user is the From address; without a password it says where to make one."""
    words = ("channel", "add", "Gmail", "--kind", "gmail", "--from", "support@company.example")
    cli.refuses(*words, exits=2)
    assert "apppasswords" in cli.error
    made = json.loads(cli.run(*words, "--password-stdin", "--json", stdin="abcd efgh ijkl mnop\n"))
    assert (made["host"], made["port"], made["security"]) == ("smtp.gmail.com", 587, "starttls")
    assert (made["user"], made["sign_in"]) == ("support@company.example", "password")


def test_app_password_is_sent_without_its_blanks(cli: Cli) -> None:
    """Google shows it in groups of four; what is sent has none."""
    with Sink() as sink:
        cli.run(
            *("channel", "add", "Gmail", "--kind", "gmail", "--from", "support@company.example", "--password-stdin"),
            *("--host", "127.0.0.1", "--port", str(sink.port), "--security", "none"),
            stdin="abcd efgh ijkl mnop\n",
        )
        [found] = cli.json("channel", "test", "Gmail")
    assert found["ok"] is True
    assert [login.secret for login in sink.logins] == ["abcdefghijklmnop"]


def test_office_without_a_registration_is_refused(cli: Cli) -> None:
    """Nobody can sign in without an application of his own: the error names the setting and the page."""
    cli.refuses(*OFFICE, exits=78)
    assert "client_id" in cli.error
    assert cli.json("channel", "list")[1:] == []


def test_person_signs_in_to_an_office_channel(cli: Cli, peer: Microsoft) -> None:
    """Added, it wants a sign-in; the code is shown, and afterwards it sends: the tokens are shown nowhere."""
    cli.run(*OFFICE, "--via", "graph")
    assert cli.json("channel", "show", "Office")["state"] == "needs-sign-in"
    assert "needs a new sign-in" in cli.run("channel", "test", "Office", "--json", exits=1)
    peer.has_signed_in.set()
    shown = cli.run("channel", "sign-in", "Office")
    assert "ABCD-EFGH" in cli.error
    assert "Signed in as support@company.example" in shown
    shown += cli.run("channel", "test", "Office", "--send-to", "me@company.example")
    shown += cli.run("channel", "show", "Office", "--json") + cli.run("channel", "list")
    assert len(peer.sent) == 1
    assert "refresh-" not in shown
    assert "access-" not in shown


def test_application_needs_no_person(cli: Cli, peer: Microsoft) -> None:
    """With the registration's own secret the channel works at once, and Graph is told whose mailbox it is."""
    cli.run(*OFFICE, "--via", "graph", "--sign-in", "application")
    [found] = cli.json("channel", "test", "Office", "--send-to", "me@company.example")
    assert (found["ok"], found["reply"]) == (True, "202 accepted by Graph")
    assert peer.sent[0].path == "/users/support%40company.example/sendMail"


def test_test_mail_goes_to_nobody_on_the_block_list(cli: Cli) -> None:
    """The block list holds for a test mail too."""
    cli.run("block", "add", "never@company.example")
    with Sink() as sink:
        at = ("--host", "127.0.0.1", "--port", str(sink.port), "--security", "none", "--from", "s@company.example")
        cli.run("channel", "add", "Acme", *at)
        cli.refuses("channel", "test", "Acme", "--send-to", "never@company.example", exits=1)
        sink.script.once(Step.RCPT, "550 5.1.1 No such user")
        assert "550 5.1.1" in cli.run("channel", "test", "Acme", "--send-to", "other@company.example", exits=1)
        [found] = cli.json("channel", "test", "Acme", "--send-to", "other@company.example")
        assert found["reply"].startswith("250")
        assert [mail.recipients for mail in sink.mails] == [("other@company.example",)]


@pytest.mark.parametrize("words", [("--via", "graph"), ("--sign-in", "device")])
def test_what_only_office_knows_is_refused_elsewhere(cli: Cli, words: tuple[str, str]) -> None:
    """--via and --sign-in mean nothing to a server with a password."""
    cli.refuses("channel", "add", "Acme", "--host", "smtp.acme.example", "--from", "a@acme.example", *words, exits=2)


def test_sign_in_to_a_channel_with_a_password_is_refused(cli: Cli) -> None:
    """There is nothing to sign in to."""
    cli.run("channel", "add", "Acme", "--host", "smtp.acme.example", "--from", "a@acme.example")
    cli.refuses("channel", "sign-in", "Acme", exits=2)


def test_key_of_the_secrets_can_be_changed(both: Cli) -> None:
    """`config rotate-secret`: another key is in the file, and the channel still signs in with its password."""
    with Sink() as sink:
        at = ("--host", "127.0.0.1", "--port", str(sink.port), "--security", "none", "--from", "s@company.example")
        both.run("channel", "add", "Acme", *at, "--user", "s", "--password-stdin", stdin="hunter2\n")
        key_file = both.folder / "var" / "secret.key"
        before = key_file.read_text()
        assert both.json("config", "rotate-secret")["sealed"] == 1
        assert key_file.read_text().split()[1:] == before.split()
        assert both.json("config", "rotate-secret")["sealed"] == 1
        assert len(key_file.read_text().split()) == 2
        assert before not in key_file.read_text()
        assert both.json("channel", "test", "Acme")[0]["ok"] is True
        assert [login.secret for login in sink.logins] == ["hunter2"]
        key_file.write_text(before)
        both.refuses("channel", "test", "Acme", exits=78)
        assert "does not open" in both.error
