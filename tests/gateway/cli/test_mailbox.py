"""Mailboxes from the command line, against a real IMAP server and a real submission server."""

from collections.abc import Iterator
from secrets import token_hex

import pytest
from fakes.commandline import Cli
from fakes.inboxes import mails
from peers.dovecot_imap import DovecotImap
from peers.sink import Sink
from peers.sinksession import Offer


@pytest.fixture(scope="module")
def server() -> Iterator[DovecotImap]:
    """The inbox's server."""
    with DovecotImap() as running:
        yield running


@pytest.fixture
def user(server: DovecotImap) -> str:
    """An inbox with two mails."""
    name = f"support-{token_hex(4)}@company.example"
    server.deliver(name, mails(2))
    return name


def words(server: DovecotImap, user: str, *more: str) -> list[str]:
    """The command that connects this inbox."""
    here = ["--host", "127.0.0.1", "--port", str(server.port), "--security", "none"]
    return ["mailbox", "connect", "imap", user, "--queue", "Support", *here, *more]


def test_mailbox_is_connected_shown_changed_and_removed(both: Cli, server: DovecotImap, user: str) -> None:
    """The life of a mailbox; its password is in none of it."""
    both.run("queue", "new", "Support")
    made = both.json(*words(server, user, "--receive-only", "--backlog", "all"), stdin="secret\n")
    assert (made["address"], made["queue"], made["state"], made["since"]) == (user, "Support", "connected", None)
    assert (made["after"], made["answer_via"]) == ("leave", "default")
    assert both.json("mailbox", "test", user)["mails"] == 2
    both.run("mailbox", "set", user, "--after", "move", "--move-to", "Done")
    both.run("mailbox", "disable", user)
    [listed] = both.json("mailbox", "list")
    assert (listed["after"], listed["move_to"], listed["state"]) == ("move", "Done", "disabled")
    assert both.json("mailbox", "enable", str(listed["id"]))["state"] == "connected"
    assert "secret" not in both.run("mailbox", "show", user)
    both.run("mailbox", "remove", user)
    assert both.json("mailbox", "list") == []


def test_connecting_sets_up_both_directions(cli: Cli, server: DovecotImap, user: str) -> None:
    """The queue answers through the account, and its customers answer to the inbox."""
    cli.run("queue", "new", "Support")
    with Sink(Offer(auth=("PLAIN",))) as submission:
        cli.run(
            *words(server, user, "--smtp-host", "127.0.0.1", "--smtp-port", str(submission.port)),
            *("--smtp-security", "none"),
            stdin="secret\n",
        )
        assert [login.user for login in submission.logins] == [user]
    queue = cli.json("queue", "show", "Support")
    assert (queue["answer_via"], queue["reply_to"]) == (user, "inbox")
    [_, channel] = cli.json("channel", "list")
    assert (channel["from"], channel["user"], channel["has_password"]) == (user, user, True)


@pytest.mark.parametrize(
    ("more", "stdin", "told"),
    [
        (["--receive-only"], "wrong\n", "user or password"),
        (["--smtp-host", "127.0.0.1", "--smtp-port", "1", "--smtp-security", "none"], "secret\n", "--smtp-host"),
        (["--receive-only", "--folder", "Nowhere"], "secret\n", "--folder"),
    ],
)
def test_direction_that_does_not_work_stores_nothing(
    cli: Cli, server: DovecotImap, user: str, more: list[str], stdin: str, told: str
) -> None:
    """One line says which and what to do."""
    cli.run("queue", "new", "Support")
    assert told in cli.refuses(*words(server, user, *more), stdin=stdin)
    assert cli.json("mailbox", "list") == []
    assert len(cli.json("channel", "list")) == 1


@pytest.mark.parametrize(
    ("more", "exits"),
    [
        (["--backlog", "yesterday"], 2),
        (["--after", "burn"], 2),
        (["--after", "move"], 2),
        (["--after", "move", "--move-to", "inbox"], 2),
        (["--security", "ssl"], 2),
        (["--host", "imap.company.example"], 1),
    ],
)
def test_connection_that_makes_no_sense_is_refused_before_anybody_is_asked(
    cli: Cli, server: DovecotImap, user: str, more: list[str], exits: int
) -> None:
    """A wrong word, a folder that would be read for ever, a password in clear."""
    cli.run("queue", "new", "Support")
    cli.refuses(*words(server, user, "--receive-only", *more), stdin="secret\n", exits=exits)


def test_one_address_is_one_thing_only(cli: Cli, server: DovecotImap, user: str) -> None:
    """A mailbox, a source inbox and an agent refuse each other's addresses and say which."""
    cli.run("queue", "new", "Support", "--source", user)
    assert "source inbox" in cli.refuses(*words(server, user, "--receive-only"), stdin="secret\n")
    cli.run("queue", "set", "Support", "--source", f"-{user}")
    cli.run(*words(server, user, "--receive-only"), stdin="secret\n")
    assert "connected mailbox" in cli.refuses("queue", "set", "Support", "--source", user)
    assert "connected mailbox" in cli.refuses("agent", "add", user)
    assert "already" in cli.refuses(*words(server, user, "--receive-only"), stdin="secret\n")
    cli.run("agent", "add", "ann@company.example")
    assert "agent" in cli.refuses(*words(server, "ann@company.example", "--receive-only"), stdin="secret\n")


def test_mailbox_that_lets_nobody_in_fails_its_test(cli: Cli, server: DovecotImap, user: str) -> None:
    """Exit status 1, and what the server said."""
    cli.run("queue", "new", "Support")
    cli.run(*words(server, user, "--receive-only"), stdin="secret\n")
    cli.run("mailbox", "set", user, "--password-stdin", stdin="wrong\n")
    assert "user or password" in cli.run("mailbox", "test", user, exits=1)


def test_mailbox_that_does_not_exist_is_told_those_that_do(cli: Cli) -> None:
    """By address or by number."""
    assert "gateway mailbox connect" in cli.refuses("mailbox", "show", "x@y.example")
    assert "no mailbox" in cli.refuses("mailbox", "show", "99999999999999999999")
