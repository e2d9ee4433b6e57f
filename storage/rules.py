"""Rules: what people want done with mail that would open a ticket. Evaluating them is `gateway.intake.rules`."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, or_, select

from config.clock import now
from config.errors import NotFound
from storage.columns import Json, UtcDateTime
from storage.ids import MAX_NUMBER


class Rule(SQLModel, table=True):
    """Conditions and actions in the words in which they were written; the lowest position comes first."""

    id: int | None = Field(default=None, primary_key=True)
    queue_id: int | None = Field(default=None, foreign_key="queue.id", index=True)  # None: for all queues
    position: int
    conditions: list[str] = Field(sa_column=sa.Column(Json, nullable=False))  # "FIELD OP VALUE"
    actions: list[str] = Field(sa_column=sa.Column(Json, nullable=False))
    match_any: bool = False  # one condition is enough
    for_all_mail: bool = False  # also for mail that belongs to a ticket
    goes_on: bool = False  # later rules are asked too
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


# Made once: it is asked for every batch of mail.
_IN_ORDER = select(Rule).order_by(col(Rule.position))


def add_rule(session: Session, rule: Rule) -> Rule:
    """Store a rule behind the others."""
    last = session.exec(select(sa.func.max(Rule.position))).one()
    rule.position = (last or 0) + 1
    session.add(rule)
    session.flush()
    return rule


def all_rules(session: Session, queue_id: int | None = None) -> list[Rule]:
    """Every rule in the order in which they are asked; of one queue: those that its mail meets."""
    query = _IN_ORDER
    if queue_id is not None:
        query = query.where(or_(col(Rule.queue_id).is_(None), Rule.queue_id == queue_id))
    return list(session.exec(query).all())


def find_rule(session: Session, number: int) -> Rule:
    """The rule of this number. Raises NotFound."""
    rule = session.get(Rule, number) if abs(number) <= MAX_NUMBER else None
    if rule is None:
        raise NotFound(f"There is no rule {number}: see `gateway rule list`")
    return rule


def move_rule(session: Session, number: int, place: int) -> Rule:
    """Put a rule at a place among the others, 1 being the first; beyond the last one means last."""
    moved = find_rule(session, number)
    others = [rule for rule in all_rules(session) if rule.id != number]
    others.insert(max(place, 1) - 1, moved)
    for position, rule in enumerate(others, start=1):
        rule.position = position
        session.add(rule)
    session.flush()
    return moved


def remove_rule(session: Session, number: int) -> Rule:
    """Forget a rule."""
    rule = find_rule(session, number)
    session.delete(rule)
    session.flush()
    return rule
