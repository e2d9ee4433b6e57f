"""What agents do to tickets all day, for one or several, on both databases."""

from datetime import datetime, timedelta

import pytest
from fakes.commandline import Cli
from fakes.house import mail


@pytest.fixture
def desk(both: Cli) -> Cli:
    """Three tickets of three people."""
    for number, name in enumerate(("carla", "bob", "dora"), start=1):
        both.house.receive(
            mail(f"text {number}", subject=f"Matter {number}", author=f"{name}@x.example", message_id=f"<{number}@x>")
        )
    return both


def numbers(desk: Cli, *words: str) -> list[int]:
    """The tickets of a list."""
    return [ticket["number"] for ticket in desk.json("list", *words)]


def test_several_tickets_are_changed_at_once(desk: Cli) -> None:
    """All of them, in one transaction; of several each is shown."""
    changed = desk.json("assign", "1", "3", "me")
    assert [(t["number"], t["assignee"]["email"]) for t in changed] == [
        (1, "agent@company.example"),
        (3, "agent@company.example"),
    ]
    assert numbers(desk, "--unassigned") == [2]
    desk.refuses("assign", "2", "9", "me")
    assert numbers(desk, "--unassigned") == [2]
    desk.run("close", "1", "2", "3")
    assert numbers(desk) == []


def test_list_is_narrowed_by_tag_priority_customer_and_age(desk: Cli) -> None:
    """Filters add up; the order can be turned round."""
    desk.run("ticket", "tag", "1", "2", "--add", "VIP", "--add", "later")
    desk.run("ticket", "priority", "2", "3", "high")
    assert numbers(desk, "--tag", "vip", "--oldest") == [1, 2]
    assert numbers(desk, "--tag", "vip", "--priority", "high") == [2]
    assert numbers(desk, "--customer", "dora@x.example") == [3]
    assert numbers(desk, "--assignee", "agent@company.example") == []
    assert numbers(desk, "--older", "1h") == []
    assert "priority" in desk.refuses("ticket", "priority", "1", "huge", exits=2)
    desk.run("ticket", "tag", "1", "--remove", "vip")
    shown = desk.json("show", "1")
    assert (shown["tags"], shown["priority"]) == (["later"], "normal")


def test_list_for_people_shows_marks_and_counts_in_all(desk: Cli) -> None:
    """The footer counts what a narrow list hides."""
    desk.run("ticket", "tag", "2", "--add", "vip")
    said = desk.run("list", "--tag", "vip")
    assert "[vip] Matter 2" in said
    assert said.splitlines()[-1] == "In all: 3 new, 0 open, 0 pending; 3 unassigned; 0 mails held."


def test_ticket_that_is_put_off_opens_by_itself(desk: Cli) -> None:
    """It is pending until its time has come, or until somebody changes it."""
    from storage.ticket_time import open_due

    made = desk.json("ticket", "status", "1", "pending", "--until", "2h")
    assert (made["status"], made["pending_until"] > made["created"]) == ("pending", True)
    with desk.house.database.writing() as session:
        assert open_due(session, made_later(made["pending_until"], -60)) == 0
        assert open_due(session, made_later(made["pending_until"], 60)) == 1
    shown = desk.json("show", "1")
    assert (shown["status"], shown["pending_until"]) == ("open", None)
    desk.refuses("ticket", "status", "1", "solved", "--until", "2h", exits=2)
    desk.refuses("ticket", "status", "1", "pending", "--until", "soon", exits=2)


def made_later(moment: str, seconds: int) -> datetime:
    """A moment of JSON, and some seconds."""
    return datetime.fromisoformat(moment) + timedelta(seconds=seconds)


def test_spam_is_closed_and_its_writer_ignored(desk: Cli) -> None:
    """His next mail makes no ticket."""
    desk.run("ticket", "spam", "2")
    shown = desk.json("show", "2")
    assert (shown["status"], shown["tags"]) == ("closed", ["spam"])
    assert str(desk.house.receive(mail("more", author="bob@x.example")).state) == "ignored"


def test_merged_tickets_are_one_and_answers_to_either_find_it(desk: Cli) -> None:
    """The messages move, the number leads on, and no stranger is mailed because of it."""
    desk.run("ticket", "merge", "2", "3", "--into", "1")
    whole = desk.json("show", "1")
    assert [message["author"]["email"] for message in whole["messages"]] == [
        "carla@x.example",
        "bob@x.example",
        "dora@x.example",
    ]
    roles = {person["email"]: person["role"] for person in whole["participants"]}
    assert [roles[f"{name}@x.example"] for name in ("carla", "bob", "dora")] == ["customer", "named", "named"]
    gone = desk.json("show", "2")
    assert (gone["status"], gone["merged_into"], gone["messages"]) == ("closed", 1, [])
    for name in ("bob", "dora"):
        answer = mail(f"re {name}", author=f"{name}@x.example", headers=f"In-Reply-To: <{'23'[name == 'dora']}@x>\n")
        assert desk.house.ticket_of(desk.house.receive(answer)).id == 1
    assert "merged into 1" in desk.refuses("ticket", "merge", "2", "--into", "3")
    desk.refuses("ticket", "merge", "1", "--into", "1", exits=2)
    assert "merged into 1" in desk.run("reply", "2", "-m", "x", exits=1) + desk.error


def test_split_ticket_takes_a_message_and_all_later_ones(desk: Cli) -> None:
    """The new ticket is its writer's; answers to what moved find it, to what stayed the old one."""
    desk.run("ticket", "merge", "2", "3", "--into", "1")
    made = desk.json("ticket", "split", "1", "1.2")
    assert (made["number"], made["contact"]["email"], made["subject"]) == (4, "bob@x.example", "Matter 2")
    assert [message["ref"] for message in made["messages"]] == ["4.1", "4.2"]
    assert [message["ref"] for message in desk.json("show", "1")["messages"]] == ["1.1"]
    assert {"number": 1, "kind": "split"} in made["links"]
    moved = mail("re", author="bob@x.example", headers="In-Reply-To: <2@x>\n")
    assert desk.house.ticket_of(desk.house.receive(moved)).id == 4
    stayed = mail("re", author="carla@x.example", headers="In-Reply-To: <1@x>\n")
    assert desk.house.ticket_of(desk.house.receive(stayed)).id == 1
    assert "first message" in desk.refuses("ticket", "split", "4", "4.1")
    assert desk.json("audit")["ok"]


def test_tickets_are_linked_and_unlinked(desk: Cli) -> None:
    """The link shows in both."""
    desk.run("ticket", "link", "1", "2")
    assert desk.json("show", "2")["links"] == [{"number": 1, "kind": "related"}]
    desk.run("ticket", "link", "2", "1", "--undo")
    assert desk.json("show", "1")["links"] == []
    desk.refuses("ticket", "link", "1", "2", "--undo")
    desk.refuses("ticket", "link", "1", "1", exits=2)


def test_next_takes_what_presses_first(desk: Cli) -> None:
    """Among those that nobody has; --take makes it mine."""
    desk.run("ticket", "priority", "2", "urgent")
    assert desk.json("ticket", "next", "--take")["assignee"]["email"] == "agent@company.example"
    assert numbers(desk, "--mine") == [2]


def test_next_agent_sees_who_looks_and_who_writes(desk: Cli) -> None:
    """The one who looks is shown to others, not to himself; who has answered is gone."""
    desk.run("agent", "add", "bea@company.example", "--name", "Bea")
    desk.run("show", "1", "--as", "bea@company.example")
    [present] = desk.json("show", "1", "--as", "agent@company.example")["present"]
    assert (present["name"], present["writes"]) == ("Bea", False)
    assert "Bea looks at it" in desk.run("show", "1", "--as", "agent@company.example")
    desk.run("reply", "1", "-m", "Hello", "--as", "bea@company.example")
    assert desk.json("show", "1", "--as", "agent@company.example")["present"] == []


def test_watch_prints_what_happens_and_ends_when_told(desk: Cli) -> None:
    """Only what happens from now on; nothing happens here."""
    assert desk.run("ticket", "watch", "--seconds", "0.1") == ""


def test_happenings_are_narrowed_to_a_ticket_or_a_queue(desk: Cli) -> None:
    """What `watch` shows: each line once, with its ticket."""
    from storage.happenings import happenings_after, last_happening

    with desk.house.database.reading() as session:
        last = last_happening(session)
    desk.run("assign", "1", "2", "me")
    with desk.house.database.reading() as session:
        assert [one.ticket for one in happenings_after(session, last)] == [1, 2]
        [one] = happenings_after(session, last, ticket_id=2)
        assert (one.kind, one.text, one.subject) == ("assigned", "agent@company.example", "Matter 2")
        assert happenings_after(session, last, queue_id=99) == []


def test_answers_of_one_ticket_leave_another_way(desk: Cli) -> None:
    """The next answer goes through the channel; a name that is none is refused with those that there are."""
    desk.run("channel", "add", "Acme", "--host", "smtp.acme.example", "--from", "help@acme.example")
    desk.run("ticket", "via", "1", "Acme")
    desk.run("reply", "1", "-m", "Unplug it")
    [row] = desk.json("outbox", "list")
    assert "From: Support <help@acme.example>" in desk.run("outbox", "show", str(row["id"]))
    assert ("via", "Acme") in [(event["kind"], event["text"]) for event in desk.json("show", "1")["events"]]
    assert "default, Acme" in desk.refuses("ticket", "via", "1", "Other")
