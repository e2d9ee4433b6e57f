"""Queues, addresses, agents, contacts, channels and the block list, from the command line, on both databases."""

import json

import pytest
from fakes.commandline import Cli
from fakes.house import mail

from storage.suppression import suppress


def test_new_queue_has_a_creation_address_at_once(both: Cli) -> None:
    """`queue new` makes both, and its JSON has the address."""
    made = both.json("queue", "new", "Support", "--source", "Support@Company.example", "--fresh-mail", "join_open")
    assert made["address"].startswith("support.")
    assert made["address"].endswith("@in.desk.example")
    assert made["addresses"] == [made["address"]]
    assert (made["sources"], made["fresh_mail"]) == (["support@company.example"], "join_open")


def test_policies_are_changed_and_what_is_not_named_stays(both: Cli) -> None:
    """`queue set` changes what is given, `queue show` shows it."""
    both.run("queue", "new", "Support", "--display-name", "Acme", "--reopen-days", "3", "--late-answers", "refuse")
    both.run("agent", "add", "ann@company.example", "--name", "Ann")
    both.run("queue", "set", "support", "--acknowledge", "never", "--member", "ann@company.example", "--subject-tag")
    shown = both.json("queue", "show", "SUPPORT")
    assert (shown["display_name"], shown["reopen_days"], shown["late_answers"]) == ("Acme", 3, "refuse")
    assert (shown["acknowledge"], shown["members"], shown["subject_tag"]) == ("never", ["ann@company.example"], True)
    both.run(
        "queue", "set", "support", "--acknowledge", "default", "--member", "-ann@company.example", "--name", "Desk"
    )
    shown = both.json("queue", "show", "desk")
    assert (shown["acknowledge"], shown["members"], shown["name"]) == (None, [], "Desk")


@pytest.mark.parametrize(
    "words",
    [
        ["--fresh-mail", "old"],
        ["--acknowledge", "sometimes"],
        ["--late-answers", "perhaps"],
        ["--reply-to", "me"],
        ["--forwards", "nobody"],
        ["--from", "no address"],
        ["--language", "tlh"],
        ["--source", "nobody"],
        ["--from-name", "boss"],
        ["--color", "url(x)"],
        ["--template", "glossy"],
    ],
)
def test_policy_that_makes_no_sense_changes_nothing(cli: Cli, words: list[str]) -> None:
    """A wrong word ends with 2 and names the option or the word, and there is no queue afterwards."""
    assert words[1] in cli.refuses("queue", "new", "Support", *words, exits=2)
    assert cli.json("queue", "list") == []


def test_queue_that_is_there_is_not_made_again(both: Cli) -> None:
    """Names compare without case; the second one is refused and names the verb that changes it."""
    both.run("queue", "new", "Support")
    assert "gateway queue set" in both.refuses("queue", "new", "SUPPORT")


def test_archived_queue_leaves_the_list_and_keeps_its_address(both: Cli) -> None:
    """`queue archive` hides it; `--all` shows it."""
    address = both.json("queue", "new", "Old")["address"]
    both.run("queue", "archive", "old")
    assert both.json("queue", "list") == []
    assert [queue["archived"] for queue in both.json("queue", "list", "--all")] == [True]
    assert [a["address"] for a in both.json("address", "list")] == [address]


def test_address_is_made_changed_listed_and_retired(both: Cli) -> None:
    """The life of a creation address; a plain one is made with a warning."""
    both.run("queue", "new", "Support")
    made = both.json("address", "new", "Support", "--label", "Shop", "--source", "shop@company.example")
    both.run("address", "new", "support", "--local-part", "help")
    assert "guessed" in both.error
    both.run("address", "set", made["address"], "--label", "Store")
    assert both.json("address", "retire", made["address"].upper())["state"] == "retired"
    listed = both.json("address", "list", "--queue", "support")
    assert [(a["label"], a["state"]) for a in listed] == [("", "active"), ("Store", "retired"), ("", "active")]


def test_agent_is_added_changed_and_removed(both: Cli) -> None:
    """The life of an agent."""
    both.run("queue", "new", "Support")
    both.run("agent", "add", "Ann@Company.example", "--name", "Ann", "--queue", "support", "--role", "admin")
    both.run("agent", "edit", "ann@company.example", "--signature", "Ann, Support")
    assert both.json("agent", "list") == [
        {
            "id": 1,
            "email": "ann@company.example",
            "name": "Ann",
            "role": "admin",
            "queues": ["Support"],
            "signature": "Ann, Support",
            "notify": [],
            "notice_pace": "immediate",
        }
    ]
    both.run("agent", "remove", "ann@company.example")
    assert both.json("agent", "list") == []


def test_agent_with_the_address_of_an_inbox_or_a_channel_is_refused(cli: Cli) -> None:
    """Nobody answers from an address whose mail comes to us, or which customers see."""
    cli.run("queue", "new", "Support", "--source", "support@company.example")
    cli.run("channel", "add", "Acme", "--host", "smtp.acme.example", "--from", "hello@acme.example")
    assert "source inbox" in cli.refuses("agent", "add", "support@company.example")
    assert "Acme" in cli.refuses("agent", "add", "Hello@acme.example")


def test_contact_is_added_found_changed_and_blocked(both: Cli) -> None:
    """The life of a contact."""
    made = both.json("contact", "add", "--name", "Maria Silva", "--email", "Maria@Client.example")
    assert (made["emails"], made["known"]) == (["maria@client.example"], True)
    both.run("contact", "edit", "maria@client.example", "--email", "ms@client.example", "--phone", "1")
    both.run("contact", "edit", str(made["id"]), "--remove-email", "maria@client.example", "--unknown")
    both.run("contact", "block", "ms@client.example")
    [found] = both.json("contact", "list", "silva")
    assert (found["emails"], found["phone"], found["known"], found["blocked"]) == (
        ["ms@client.example"],
        "1",
        False,
        True,
    )
    both.run("contact", "block", "ms@client.example", "--undo")
    assert both.json("contact", "show", "ms@client.example")["blocked"] is False


def test_block_list_has_patterns_and_our_own_addresses(both: Cli) -> None:
    """What people added can be taken off; what is ours cannot."""
    address = both.json("queue", "new", "Support")["address"]
    both.run("block", "add", "@Shop.example")
    assert [line["pattern"] for line in both.json("block", "list")] == ["@shop.example", address]
    both.run("block", "remove", "@shop.example")
    both.refuses("block", "remove", address)
    assert "no address" not in both.refuses("block", "add", "nonsense", exits=2)


def test_allow_list_takes_patterns_and_says_what_goes_on(cli: Cli) -> None:
    """Added, listed and removed; mail of the author that a storm held goes on with the first word."""
    for number in range(4):
        cli.house.receive(mail(f"text {number}", subject="Alarm", author="alarm@monitor.example"))
    assert "1 held mails go on" in cli.run("allow", "add", "@Monitor.example")
    assert [line["pattern"] for line in cli.json("allow", "list")] == ["@monitor.example"]
    assert [line["fate"] for line in cli.json("mail", "list")] == ["received", "filed", "filed", "filed"]
    cli.run("allow", "remove", "@monitor.example")
    cli.refuses("allow", "remove", "@monitor.example")


def test_channel_keeps_its_password_sealed_and_never_shows_it(both: Cli) -> None:
    """The password comes from standard input; neither list nor show nor the database has it."""
    words = ["channel", "add", "Acme", "--host", "smtp.acme.example", "--from", "s@acme.example", "--user", "s"]
    made = json.loads(both.run(*words, "--password-stdin", "--json", stdin="s3cret\n"))
    assert (made["kind"], made["port"], made["security"], made["has_password"]) == ("smtp", 587, "starttls", True)
    everything = (
        both.run("channel", "list", "--json") + both.run("channel", "show", "acme") + both.run("config", "show")
    )
    assert "s3cret" not in everything
    both.run("channel", "edit", "acme", "--port", "465", "--security", "tls")
    assert both.json("channel", "show", "Acme")["port"] == 465
    both.run("channel", "remove", "acme")
    assert [channel["name"] for channel in both.json("channel", "list")] == ["default"]


@pytest.mark.parametrize(
    "words",
    [
        ["--kind", "pigeon"],
        [],
        ["--host", "h.example"],
        ["--host", "h.example", "--from", "a@b.example", "--security", "x"],
    ],
)
def test_channel_that_cannot_work_is_refused(cli: Cli, words: list[str]) -> None:
    """Kind, server, From and security are looked at before it is stored."""
    cli.refuses("channel", "add", "Acme", *words, exits=2)
    assert len(cli.json("channel", "list")) == 1


def test_password_in_clear_is_refused_but_on_loopback(cli: Cli) -> None:
    """No TLS and a password go together on this machine only."""
    words = ["channel", "add", "A", "--from", "a@b.example", "--security", "none", "--user", "u", "--password-stdin"]
    assert "clear" in cli.refuses(*words, "--host", "smtp.acme.example", stdin="x\n")
    cli.run(*words, "--host", "127.0.0.1", stdin="x\n")


def test_channel_of_a_folder_can_be_tried(cli: Cli) -> None:
    """`channel test` says whether mail could leave, and a server that is not there ends with 1."""
    cli.run("channel", "add", "Files", "--kind", "folder")
    assert cli.json("channel", "test", "files")[0]["ok"] is True
    cli.run(
        "channel", "add", "Gone", "--host", "127.0.0.1", "--port", "1", "--security", "none", "--from", "a@b.example"
    )
    assert cli.run("channel", "test", "gone", exits=1).startswith("fail")


def test_settings_are_shown_without_secrets(cli: Cli) -> None:
    """`config show` has every default, and asterisks for a password."""
    servers = '[{ host = "h", user = "u", password = "s3cret" }]'
    cli.config.write_text(cli.config.read_text().replace("undo_seconds = 60", f"servers = {servers}"))
    said = cli.run("config", "show")
    assert 'outbound.servers[0].host = "h"' in said
    assert "s3cret" not in said + cli.run("config", "show", "--json")


def test_init_makes_everything_and_overwrites_nothing(blank: Cli) -> None:
    """Without a terminal, options are enough; the second time all is there, and other settings are refused."""
    words = ["init", "--domain", "in.acme.example", "--agent", "ann@acme.example", "--company", 'A "quoted" name']
    made = blank.json(*words)
    assert made["address"].endswith("@in.acme.example")
    assert blank.json("config", "show")["company"]["name"] == 'A "quoted" name'
    assert [queue["members"] for queue in blank.json("queue", "list")] == [["ann@acme.example"]]
    before = blank.config.read_bytes()
    assert blank.json(*words) == made
    assert len(blank.json("queue", "list")[0]["addresses"]) == 1
    assert "already" in blank.refuses("init", "--domain", "in.other.example")
    assert blank.config.read_bytes() == before


def test_init_names_the_inbox_and_what_comes_next(blank: Cli) -> None:
    """One that forwards is on the block list at once; one that is read gets the command that connects it."""
    words = ["init", "--domain", "in.acme.example", "--inbox", "Help@Acme.example"]
    made = blank.json(*words)
    assert (made["inbox"], made["way"], made["agent"]) == ("help@acme.example", "forward", None)
    assert any("in.acme.example. MX 10 mx.in.acme.example." in step for step in made["next"])
    assert blank.json("queue", "show", "Support")["sources"] == ["help@acme.example"]
    assert "gateway queue setup Support --wait" in blank.run("init")


def test_init_of_a_mailbox_says_how_to_connect_it(blank: Cli) -> None:
    """It needs no port that the internet reaches."""
    words = ["init", "--domain", "in.acme.example", "--way", "mailbox", "--inbox", "help@gmail.com"]
    assert "gateway mailbox connect gmail help@gmail.com --queue Support" in blank.run(*words)
    assert blank.json("config", "show")["listener"][0]["address"] == "127.0.0.1:2525"
    assert blank.json("queue", "show", "Support")["sources"] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--inbox", "nobody"], "no mail address"),
        (["--inbox", "help@in.acme.example"], "our own domain"),
        (["--inbox", "help@acme.example", "--agent", "help@acme.example"], "an address of his own"),
        (["--way", "pigeon"], "--way"),
        (["--listen", "here"], "--listen"),
        (["--hostname", "not a host"], "no domain"),
        (["--time-zone", "Mars/Olympus"], "no time zone"),
    ],
)
def test_init_with_a_wrong_word_makes_nothing(blank: Cli, words: list[str], told: str) -> None:
    """After a mistake the same command can be given again."""
    assert told in blank.refuses("init", "--domain", "in.acme.example", *words, exits=2)
    assert not blank.config.exists()


def test_init_without_a_terminal_names_the_option_that_is_missing(blank: Cli) -> None:
    """Nobody is asked where nobody can answer."""
    assert "--domain" in blank.refuses("init", exits=2)
    assert not blank.config.exists()


def test_database_upgrade_does_nothing_twice(both: Cli) -> None:
    """The second time there is nothing to do, and the JSON says so."""
    done = both.json("database", "upgrade")
    assert done["before"] == done["revision"]


def test_rotated_key_has_the_next_number(cli: Cli) -> None:
    """Each rotation says which key signs from now on; a ticket's marks are revoked by its number."""
    assert cli.json("config", "rotate-key") == {"key": 2}
    assert "Key 3 signs" in cli.run("config", "rotate-key")
    cli.house.receive(mail())
    assert cli.run("ticket", "revoke", "1").startswith("#1 My printer smokes")
    assert cli.json("ticket", "show", "1")["events"][-1]["kind"] == "revoked"


def test_suppressed_addresses_can_be_seen_and_believed_again(both: Cli) -> None:
    """The list says why and until when; --clear takes one off, and twice is an error."""
    with both.house.database.writing() as session:
        suppress(session, "gone@customer.example", "550 5.1.1 No such user")
    [row] = both.json("outbox", "suppressed")
    assert (row["address"], row["reason"]) == ("gone@customer.example", "550 5.1.1 No such user")
    assert "gone@customer.example" in both.run("outbox", "suppressed")
    both.run("outbox", "suppressed", "--clear", "Gone@Customer.example")
    assert both.json("outbox", "suppressed") == []
    both.refuses("outbox", "suppressed", "--clear", "gone@customer.example", exits=1)


def test_agent_says_what_he_wants_to_be_told(both: Cli) -> None:
    """Nothing by default; words, `all` and `none` are understood, and a word that is none is refused."""
    made = json.loads(both.run("agent", "add", "ann@company.example", "--json"))
    assert (made["notify"], made["notice_pace"]) == ([], "immediate")
    edit = ("agent", "edit", "ann@company.example", "--json")
    changed = json.loads(both.run(*edit, "--notify", "new,failed", "--notice-pace", "daily"))
    assert (changed["notify"], changed["notice_pace"]) == (["new", "failed"], "daily")
    assert json.loads(both.run(*edit, "--notify", "all"))["notify"] == [
        "new",
        "assigned",
        "answered",
        "failed",
        "channel",
        "held",
    ]
    assert json.loads(both.run(*edit, "--notify", "none"))["notify"] == []
    both.refuses(*edit, "--notify", "everything", exits=2)
