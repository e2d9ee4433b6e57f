"""Mailboxes from the command line, against a real IMAP server and a real submission server."""

from collections.abc import Iterator
from secrets import token_hex

import pytest
from fakes.commandline import Cli
from fakes.inboxes import mails
from peers.dovecot_imap import DovecotImap
from peers.sink import Sink
from peers.sinksession import Offer

from storage.mailboxes import MailboxState, find_mailbox, set_state


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


def test_failing_mailbox_is_seen_everywhere(both: Cli, server: DovecotImap, user: str) -> None:
    """In `status`, in `queue list` and in `doctor`; red in a terminal only."""
    both.run("queue", "new", "Support")
    both.run(*words(server, user, "--receive-only"), stdin="secret\n")
    with both.database() as database, database.writing() as session:
        set_state(session, find_mailbox(session, user), MailboxState.FAILING, "it refuses us")
    assert f"mailbox {user}" in both.run("status")
    assert [one["state"] for one in both.json("status")["mailboxes"]] == ["failing"]
    [queue] = both.json("queue", "list")
    assert queue["troubles"] == [f"mailbox {user} fails"]
    assert "\x1b" not in both.run("queue", "list")
    assert "it refuses us" in both.run("doctor", exits=1)


def note_progress(cli: Cli, user: str, values: dict[str, int]) -> None:
    """What the part that reads mailboxes has stored."""
    with cli.database() as database, database.writing() as session:
        mailbox = find_mailbox(session, user)
        for name, value in values.items():
            setattr(mailbox, name, value)


def test_backlog_is_watched_to_its_end(cli: Cli, server: DovecotImap, user: str) -> None:
    """Lines where nobody looks at a terminal; a mailbox that fails or takes too long ends it with 1."""
    cli.run("queue", "new", "Support")
    cli.run(*words(server, user, "--receive-only", "--backlog", "all"), stdin="secret\n")
    cli.run("mailbox", "watch", user, "--seconds", "1", exits=1)
    assert "gateway serve" in cli.error
    begun = {"uid_validity": 7, "backlog_uid": 10, "last_uid": 4, "done_uid": 4, "fetched": 4, "waiting": 6}
    note_progress(cli, user, begun)
    end = {"last_uid": 10, "done_uid": 10, "fetched": 10, "waiting": 0}
    looks = iter([{"last_uid": 8, "fetched": 8, "waiting": 2}, end])
    cli.monkeypatch.setattr("gateway.cli.mailbox_watch.time.sleep", lambda _: note_progress(cli, user, next(looks)))
    assert "6 mails came meanwhile" in cli.run("mailbox", "watch", user)
    assert cli.error.splitlines()[-1] == f"fetching {user}: 6 of 6"
    assert cli.json("mailbox", "watch", user)["done"]
    note_progress(cli, user, {"last_uid": 9})
    with cli.database() as database, database.writing() as session:
        set_state(session, find_mailbox(session, user), MailboxState.FAILING, "it refuses us")
    assert "it refuses us" in cli.refuses("mailbox", "watch", user)
