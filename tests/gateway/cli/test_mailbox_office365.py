"""A mailbox at Microsoft: one sign-in for both directions, against servers that take tokens of OAuth 2 alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fakes.commandline import Cli
from fakes.inboxes import mails
from peers.dovecot import XOAUTH2, Dovecot
from peers.dovecot_imap import DovecotImap
from peers.microsoft import DEVICE_GRANT, SECRET, Microsoft, Told
from peers.sink import Sink

from config.files import load
from gateway.mailbox.fetch import Fetcher
from gateway.mailbox.imap import Inbox
from gateway.mailbox.keys import account_of
from storage.mailboxes import AfterFetch, find_mailbox

INBOX = "support@company.example"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"


@dataclass
class Cloud:
    """What Microsoft runs: a token server, IMAP and submission."""

    tokens: Microsoft
    imap: DovecotImap
    submission: Dovecot

    @property
    def words(self) -> list[str]:
        """The command that connects the inbox here."""
        imap = ["--host", "127.0.0.1", "--port", str(self.imap.port), "--security", "none"]
        smtp = ["--smtp-host", "127.0.0.1", "--smtp-port", str(self.submission.port), "--smtp-security", "none"]
        return ["mailbox", "connect", "office365", INBOX, "--queue", "Support", *imap, *smtp]


@pytest.fixture(scope="module")
def servers() -> Iterator[Cloud]:
    """One with two mails in the inbox; its people have typed in the code already."""
    with (
        Sink() as relay,
        Microsoft() as tokens,
        DovecotImap(token_server=tokens.url) as imap,
        Dovecot(relay.port, XOAUTH2, tokens.url) as submission,
    ):
        tokens.has_signed_in.set()
        imap.deliver(INBOX, mails(2))
        yield Cloud(tokens, imap, submission)


@pytest.fixture
def cloud(servers: Cloud) -> Cloud:
    """As if nobody had asked for anything yet."""
    servers.tokens.forms.clear()
    servers.tokens.directory = "11111111-1111-1111-1111-111111111111"
    return servers


@pytest.fixture
def office(cli: Cli, cloud: Cloud) -> Cli:
    """An installation whose application is registered there."""
    register(cli, cloud.tokens.settings(client_secret=SECRET))
    cli.run("queue", "new", "Support")
    return cli


def register(cli: Cli, section: dict[str, str]) -> None:
    """Write the section [office365]."""
    lines = "".join(f'{name} = "{value}"\n' for name, value in section.items())
    cli.config.write_text(f"{cli.config.read_text()}\n[office365]\n{lines}")


def fetch(cli: Cli) -> int:
    """What the part that reads mailboxes does with the stored account; how many mails came."""
    settings = load(cli.config).settings
    with cli.database() as database:
        with database.reading() as session:
            mailbox = find_mailbox(session, INBOX)
        with Inbox(account_of(settings, database, mailbox)) as inbox:
            return Fetcher(settings, database, mailbox.number, inbox).fetch_new(AfterFetch.LEAVE, lambda: False)


def test_one_sign_in_is_good_for_both_directions(office: Cli, cloud: Cloud) -> None:
    """The person types in one code; IMAP and SMTP let us in with tokens, and there is no password anywhere."""
    made = office.json(*cloud.words, "--backlog", "all")
    assert "ABCD-EFGH" in office.error
    assert (made["kind"], made["answer_via"]) == ("office365", INBOX)
    assert cloud.tokens.asked(DEVICE_GRANT) == 1
    [asked] = [form for form in cloud.tokens.forms if "scope" in form and "grant_type" not in form]
    assert {"IMAP.AccessAsUser.All", "SMTP.Send"} <= {word.rpartition("/")[2] for word in asked["scope"].split()}
    [_, channel] = office.json("channel", "list")
    assert (channel["kind"], channel["from"], channel["has_password"]) == ("office365", INBOX, False)
    assert fetch(office) == 2
    assert office.json("mailbox", "test", INBOX)["mails"] == 2
    assert "ok" in office.run("channel", "test", INBOX)
    assert office.json("queue", "show", "Support")["reply_to"] == "inbox"


def test_application_signs_in_without_a_person(office: Cli, cloud: Cloud) -> None:
    """Client credentials: no code is shown, and both directions work."""
    office.run(*cloud.words, "--sign-in", "application", "--backlog", "all")
    assert office.error == ""
    assert cloud.tokens.asked(DEVICE_GRANT) == 0
    assert fetch(office) == 2


def test_token_that_was_taken_back_is_replaced_at_once(office: Cli, cloud: Cloud) -> None:
    """The server refuses one that still had time: a fresh one is tried over the same connection."""
    office.run(*cloud.words, "--backlog", "all")
    cloud.tokens.take_back()
    assert fetch(office) == 2


def test_sign_in_that_was_taken_back_is_told_and_made_good(office: Cli, cloud: Cloud) -> None:
    """`mailbox test` names the command, and after it the mailbox is read again."""
    office.run(*cloud.words, "--backlog", "all")
    cloud.tokens.take_back()
    cloud.tokens.revoke()
    assert "gateway mailbox sign-in" in office.run("mailbox", "test", INBOX, exits=1)
    assert "Signed in as support@company.example" in office.run("mailbox", "sign-in", INBOX)
    assert office.json("mailbox", "test", INBOX)["ok"]
    assert fetch(office) == 2


def test_direction_that_does_not_work_keeps_the_sign_in_only(office: Cli, cloud: Cloud) -> None:
    """Neither mailbox nor channel is stored; the next try needs no code."""
    office.run(*cloud.words, "--smtp-port", "1", exits=1)
    assert "--receive-only" in office.error
    assert "--via graph" in office.error
    assert (office.json("mailbox", "list"), len(office.json("channel", "list"))) == ([], 1)
    office.run(*cloud.words, "--receive-only")
    assert cloud.tokens.asked(DEVICE_GRANT) == 1


def test_personal_account_is_refused_before_anybody_is_asked(office: Cli, cloud: Cloud) -> None:
    """One line says why and what to do instead."""
    for address in ("me@outlook.com", "me@hotmail.co.uk", "me@live.fr"):
        words = [address if word == INBOX else word for word in cloud.words]
        assert "personal Microsoft account" in office.refuses(*words)
    assert cloud.tokens.forms == []


def test_person_who_signs_in_with_a_personal_account_is_refused(office: Cli, cloud: Cloud) -> None:
    """Whatever the address looks like, the directory tells; nothing of it is kept."""
    cloud.tokens.directory = PERSONAL
    office.run(*cloud.words, exits=1)
    assert "personal Microsoft account" in office.error
    assert office.json("mailbox", "list") == []
    cloud.tokens.directory = "11111111-1111-1111-1111-111111111111"
    office.run(*cloud.words)
    assert cloud.tokens.asked(DEVICE_GRANT) == 2


def test_application_that_lets_nobody_in_by_code_is_told_the_switch(office: Cli, cloud: Cloud) -> None:
    """What Microsoft calls AADSTS7000218 is a switch of the registration."""
    body = '{"error": "invalid_client", "error_description": "AADSTS7000218: must contain client_assertion"}'
    cloud.tokens.script("token", Told(401, body))
    office.run(*cloud.words, exits=1)
    assert "Allow public client flows" in office.error


def test_password_is_not_taken_for_an_account(office: Cli, cloud: Cloud) -> None:
    """Neither when it is connected nor later."""
    assert "no password" in office.refuses(*cloud.words, "--password-stdin", stdin="secret\n", exits=2)
    office.run(*cloud.words)
    assert "sign-in" in office.refuses("mailbox", "set", INBOX, "--password-stdin", stdin="secret\n", exits=2)


def test_without_a_registration_the_docs_are_named(cli: Cli, cloud: Cloud) -> None:
    """Where nobody can be asked."""
    cli.run("queue", "new", "Support")
    assert "docs/accounts.md" in cli.refuses(*cloud.words, exits=78)
