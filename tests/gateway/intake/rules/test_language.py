"""The words of rules: what they mean, and that wrong ones are refused when they are written."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from config.errors import AskedWrongly
from gateway.intake.rules.action import Action, Verb, parse_action
from gateway.intake.rules.condition import FIELDS, parse_condition
from gateway.intake.rules.decision import decide, read_rule
from gateway.intake.rules.facts import Facts
from gateway.reading.mail import Attachment, Kind, Mail, Person
from storage.rules import Rule

MAIL = Mail(
    "<a@client.example>",
    author=Person("Carla Customer", "Carla@Client.example"),
    to=(Person("", "support@company.example"),),
    cc=(Person("", "boss@client.example"),),
    subject="Special Offer: 50% off",
    text="Dear team,\nthe invoice 4711 is wrong.",
    attachments=(Attachment("invoice.pdf", "application/pdf", b"%PDF"),),
    headers=(("X-Spam-Flag", "YES"), ("List-Id", "<news.client.example>")),
    kind=Kind.BULK,
)
FACTS = Facts(
    mail=MAIL,
    author="carla@client.example",
    recipient="support.abc@in.desk.example",
    source_inbox="support@company.example",
    queue="Support",
    queue_id=1,
    identity="verified",
    size=6_000_000,
    is_known=False,
    received=datetime(2026, 3, 2, 8, 30, tzinfo=UTC),  # a Monday
    is_answer=False,
)

TRUE = [
    "from equals carla@client.example",
    "from is CARLA@client.example",
    "from contains customer",
    "domain equals client.example",
    "to equals boss@client.example",
    "to contains support.abc@",
    "source-inbox equals support@company.example",
    "subject contains special offer",
    'subject equals "special offer: 50% off"',
    r"subject matches \d+% off$",
    "body contains Invoice 4711",
    r"body matches invoice \d{4}",
    "header:x-spam-flag equals yes",
    "header:List-Id contains news",
    "kind equals bulk",
    "authenticity is verified",
    "attachment matches \\.pdf$",
    "has-attachment is yes",
    "size over 5MB",
    "size under 6000KB",
    "contact-known is no",
    "queue is support",
    "office-hours is mon-fri 08:00-18:00",
    "office-hours is Sat 10:00-13:00, Mon 08:30-09:00",
    "office-hours is sun-mon 22:00-09:00",
    "not subject contains Rechnung",
    "not header:X-Absent contains a",
]


@pytest.mark.parametrize("words", TRUE)
def test_condition_holds_for_the_mail_that_it_describes(words: str) -> None:
    """Each field, each way to compare."""
    assert parse_condition(words).holds(FACTS)


@pytest.mark.parametrize("words", TRUE)
def test_condition_that_is_turned_round_does_not_hold(words: str) -> None:
    """`not` in front is the opposite."""
    turned = words.removeprefix("not ") if words.startswith("not ") else f"not {words}"
    assert not parse_condition(turned).holds(FACTS)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("subject", "FIELD OP VALUE"),
        ("subject contains", "FIELD OP VALUE"),
        ("", "FIELD OP VALUE"),
        ("colour equals red", "'colour' is none of from, domain"),
        ("subject resembles offer", "'resembles' is none of equals, contains, matches"),
        ("subject matches a(b", "missing )"),
        (r"subject matches (a)\1", "pattern"),
        ("subject matches (?=a)", "pattern"),
        ("kind equals robot", "'robot' is none of human"),
        ("kind contains human", "none of equals"),
        ("authenticity equals sure", "none of verified"),
        ("contact-known equals maybe", "none of yes, no"),
        ("size over much", "write 500KB or 5MB"),
        ("size equals 5MB", "none of over, under"),
        ("office-hours is always", "Mon-Fri 09:00-18:00"),
        ("office-hours is mon-fri 25:00-26:00", "Mon-Fri 09:00-18:00"),
        ("header:a b equals c", "none of equals"),
        ("subject contains " + "x" * 1001, "1000 characters"),
    ],
)
def test_condition_that_is_wrong_is_refused_with_its_reason(words: str, named: str) -> None:
    """What it could not mean is told in one sentence."""
    with pytest.raises(AskedWrongly) as refusal:
        parse_condition(words)
    assert named in str(refusal.value)


def test_pattern_that_would_hang_another_engine_is_matched_in_linear_time() -> None:
    """Nested repetition over a long text is an ordinary question."""
    facts = Facts(
        **{name: getattr(FACTS, name) for name in Facts.__slots__} | {"mail": Mail("<b>", text="a" * 200_000)}
    )
    assert not parse_condition("body matches (a*)*(a+)+$x").holds(facts)


@pytest.mark.parametrize(
    ("words", "action"),
    [
        ("ignore", Action(Verb.IGNORE)),
        ("Route Billing and more", Action(Verb.ROUTE, "Billing and more")),
        ("assign ann@company.example", Action(Verb.ASSIGN, "ann@company.example")),
        ("tag #VIP", Action(Verb.TAG, "vip")),
        ("priority HIGH", Action(Verb.PRIORITY, "high")),
        ("no-acknowledgement", Action(Verb.NO_ACKNOWLEDGEMENT)),
    ],
)
def test_action_is_read(words: str, action: Action) -> None:
    """A verb and what it needs."""
    assert parse_action(words) == action


@pytest.mark.parametrize("words", ["", "explode", "ignore it", "route", "tag two words", "priority huge"])
def test_action_that_is_wrong_is_refused(words: str) -> None:
    """A verb that is none, a value too many, a value that is missing."""
    with pytest.raises(AskedWrongly):
        parse_action(words)


def rule(number: int, conditions: list[str], actions: list[str], **more: object) -> Rule:
    """A rule as it is stored."""
    return Rule(id=number, position=number, conditions=conditions, actions=actions, **more)


def decided(*rules: Rule, facts: Facts = FACTS, passed: tuple[str, ...] = ()) -> str:
    """What some rules say about a mail."""
    return decide([read_rule(one) for one in rules], facts, passed).words


HOLDS, HOLDS_NOT = "subject contains offer", "subject contains Rechnung"


def test_first_rule_that_holds_wins() -> None:
    """Later ones are not asked."""
    rules = rule(1, [HOLDS_NOT], ["ignore"]), rule(2, [HOLDS], ["tag a"]), rule(3, [HOLDS], ["tag b"])
    assert decided(*rules) == "rule 2: tag a"


def test_rule_that_continues_lets_later_ones_be_asked_until_one_stops() -> None:
    """Their actions add up; `stop` ends it."""
    rules = (
        rule(1, [HOLDS], ["tag a"], goes_on=True),
        rule(2, [HOLDS], ["priority high", "stop"], goes_on=True),
        rule(3, [HOLDS], ["tag c"]),
    )
    assert decided(*rules) == "rule 1: tag a; rule 2: priority high; rule 2: stop"


def test_every_condition_must_hold_unless_one_is_enough() -> None:
    """Both ways to join them."""
    both = [HOLDS, HOLDS_NOT]
    assert decided(rule(1, both, ["ignore"])) == ""
    assert decided(rule(1, both, ["ignore"], match_any=True)) == "rule 1: ignore"


def test_rule_of_another_queue_is_not_asked() -> None:
    """A rule of one queue is about its mail only."""
    assert decided(rule(1, [HOLDS], ["ignore"], queue_id=2)) == ""
    assert decided(rule(1, [HOLDS], ["ignore"], queue_id=1)) == "rule 1: ignore"


def test_answer_to_a_ticket_is_asked_about_only_by_rules_for_all_mail() -> None:
    """Nobody's reply is ignored by a rule for new mail."""
    answer = replace(FACTS, is_answer=True)
    assert decided(rule(1, [HOLDS], ["ignore"]), facts=answer) == ""
    assert decided(rule(1, [HOLDS], ["ignore"], for_all_mail=True), facts=answer) == "rule 1: ignore"


def test_rule_whose_end_was_waived_lets_the_mail_go_on() -> None:
    """A released mail is not held again by the same rule; the next rule has its say."""
    rules = rule(1, [HOLDS], ["hold"]), rule(2, [HOLDS], ["tag b"])
    assert decided(*rules, passed=("rule 1",)) == "rule 2: tag b"


def test_every_field_has_a_sample() -> None:
    """What a rule may ask about is asked above, each field once at least."""
    asked = {words.removeprefix("not ").split()[0].lower() for words in TRUE}
    wanted = {field.partition(":")[0] for field in FIELDS}
    assert wanted <= {word.partition(":")[0] for word in asked}
