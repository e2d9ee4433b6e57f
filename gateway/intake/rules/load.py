"""Rules between their table and their meaning: read once a batch, and refused when they are written wrongly."""

from pathlib import Path

from sqlmodel import Session

from config import maillog
from config.errors import AskedWrongly
from gateway.intake.rules.action import Verb
from gateway.intake.rules.decision import ReadRule, read_rule
from outbound.render import check_text_template
from storage.agents import find_agent
from storage.queues import find_queue, queue_key
from storage.rules import Rule, all_rules

# How words begin that end with the name of a queue.
_QUEUE_IS = ("queue equals ", "queue is ", "not queue equals ", "not queue is ")
_ROUTE = (f"{Verb.ROUTE} ",)


def load_rules(session: Session) -> list[ReadRule]:
    """All rules in their order. One that this version cannot read is passed over: mail must go on."""
    rules = []
    for rule in all_rules(session):
        try:
            rules.append(read_rule(rule))
        except AskedWrongly as error:
            maillog.trouble(f"rule {rule.id} is not asked", reason=str(error))
    return rules


def check_rule(session: Session, rule: Rule, templates: Path | None = None) -> None:
    """Refuse a rule that could never do what it says. Raises AskedWrongly, NotFound or BadConfiguration."""
    read = read_rule(rule)
    verbs = [action.verb for action in read.actions]
    if Verb.IGNORE in verbs and len(verbs) > 1:
        raise AskedWrongly("`ignore` leaves no ticket to which anything else could be done: it stands alone")
    if max(map(verbs.count, (Verb.ROUTE, Verb.ASSIGN, Verb.ANSWER))) > 1:
        raise AskedWrongly("A rule routes to one queue, assigns to one agent and answers once")
    if Verb.ANSWER in verbs and (Verb.NO_ACKNOWLEDGEMENT in verbs or Verb.HOLD in verbs):
        raise AskedWrongly(
            "`answer` stands in place of the acknowledgement: `no-acknowledgement` and `hold` silence it"
        )
    for action in read.actions:
        if action.verb is Verb.ROUTE:
            find_queue(session, action.value)
        elif action.verb in (Verb.ASSIGN, Verb.NOTIFY):
            find_agent(session, action.value)
        elif action.verb is Verb.ANSWER:
            check_text_template(action.value, templates)


def rename_in_rules(session: Session, old: str, new: str) -> None:
    """A queue has another name: rules that name it go on meaning it."""
    for rule in all_rules(session):
        rule.conditions = [
            _renamed(words, ("queue equals ", "queue is ", "not queue equals ", "not queue is "), old, new)
            for words in rule.conditions
        ]
        rule.actions = [_renamed(words, (f"{Verb.ROUTE} ",), old, new) for words in rule.actions]
        session.add(rule)
    session.flush()


def _renamed(words: str, beginnings: tuple[str, ...], old: str, new: str) -> str:
    for beginning in beginnings:
        if words.lower().startswith(beginning) and queue_key(words[len(beginning) :].strip('"')) == queue_key(old):
            return beginning + new
    return words
