"""Rules from the command line: written, ordered, tried on mail that came, refused when they are wrong."""

import pytest
from fakes.commandline import Cli
from fakes.house import mail


@pytest.fixture
def desk(both: Cli) -> Cli:
    """An installation with two tickets and a second queue."""
    both.house.add_queue("Billing")
    both.house.receive(mail())
    both.house.receive(mail("pay", subject="Invoice 4711", author="Bob <bob@shop.example>"))
    return both


def test_rule_is_shown_as_it_was_written(desk: Cli) -> None:
    """Every part of it, for programs and for people."""
    words = ("--if", "subject contains invoice", "--if", "domain is shop.example", "--any", "--then", "route Billing")
    made = desk.json("rule", "add", *words, "--scope", "all", "--continue", "--queue", "support")
    assert made == {
        "id": 1,
        "position": 1,
        "queue": "Support",
        "conditions": ["subject contains invoice", "domain is shop.example"],
        "any": True,
        "actions": ["route Billing"],
        "scope": "all",
        "continues": True,
    }
    assert desk.json("rule", "list") == [made]
    assert desk.json("rule", "list", "--queue", "Billing") == []
    assert "subject contains invoice or domain is shop.example" in desk.run("rule", "list")


def test_rules_are_moved_edited_and_removed(desk: Cli) -> None:
    """The order is the order in which they are asked; numbers stay what they were."""
    for word in ("a", "b", "c"):
        desk.run("rule", "add", "--if", f"subject contains {word}", "--then", "ignore")
    desk.run("rule", "move", "3", "1")
    assert [rule["id"] for rule in desk.json("rule", "list")] == [3, 1, 2]
    edited = desk.json("rule", "edit", "1", "--then", "hold", "--last", "--every")
    assert (edited["conditions"], edited["actions"]) == (["subject contains a"], ["hold"])
    desk.run("rule", "remove", "2")
    assert [rule["id"] for rule in desk.json("rule", "list")] == [3, 1]
    assert "no rule 2" in desk.refuses("rule", "remove", "2")


@pytest.mark.parametrize(
    ("words", "exits"),
    [
        (("--then", "ignore"), 2),
        (("--if", "subject contains a"), 2),
        (("--if", "subject matches a(", "--then", "ignore"), 2),
        (("--if", "subject contains a", "--then", "route Nowhere"), 1),
        (("--if", "subject contains a", "--then", "assign nobody@company.example"), 1),
        (("--if", "subject contains a", "--then", "ignore", "--then", "tag b"), 2),
        (("--if", "subject contains a", "--then", "ignore", "--scope", "some"), 2),
    ],
)
def test_wrong_rule_is_refused_and_not_stored(desk: Cli, words: tuple[str, ...], exits: int) -> None:
    """One line says why."""
    assert desk.refuses("rule", "add", *words, exits=exits)
    assert desk.json("rule", "list") == []


def test_rule_follows_a_queue_that_is_renamed(desk: Cli) -> None:
    """It goes on meaning the same queue."""
    desk.run("rule", "add", "--if", "queue is Support", "--then", "route billing")
    desk.run("queue", "set", "Billing", "--name", "Accounts payable")
    desk.run("queue", "set", "Support", "--name", "Help")
    [rule] = desk.json("rule", "list")
    assert (rule["conditions"], rule["actions"]) == (["queue is Help"], ["route Accounts payable"])


def test_new_rule_is_tried_on_the_last_mails_and_only_differences_are_shown(desk: Cli) -> None:
    """Nothing is stored; the mail that it is not about is not shown."""
    words = ("--if", "subject contains invoice", "--then", "route Billing")
    [row] = desk.json("rule", "add", *words, "--try", "100")
    assert (row["author"], row["before"], row["after"]) == ("bob@shop.example", "", "rule 0: route Billing")
    assert desk.json("rule", "list") == []
    assert "Nothing would be different" in desk.run(
        "rule", "add", "--if", "subject contains x", "--then", "hold", "--try", "9"
    )


def test_last_mails_are_judged_again_by_the_rules_of_today(desk: Cli) -> None:
    """What the rules said then is in the trace; only where they say something else now is shown."""
    assert desk.json("rule", "test", "--last", "10") == []
    desk.run("rule", "add", "--if", "subject contains invoice", "--then", "priority high")
    [row] = desk.json("rule", "test", "--last", "10")
    assert (row["subject"], row["after"]) == ("Invoice 4711", "rule 1: priority high")
    desk.house.receive(mail("again", subject="Invoice 2", author="Bob <bob@shop.example>"))
    assert len(desk.json("rule", "test", "--last", "10")) == 1


def test_one_mail_is_tried_by_its_id_or_as_a_file(desk: Cli) -> None:
    """What the rules would do is said in words."""
    desk.run("rule", "add", "--if", "subject matches ^invoice", "--then", "tag money")
    (desk.folder / "a.eml").write_bytes(mail("pay", subject="Invoice 3"))
    assert "rule 1: tag money" in desk.run("rule", "test", "a.eml", "--queue", "Support")
    [row] = desk.json("mail", "list", "--limit", "1")
    assert desk.json("rule", "test", row["id"])[0]["after"] == "rule 1: tag money"
    assert "--queue" in desk.refuses("rule", "test", "a.eml", exits=2)
    assert desk.refuses("rule", "test", exits=2)


def test_why_tells_the_rule_that_ignored_a_mail(desk: Cli) -> None:
    """`mail why` names the rule and its condition; the audit still adds up."""
    desk.run("rule", "add", "--if", "subject contains smokes", "--then", "ignore")
    row = desk.house.receive(mail("again"))
    story = desk.json("mail", "why", row.id)
    assert (story["fate"], story["reason"]) == ("ignored", "rule 1: ignore: subject contains smokes")
    assert desk.json("audit")["fates"]["ignored"] == 1


def test_rule_that_answers_without_a_template_is_refused(cli: Cli) -> None:
    """When it is written, not when the first customer writes; a shipped one is good."""
    said = cli.refuses("rule", "add", "--if", "kind is human", "--then", "answer holidays", exits=2)
    assert "holidays.en.txt" in said
    assert "acknowledgement" in said
    assert cli.json("rule", "add", "--if", "kind is human", "--then", "answer acknowledgement")["actions"]
    both = ("--then", "answer acknowledgement", "--then", "no-acknowledgement")
    assert "silence" in cli.refuses("rule", "add", "--if", "kind is human", *both, exits=2)
