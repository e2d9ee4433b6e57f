"""Reading, answering and moving tickets from the command line, on both databases."""

import json
from pathlib import Path

import pytest
from fakes.commandline import Cli
from fakes.house import mail


@pytest.fixture
def desk(both: Cli) -> Cli:
    """An installation with one ticket: Carla's printer smokes."""
    both.house.receive(mail())
    return both


def test_list_of_tickets_has_the_shape_of_the_contract(desk: Cli) -> None:
    """Names of keys are what scripts rely on."""
    [row] = desk.json("ticket", "list")
    assert {"number", "queue", "subject", "status", "assignee", "contact", "created", "updated", "messages"} <= set(row)
    assert (row["number"], row["queue"], row["status"], row["messages"]) == (1, "Support", "new", 1)
    assert row["contact"] == {"name": "Carla Customer", "email": "carla@customer.example"}
    assert row["assignee"] is None


def test_ticket_has_the_shape_of_the_contract(desk: Cli) -> None:
    """The whole ticket: its people, messages, deliveries, links and what was done to it."""
    desk.run("reply", "1", "-m", "Unplug it")
    ticket = desk.json("ticket", "show", "1")
    keys = "number queue subject status assignee contact participants created updated links messages events held"
    assert set(keys.split()) <= set(ticket)
    first, second = ticket["messages"]
    keys = (
        "id ref direction kind author to cc bcc date message_id subject text reply_text html attachments "
        "authentication deliveries reply_to source_inbox also_received flags automatic"
    )
    assert set(keys.split()) <= set(first)
    assert (first["ref"], first["direction"], first["author"]["email"]) == ("1.1", "inbound", "carla@customer.example")
    assert set(first["authentication"]) == {"spf", "dkim", "dmarc", "arc", "identity"}
    assert (second["direction"], second["kind"], second["text"]) == ("outbound", "reply", "Unplug it\n")
    assert set(second["deliveries"][0]) == {"id", "recipient", "state", "attempts", "next_attempt", "last_reply"}
    assert {"email": "carla@customer.example", "name": "Carla Customer", "role": "customer"} in ticket["participants"]
    assert ticket["assignee"] == {"name": "Alex Agent", "email": "agent@company.example"}
    assert ticket["status"] == "pending"


def test_list_is_narrowed_by_status_queue_and_assignee(desk: Cli) -> None:
    """Closed ones are shown when asked for; --mine and --unassigned are opposites."""
    desk.house.add_queue("Billing")
    desk.house.receive(mail("two", author="Bob <bob@x.example>"))
    desk.run("assign", "1", "me")
    desk.run("close", "2")
    assert [t["number"] for t in desk.json("list")] == [1]
    assert [t["number"] for t in desk.json("list", "--mine")] == [1]
    assert desk.json("list", "--unassigned") == []
    assert [t["number"] for t in desk.json("list", "--status", "closed")] == [2]
    assert {t["number"] for t in desk.json("list", "--all", "--queue", "support")} == {1, 2}
    assert desk.json("list", "--all", "--queue", "billing") == []
    assert "new, open, pending" in desk.refuses("list", "--status", "done", exits=2)


def test_list_for_people_says_when_there_is_more(desk: Cli) -> None:
    """People get a screen and a note; programs get everything."""
    desk.house.receive(mail("two", author="Bob <bob@x.example>"))
    assert "#" in desk.run("list", "--limit", "1")
    assert "--limit" in desk.error
    assert len(desk.json("list")) == 2


def test_plain_table_has_neither_tabs_nor_colours(desk: Cli) -> None:
    """In a pipe: aligned text."""
    said = desk.run("list")
    assert said.splitlines()[1].startswith("1  new")
    assert "\t" not in said
    assert "\x1b" not in said


def test_reply_from_standard_input_waits_in_the_outbox_and_can_be_cancelled(desk: Cli) -> None:
    """A cancelled reply stays as a cancelled message, and the status goes back."""
    sent = json.loads(desk.run("reply", "1", "--json", stdin="Unplug\r\nit\n"))
    assert (sent["ref"], sent["ticket"], sent["text"]) == ("1.2", 1, "Unplug\nit\n")
    [row] = desk.json("outbox", "list")
    assert (row["recipient"], row["state"], row["message"], row["ticket"]) == (
        "carla@customer.example",
        "waiting",
        "1.2",
        1,
    )
    assert desk.json("outbox", "cancel", str(row["id"]))["state"] == "cancelled"
    ticket = desk.json("show", "1")
    assert (ticket["status"], ticket["messages"][1]["cancelled"]) == ("new", True)
    assert "too late" in desk.refuses("outbox", "cancel", str(row["id"]))
    assert "nothing to retry" in desk.refuses("outbox", "retry", str(row["id"]))
    assert "uncertain" in desk.refuses("outbox", "resolve", str(row["id"]), "sent")
    desk.refuses("outbox", "resolve", str(row["id"]), "perhaps", exits=2)


@pytest.mark.parametrize(("word", "state"), [("sent", "sent"), ("retry", "waiting")])
def test_uncertain_delivery_is_resolved_by_a_person(desk: Cli, word: str, state: str) -> None:
    """Nobody knows whether it went out; an operator found out and says so, and the ticket tells who."""
    desk.run("reply", "1", "-m", "Unplug it")
    with desk.house.database.writing() as session:
        session.connection().exec_driver_sql("UPDATE delivery SET state = 'uncertain'")
    assert [row["state"] for row in desk.json("outbox", "list")] == ["uncertain"]
    assert desk.json("outbox", "resolve", "1", word)["state"] == state
    last = desk.json("show", "1")["events"][-1]
    assert (last["kind"], last["by"]) == ("delivery", "agent@company.example")


def test_reply_without_a_text_sends_nothing(desk: Cli) -> None:
    """Empty standard input and an empty -m are mistakes."""
    desk.refuses("reply", "1", exits=2)
    desk.refuses("reply", "1", "-m", "  ", exits=2)
    assert desk.json("outbox", "list", "--all") == []


def test_refused_reply_keeps_its_text(desk: Cli) -> None:
    """A recipient of a domain that is new to the ticket needs --yes, and what was written is not lost."""
    assert desk.run("reply", "1", "--to", "x@new.example", exits=1, stdin="Precious words") == ""
    assert "--yes" in desk.error
    [draft] = (desk.folder / "var" / "drafts").iterdir()
    assert draft.read_text() == "Precious words\n"
    assert str(draft) in desk.error


def test_reply_is_refused_when_a_newer_message_has_come(desk: Cli) -> None:
    """What the agent was shown last counts; another agent's note after it is news."""
    desk.run("agent", "add", "bea@company.example")
    desk.run("show", "1", "--as", "agent@company.example")
    desk.run("ticket", "note", "1", "-m", "I called her", "--as", "bea@company.example")
    desk.run("reply", "1", "-m", "Hello", "--as", "agent@company.example", exits=1)
    assert "1.2" in desk.error
    desk.run("show", "1", "--as", "agent@company.example", "--json")
    desk.run("reply", "1", "-m", "Hello", "--as", "agent@company.example")


def test_several_agents_must_say_who_they_are(desk: Cli) -> None:
    """Reading needs nobody; acting lists the choice. --as and $GATEWAY_AGENT name one."""
    desk.run("agent", "add", "bea@company.example")
    desk.run("show", "1")
    assert "bea@company.example" in desk.refuses("assign", "1", "me", exits=2)
    assert desk.json("assign", "1", "me", "--as", "bea@company.example")["assignee"]["email"] == "bea@company.example"
    desk.monkeypatch.setenv("GATEWAY_AGENT", "agent@company.example")
    assert desk.json("assign", "1", "me")["assignee"]["email"] == "agent@company.example"
    assert desk.json("assign", "1", "nobody")["assignee"] is None


def test_note_is_a_message_that_nobody_is_sent(desk: Cli) -> None:
    """Notes are for agents."""
    made = desk.json("ticket", "note", "1", "-m", "Called her")
    assert (made["direction"], made["ref"], made["deliveries"]) == ("note", "1.2", [])


def test_new_ticket_begins_with_our_mail(desk: Cli) -> None:
    """To an address or to a contact, with a file that can be saved again."""
    (desk.folder / "price.txt").write_text("42")
    words = ["ticket", "new", "--queue", "support", "--subject", "Your order", "-m", "Hello", "--attach", "price.txt"]
    made = desk.json(*words, "--to", "Dora <dora@client.example>")
    assert (made["number"], made["contact"]["email"], made["messages"][0]["ref"]) == (2, "dora@client.example", "2.1")
    [file] = desk.json("ticket", "attachment", "2.1", "--save", "copy.txt")
    assert (file["filename"], Path("copy.txt").read_text()) == ("price.txt", "42")
    assert "already" in desk.refuses("ticket", "attachment", str(file["id"]), "--save", "copy.txt")
    contact = desk.json("contact", "list", "dora")[0]["id"]
    assert desk.json(*words, "--contact", str(contact))["contact"]["email"] == "dora@client.example"
    desk.refuses(*words, exits=2)


def test_ticket_changes_status_queue_customer_and_people(desk: Cli) -> None:
    """Each change is in the audit trail with its author."""
    desk.house.add_queue("Billing")
    desk.run("ticket", "status", "1", "solved")
    desk.run("ticket", "move", "1", "billing")
    desk.run("ticket", "participant", "1", "add", "Joao@Client.example", "--name", "João")
    desk.run("ticket", "customer", "1", "maria@client.example")
    ticket = desk.json("show", "1")
    assert (ticket["status"], ticket["queue"], ticket["contact"]["email"]) == (
        "solved",
        "Billing",
        "maria@client.example",
    )
    roles = {person["email"]: person["role"] for person in ticket["participants"]}
    assert roles["joao@client.example"] == roles["carla@customer.example"] == "copied"
    assert {"status", "moved", "participant", "customer"} <= {event["kind"] for event in ticket["events"]}
    assert {event["by"] for event in ticket["events"][1:]} == {"agent@company.example"}
    desk.run("ticket", "participant", "1", "remove", "joao@client.example")
    assert "customer" in desk.refuses("ticket", "participant", "1", "remove", "maria@client.example")
    desk.refuses("ticket", "participant", "1", "confirm", "maria@client.example")
    desk.refuses("ticket", "participant", "1", "promote", "maria@client.example", exits=2)


def test_search_finds_tickets_by_words_of_their_messages(desk: Cli) -> None:
    """The JSON is that of the list, with the places that match."""
    desk.house.receive(mail("The coffee machine", subject="Cotação", author="Bob <bob@x.example>"))
    [found] = desk.json("ticket", "search", "cotacao", "coff")
    assert (found["number"], found["matches"]) == (2, ["2.1"])
    assert found["snippets"] == ["The coffee machine"]
    assert desk.json("ticket", "search", "tea") == []
    assert desk.json("ticket", "search", "coffee machine", "from:bob", "queue:support", "status:new")
    assert "2.1: The coffee machine" in desk.run("ticket", "search", "machine")
    assert "done" in desk.refuses("ticket", "search", "status:done", exits=2)


def test_filter_is_saved_used_and_forgotten_by_its_agent_alone(desk: Cli) -> None:
    """Options of the moment go over the saved ones; another agent has none of that name."""
    desk.house.receive(mail("two", author="Bob <bob@x.example>"))
    desk.run("ticket", "tag", "2", "--add", "vip")
    desk.run("ticket", "list", "--tag", "vip", "--unassigned", "--save", "Hot ones")
    assert "ticket list hot ones" in desk.error
    assert [row["number"] for row in desk.json("list", "hot ones")] == [2]
    assert desk.json("list", "hot ones", "--status", "closed") == []
    assert desk.json("list", "--saved") == [{"name": "hot ones", "options": {"unassigned": True, "tag": ["vip"]}}]
    assert "--unassigned --tag vip" in desk.run("list", "--saved")
    desk.run("agent", "add", "bea@company.example", "--name", "Bea")
    assert "no saved filter" in desk.refuses("--as", "bea@company.example", "list", "hot ones")
    alex = ("--as", "agent@company.example")
    desk.run(*alex, "list", "hot ones", "--forget")
    assert desk.json(*alex, "list", "--saved") == []


def test_filter_that_means_nothing_is_not_saved(desk: Cli) -> None:
    """A queue that is not there is told now, not at the next use."""
    assert "no queue" in desk.refuses("list", "--queue", "Nowhere", "--save", "x")
    assert desk.json("list", "--saved") == []


def test_next_ticket_is_the_one_that_waits_longest(desk: Cli) -> None:
    """Mine before nobody's; null when nothing waits."""
    desk.house.receive(mail("two", author="Bob <bob@x.example>"))
    assert desk.json("ticket", "next")["number"] == 1
    desk.run("assign", "2", "me")
    assert desk.json("ticket", "next")["number"] == 2
    desk.run("close", "1")
    desk.run("close", "2")
    assert desk.json("ticket", "next") is None


def test_status_counts_what_waits(desk: Cli) -> None:
    """Tickets by queue, mail to file, mail to send."""
    desk.house.accept(mail("not yet filed"))
    desk.run("reply", "1", "-m", "Hello")
    whole = desk.json("status")
    counts = {"queue": "Support", "new": 0, "open": 0, "pending": 1, "unassigned": 0, "held": 0}
    assert whole["queues"][0].items() >= counts.items()
    assert (whole["spool"]["pending"], whole["outbox"]["waiting"]) == (1, 1)
    assert whole["listeners"] == [{"address": "127.0.0.1:1", "answers": False}]


@pytest.mark.parametrize(
    "words", [["show", "9"], ["reply", "9", "-m", "x"], ["close", "9"], ["ticket", "note", "9", "-m", "x"]]
)
def test_ticket_that_is_not_there_is_named(cli: Cli, words: list[str]) -> None:
    """The number is in the error."""
    cli.run("agent", "add", "ann@company.example")
    cli.run(*words, exits=1)
    assert "no ticket 9" in cli.error


def test_editor_writes_the_text(cli: Cli) -> None:
    """What stands above the line is the text; an editor that fails stops everything."""
    from gateway.cli import text

    script = cli.folder / "editor"
    script.write_text('#!/bin/sh\nprintf "Written\\n%s" "$(cat "$1")" > "$1"\n')
    script.chmod(0o700)
    cli.monkeypatch.setenv("EDITOR", str(script))
    cli.monkeypatch.setattr("sys.stdin", open("/dev/ptmx", "rb", buffering=0))  # noqa: SIM115, PTH123 - a terminal
    assert text.text_from(None, "1.1 by Carla:\n> smoke\n") == "Written\n"
    cli.monkeypatch.setenv("EDITOR", "false")
    with pytest.raises(text.AskedWrongly, match="status 1"):
        text.text_from(None)
