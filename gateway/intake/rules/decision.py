"""Ask the rules about a mail: the first that holds wins, unless it says that later ones are asked too. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from config.errors import AskedWrongly
from gateway.intake.rules.action import Action, Verb, parse_action
from gateway.intake.rules.condition import Condition, parse_condition
from gateway.intake.rules.facts import Facts
from storage.rules import Rule

# What ends a mail's way: a person may waive it by releasing the mail.
_ENDS = (Verb.IGNORE, Verb.HOLD)


@dataclass(frozen=True, slots=True)
class ReadRule:
    """A rule whose words were read."""

    number: int
    queue_id: int | None
    conditions: tuple[Condition, ...]
    actions: tuple[Action, ...]
    match_any: bool
    for_all_mail: bool
    goes_on: bool

    @property
    def name(self) -> str:
        """How a fate and a trace name it."""
        return f"rule {self.number}"

    def holds(self, facts: Facts) -> bool:
        """Whether it is about this mail."""
        if self.queue_id not in (None, facts.queue_id) or (facts.is_answer and not self.for_all_mail):
            return False
        answers = (condition.holds(facts) for condition in self.conditions)
        return any(answers) if self.match_any else all(answers)

    @property
    def words(self) -> str:
        """Its conditions, for people."""
        return (" or " if self.match_any else " and ").join(condition.words for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules say about a mail: each action with the rule that asked for it."""

    done: tuple[tuple[ReadRule, Action], ...] = ()

    def of(self, *verbs: Verb) -> Iterator[tuple[ReadRule, Action]]:
        """What was asked with these verbs, in the order of the rules."""
        return ((rule, action) for rule, action in self.done if action.verb in verbs)

    def has(self, verb: Verb) -> bool:
        """Whether this was asked."""
        return any(True for _ in self.of(verb))

    def value(self, verb: Verb) -> str:
        """With what the first rule asked it; empty when none did."""
        return next((action.value for _, action in self.of(verb)), "")

    @property
    def end(self) -> tuple[ReadRule, Action] | None:
        """The rule that ends the mail's way."""
        return next(self.of(*_ENDS), None)

    @property
    def words(self) -> str:
        """All of it, for people."""
        return "; ".join(f"{rule.name}: {action}" for rule, action in self.done)


def read_rule(rule: Rule) -> ReadRule:
    """Read a rule's words. Raises AskedWrongly for wrong ones."""
    if not rule.conditions or not rule.actions:
        raise AskedWrongly("A rule needs a condition (--if) and an action (--then)")
    return ReadRule(
        number=rule.id or 0,
        queue_id=rule.queue_id,
        conditions=tuple(parse_condition(words) for words in rule.conditions),
        actions=tuple(parse_action(words) for words in rule.actions),
        match_any=rule.match_any,
        for_all_mail=rule.for_all_mail,
        goes_on=rule.goes_on,
    )


def decide(rules: Sequence[ReadRule], facts: Facts, passed: Collection[str] = ()) -> Decision:
    """What the rules, in their order, say about a mail. `passed`: rules whose end of its way a person has waived."""
    done: list[tuple[ReadRule, Action]] = []
    for rule in rules:
        if not rule.holds(facts):
            continue
        actions = [action for action in rule.actions if action.verb not in _ENDS or rule.name not in passed]
        done += [(rule, action) for action in actions]
        is_over = any(action.verb in (Verb.STOP, *_ENDS) for action in actions)
        if is_over or (actions and not rule.goes_on):
            break
    return Decision(tuple(done))
