"""An action of a rule: `ignore`, `route Billing`, `assign ann@company.example`, `tag urgent-client` ..."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from config.errors import AskedWrongly
from storage.tags import canonical_tag
from storage.tickets import Priority


class Verb(StrEnum):
    """What a rule may do."""

    IGNORE = "ignore"  # no ticket; the mail stays readable
    HOLD = "hold"  # a person decides
    ROUTE = "route"  # to another queue, assigned to nobody
    ASSIGN = "assign"  # to an agent
    NEW = "new"  # a ticket of its own, whatever the queue's policy says
    TAG = "tag"
    PRIORITY = "priority"
    NOTIFY = "notify"  # tell an agent by mail, whatever else he wants to hear
    ANSWER = "answer"  # by itself, with a template, in place of the acknowledgement
    NO_ACKNOWLEDGEMENT = "no-acknowledgement"
    STOP = "stop"  # ask no later rule, also where this one goes on


_WITH_VALUE = {
    Verb.ROUTE: "QUEUE",
    Verb.ASSIGN: "EMAIL",
    Verb.TAG: "TAG",
    Verb.PRIORITY: "PRIORITY",
    Verb.NOTIFY: "EMAIL",
    Verb.ANSWER: "TEMPLATE",
}


@dataclass(frozen=True, slots=True)
class Action:
    """A verb with what it needs; empty where it needs nothing."""

    verb: Verb
    value: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.value}".strip()


@lru_cache(maxsize=2000)
def parse_action(words: str) -> Action:
    """Read an action. Whether its queue or agent exists is asked by who stores it. Raises AskedWrongly."""
    name, _, value = words.strip().partition(" ")
    value = value.strip()
    if name.lower() not in tuple(Verb):
        raise AskedWrongly(f"{name!r} is none of {', '.join(Verb)}")
    verb = Verb(name.lower())
    if verb not in _WITH_VALUE and value:
        raise AskedWrongly(f"`{verb}` stands alone, without {value!r}")
    if verb in _WITH_VALUE and not value:
        raise AskedWrongly(f"`{verb}` needs a value: `{verb} {_WITH_VALUE[verb]}`")
    if verb is Verb.PRIORITY and value.lower() not in tuple(Priority):
        raise AskedWrongly(f"priority: {value!r} is none of {', '.join(Priority)}")
    if verb is Verb.TAG:
        return Action(verb, canonical_tag(value))
    return Action(verb, value.lower() if verb is Verb.PRIORITY else value)
