"""`queue setup` and `queue check` as people and programs use them."""

import json
from pathlib import Path

import pytest
from fakes.commandline import Cli
from fakes.house import mail

from gateway.cli.forward_guide import GUIDES, MARKER, guide_for, page

INBOX = "support@company.example"
DOCS = Path(__file__).parents[3] / "docs" / "forwarding.md"
ASKING = mail(
    f"{INBOX} has requested to automatically forward mail to your email address\nConfirmation code: 123456789\n",
    author="Gmail Team <forwarding-noreply@google.com>",
    subject=f"(#123456789) Gmail Forwarding Confirmation - Receive Mail from {INBOX}",
)


def test_setup_makes_what_is_missing_and_says_how_to_forward(both: Cli) -> None:
    """The queue, its address and the inbox on the block list; a second time nothing more is made."""
    made = both.json("queue", "setup", "Support", "--inbox", INBOX, "--provider", "gmail")
    again = both.json("queue", "setup", "support", "--provider", "gmail")
    assert made == again
    assert (made["queue"], made["provider"], made["inbox"]) == ("Support", "gmail", INBOX)
    assert (made["confirmations"], made["suggested_inboxes"]) == ([], [])
    [address] = made["addresses"]
    assert address in made["instructions"]
    assert f"Sign in as {INBOX}" in made["instructions"]
    assert both.json("queue", "show", "Support")["sources"] == [INBOX]


def test_setup_tells_a_person_the_steps_and_what_comes_next(cli: Cli) -> None:
    """Numbered steps for the provider, and the command that tries them."""
    said = cli.run("queue", "setup", "Support", "--inbox", INBOX, "--provider", "microsoft365")
    assert "1. As an administrator" in said
    assert "5.7.520" in said
    assert "gateway queue check 'Support'" in said


def test_waiting_setup_shows_the_confirmation(cli: Cli) -> None:
    """What has just come is shown at once, with its code, and that it is not trusted without Google's signature."""
    cli.house.receive(ASKING)
    said = cli.run("queue", "setup", "Support", "--wait", "--provider", "gmail")
    assert "123456789" in said
    assert "trusted   no" in said
    [kept] = cli.json("queue", "setup", "Support", "--wait", "--provider", "gmail")["confirmations"]
    assert (kept["provider"], kept["code"], kept["inbox"], kept["trusted"]) == ("Gmail", "123456789", INBOX, False)


def test_waiting_in_vain_ends_with_1(cli: Cli) -> None:
    """After the time that was given, with a line that says so."""
    cli.run("queue", "setup", "Support", "--wait", "--seconds", "1", "--provider", "gmail", exits=1)
    assert "No confirmation came" in cli.error


def test_unknown_provider_is_asked_wrongly(cli: Cli) -> None:
    """The choice is named, and nothing is made."""
    assert "gmail" in cli.refuses("queue", "setup", "Support", "--provider", "hotmale", exits=2)
    assert cli.json("queue", "list") == []


@pytest.mark.parametrize(
    ("domain", "exchangers", "key"),
    [
        ("gmail.com", [], "gmail"),
        ("company.example", ["aspmx.l.google.com"], "gmail"),
        ("company.example", ["company-example.mail.protection.outlook.com."], "microsoft365"),
        ("outlook.com", ["outlook-com.olc.protection.outlook.com"], "outlook"),
        ("brand.example", ["brand.olc.protection.outlook.com"], "outlook"),
        ("company.example", ["in1-smtp.messagingengine.com"], "fastmail"),
        ("company.example", ["mx.zoho.eu"], "zoho"),
        ("company.example", ["mail.company.example"], "generic"),
        ("", [], "generic"),
    ],
)
def test_provider_is_found_out_from_the_inbox(domain: str, exchangers: list[str], key: str) -> None:
    """By its own domains, else by the servers that take its mail."""
    assert guide_for(domain, exchangers).key == key


def test_docs_show_every_guide() -> None:
    """docs/forwarding.md; `python -m gateway.cli.forward_guide docs/forwarding.md` renews it."""
    assert DOCS.read_text(encoding="utf-8").partition(MARKER)[2].strip() == page().strip()
    assert len({guide.key for guide in GUIDES}) == len(GUIDES) == 11


def with_server(cli: Cli) -> None:
    """Name a mail server, which the tests here never talk to."""
    text = cli.config.read_text().replace("undo_seconds = 60", 'undo_seconds = 60, servers = [{ host = "127.0.0.1" }]')
    cli.config.write_text(text)


def test_check_without_a_mail_server_says_so(cli: Cli) -> None:
    """A test mail that becomes a file would never come home."""
    cli.run("queue", "setup", "Support", "--inbox", INBOX, "--provider", "gmail")
    assert "[[outbound.servers]]" in cli.refuses("queue", "check", "Support")


def test_check_that_nobody_sends_is_lost_and_says_why(both: Cli) -> None:
    """Exit 1 and advice; a new one may be sent at once."""
    with_server(both)
    both.run("queue", "setup", "Support", "--inbox", INBOX, "--provider", "gmail")
    for _ in range(2):
        said = both.run("queue", "check", "Support", "--seconds", "1", exits=1)
        assert "has not left yet; is `gateway serve` running?" in said


def test_check_of_a_queue_without_an_inbox_asks_for_one(cli: Cli) -> None:
    """Nobody knows whom to write to."""
    cli.run("queue", "new", "Support")
    assert "--inbox" in cli.refuses("queue", "check", "Support", exits=2)


def test_check_names_the_domains_that_no_key_signs_for(cli: Cli) -> None:
    """Whatever became of the test mail; with a key, or an address of ours in From, nothing is said."""
    with_server(cli)
    cli.run("queue", "setup", "Support", "--inbox", INBOX, "--provider", "gmail")
    [found] = json.loads(cli.run("queue", "check", "Support", "--seconds", "1", "--json", exits=1))
    assert found["unsigned"] == ["company.example"]
    assert any("gateway dkim new company.example" in line for line in found["advice"])
    cli.run("dkim", "new", "company.example")
    [found] = json.loads(cli.run("queue", "check", "Support", "--seconds", "1", "--json", exits=1))
    assert (found["unsigned"], [line for line in found["advice"] if "dkim" in line]) == ([], [])
