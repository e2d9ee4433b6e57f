"""`gateway rule`: what is done by itself with mail that would open a ticket."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly
from gateway.cli import rule_try
from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson, taking
from gateway.cli.printing import answer, say_json, table

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.rules import Rule

app = Noun("Rules: what is done by itself with mail. The first that holds wins.")
Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The rule's number.")]


@dataclass(frozen=True, slots=True)
class Words:
    """What a rule says; what is not given stays."""

    conditions: Annotated[
        list[str] | None,
        typer.Option(
            "--if",
            metavar='"FIELD OP VALUE"',
            help="A condition; may be given again. Fields: from, domain, to, source-inbox, subject, body, header:NAME, "
            "kind, authenticity, attachment, has-attachment, size, contact-known, queue, office-hours. "
            "OP: equals, contains, matches; over and under for size. `not` in front turns it round.",
        ),
    ] = None
    actions: Annotated[
        list[str] | None,
        typer.Option(
            "--then",
            metavar="ACTION",
            help="ignore, hold, route QUEUE, assign EMAIL, notify EMAIL, answer TEMPLATE, new, tag T, priority P, "
            "no-acknowledgement, stop; may be given again.",
        ),
    ] = None
    match_any: Annotated[bool | None, typer.Option("--any/--every", help="One condition is enough.")] = None
    queue: Annotated[
        str | None, typer.Option("--queue", metavar="QUEUE", help="For this queue only; `all` is every queue.")
    ] = None
    scope: Annotated[
        str | None, typer.Option(metavar="new|all", help="Mail that would open a ticket, or answers too.")
    ] = None
    goes_on: Annotated[bool | None, typer.Option("--continue/--last", help="Later rules are asked too, or not.")] = None


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule as it is shown."""

    id: int
    position: int
    queue: str | None  # null: every queue
    conditions: list[str]
    any: bool
    actions: list[str]
    scope: str
    continues: bool


@app.verb("add", "gateway rule add --if 'subject contains newsletter' --then ignore")
@taking(Words)
def add(
    ctx: typer.Context,
    words: Words,
    try_last: Annotated[
        int | None, typer.Option("--try", min=1, metavar="N", help="Only show what it changes for the last N mails.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a rule behind the others; a wrong one is refused."""
    with open_desk(ctx) as desk:
        from storage.rules import Rule, add_rule

        if try_last:
            rule_try.try_rule(desk, _built(desk, words), try_last, as_json)
            return
        with desk.writing() as session:
            rule = Rule(position=0, conditions=[], actions=[])
            _apply(desk, session, rule, words)
            view = _view(session, add_rule(session, rule))
        answer(view, as_json, f"Rule {view.id} is there: {_words(view)}.")


def _built(desk: Desk, words: Words) -> "Rule":
    from storage.rules import Rule

    with desk.reading() as session:
        rule = Rule(position=0, conditions=[], actions=[])
        _apply(desk, session, rule, words)
    return rule


def _apply(desk: Desk, session: "Session", rule: "Rule", words: Words) -> None:
    """Change what is given. Raises AskedWrongly or NotFound; then nothing is stored."""
    from gateway.intake.rules.load import check_rule
    from storage.queues import find_queue

    if words.scope not in (None, "new", "all"):
        raise AskedWrongly(f"--scope: {words.scope!r} is none of new, all")
    rule.conditions = words.conditions or rule.conditions
    rule.actions = words.actions or rule.actions
    rule.match_any = rule.match_any if words.match_any is None else words.match_any
    rule.goes_on = rule.goes_on if words.goes_on is None else words.goes_on
    rule.for_all_mail = rule.for_all_mail if words.scope is None else words.scope == "all"
    if words.queue is not None:
        rule.queue_id = None if words.queue == "all" else find_queue(session, words.queue).number
    check_rule(session, rule, desk.settings.outbound.templates)


@app.verb("list", "gateway rule list --queue Support")
def list_(
    ctx: typer.Context,
    queue: Annotated[str | None, typer.Option(metavar="QUEUE", help="Those that its mail meets.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the rules in the order in which they are asked."""
    with open_desk(ctx) as desk:
        views = _views(desk, queue)
        if as_json:
            say_json(views)
            return
        table(
            ("N", "PLACE", "QUEUE", "IF", "THEN", "SCOPE"),
            [(str(v.id), str(v.position), v.queue or "all", _condition(v), _then(v), v.scope) for v in views],
            empty="No rule yet: add one with `gateway rule add`",
        )


def _views(desk: Desk, queue: str | None) -> list[RuleView]:
    from storage.queues import find_queue
    from storage.rules import all_rules

    with desk.reading() as session:
        of = find_queue(session, queue).number if queue else None
        return [_view(session, rule) for rule in all_rules(session, of)]


@app.verb("move", "gateway rule move 3 1")
def move(
    ctx: typer.Context,
    number: Number,
    place: Annotated[int, typer.Argument(metavar="PLACE", min=1, help="1 is asked first.")],
    as_json: AsJson = False,
) -> None:
    """Put a rule at another place in the order."""
    with open_desk(ctx) as desk:
        from storage.rules import move_rule

        with desk.writing() as session:
            view = _view(session, move_rule(session, number, place))
        answer(view, as_json, f"Rule {view.id} is asked at place {view.position}.")


@app.verb("edit", "gateway rule edit 3 --then 'route Billing'")
@taking(Words)
def edit(ctx: typer.Context, number: Number, words: Words, as_json: AsJson = False) -> None:
    """Change a rule; conditions and actions that are given take the place of the old ones."""
    with open_desk(ctx) as desk:
        from storage.rules import find_rule

        with desk.writing() as session:
            rule = find_rule(session, number)
            _apply(desk, session, rule, words)
            session.add(rule)
            session.flush()
            view = _view(session, rule)
        answer(view, as_json, f"Rule {view.id} is changed: {_words(view)}.")


app.verb("test", "gateway rule test --last 500")(rule_try.try_out)


@app.verb("remove", "gateway rule remove 3")
def remove(ctx: typer.Context, number: Number, as_json: AsJson = False) -> None:
    """Forget a rule; what it did stays done."""
    with open_desk(ctx) as desk:
        from storage.rules import find_rule, remove_rule

        with desk.writing() as session:
            view = _view(session, find_rule(session, number))
            remove_rule(session, number)
        answer(view, as_json, f"Rule {view.id} is gone: {_words(view)}.")


def _condition(view: RuleView) -> str:
    return (" or " if view.any else " and ").join(view.conditions)


def _then(view: RuleView) -> str:
    return ", ".join(view.actions) + (", go on" if view.continues else "")


def _words(view: RuleView) -> str:
    return f"if {_condition(view)} then {_then(view)}"


def _view(session: "Session", rule: "Rule") -> RuleView:
    from storage.queues import Queue

    return RuleView(
        id=rule.id or 0,
        position=rule.position,
        queue=session.get_one(Queue, rule.queue_id).name if rule.queue_id else None,
        conditions=rule.conditions,
        any=rule.match_any,
        actions=rule.actions,
        scope="all" if rule.for_all_mail else "new",
        continues=rule.goes_on,
    )
