"""What the rules do to a mail and to its ticket while it is filed."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from gateway.intake.case import Case, Verdict
from gateway.intake.desk import Desk
from gateway.intake.place import Place
from gateway.intake.rules.action import Verb
from gateway.intake.rules.decision import Decision, decide
from gateway.intake.rules.facts import Facts
from storage.address import canonical_address
from storage.queues import Queue, queue_key
from storage.spool import SpoolState
from storage.tickets import Priority, Ticket

_FATES = {Verb.IGNORE: SpoolState.IGNORED, Verb.HOLD: SpoolState.HELD}


def ask_rules(case: Case, desk: Desk, *, is_answer: bool) -> Decision:
    """What the rules say about a mail; what they did stands in the trace."""
    if not desk.rules:
        return Decision()
    decision = decide(desk.rules, facts_of(case, desk, is_answer=is_answer), case.claimed.passed)
    why = "; ".join(dict.fromkeys(f"{rule.name} is about {rule.words}" for rule, _ in decision.done))
    case.note("rules", decision.words or "none", why)
    return decision


def facts_of(case: Case, desk: Desk, *, is_answer: bool) -> Facts:
    """What a rule may ask about a mail that is being filed."""
    person = desk.people.get(case.author)
    return Facts(
        mail=case.mail,
        author=case.author,
        recipient=case.claimed.recipient,
        source_inbox=case.source_inbox,
        queue=case.queue.name,
        queue_id=case.queue.number,
        identity=case.authentication.identity,
        size=case.claimed.size,
        is_known=bool(person and person.known),
        received=case.claimed.received_at.astimezone(ZoneInfo(desk.office.settings.time_zone)),
        is_answer=is_answer,
    )


def verdict_of(decision: Decision) -> Verdict | None:
    """The fate that a rule gives, named by the rule."""
    if decision.end is None:
        return None
    rule, action = decision.end
    return Verdict(_FATES[action.verb], rule.name, f"{action.verb}: {rule.words}")


def ruled(case: Case, desk: Desk, decision: Decision) -> Case:
    """The mail as the rules want it filed: in which queue, who is told, and how it may be answered."""
    if not decision.done:
        return case
    queue = _queue(case, desk, decision) or case.queue
    silenced = next(decision.of(Verb.NO_ACKNOWLEDGEMENT), None)
    told = (desk.agents.get(canonical_address(action.value) or "") for _, action in decision.of(Verb.NOTIFY))
    return replace(
        case,
        queue=queue,
        template=decision.value(Verb.ANSWER),
        silenced_by=silenced[0].name if silenced else "",
        tells=tuple(dict.fromkeys(agent for agent in told if agent)),
    )


def _queue(case: Case, desk: Desk, decision: Decision) -> Queue | None:
    name = decision.value(Verb.ROUTE)
    found = next((queue for queue in desk.queues.values() if queue.key == queue_key(name)), None) if name else None
    if name and found is None:
        case.note("rules", "not routed", f"there is no queue {name!r} any more")
    return found


def place_by(decision: Decision, place: Place, *, is_answer: bool) -> Place:
    """A ticket of its own where a rule wants one; it stays linked to the one that it answers."""
    if not decision.has(Verb.NEW) or place.ticket is None:
        return place
    return Place(None, "a rule wants a new ticket", linked_to=place.ticket.id if is_answer else None)


def change_ticket(case: Case, desk: Desk, ticket: Ticket, decision: Decision) -> None:
    """Route, assign, tag and rank the ticket that the mail was filed in."""
    if not decision.done:
        return
    if decision.has(Verb.ROUTE):
        desk.move_ticket(ticket, case.queue)
    _assign(case, desk, ticket, decision)
    for _rule, action in decision.of(Verb.TAG):
        desk.add_tag(ticket, action.value)
    priority = decision.value(Verb.PRIORITY)
    if priority and ticket.priority != priority:
        desk.add_event(ticket, "priority", f"{ticket.priority} -> {priority}")
        ticket.priority = Priority(priority)


def _assign(case: Case, desk: Desk, ticket: Ticket, decision: Decision) -> None:
    email = decision.value(Verb.ASSIGN)
    if not email:
        return
    agent_id = desk.agents.get(canonical_address(email) or "")
    if agent_id is None:
        case.note("rules", "not assigned", f"{email} is no agent any more")
        return
    desk.assign(ticket, agent_id, email)
