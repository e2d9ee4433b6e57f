"""Checks of a forward: a mail of ours is sent to the support inbox, and must come home to a creation address.

One at a time for an inbox. How the mail looks is `outbound.forward_check`, and how it is known again `gateway.intake`.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from config.errors import Refused
from storage.columns import Choice, Json, UtcDateTime


class CheckState(StrEnum):
    """What became of a check."""

    WAITING = "waiting"
    ARRIVED = "arrived"  # the forward works
    REFUSED = "refused"  # a server said no: to the mail, or to forwarding it
    LOST = "lost"  # nothing was heard of it in time


MOVES: dict[CheckState, frozenset[CheckState]] = {
    CheckState.WAITING: frozenset({CheckState.ARRIVED, CheckState.REFUSED, CheckState.LOST}),
    CheckState.ARRIVED: frozenset(),
    # A delayed mail may still come home: that it did is the better news.
    CheckState.REFUSED: frozenset({CheckState.ARRIVED}),
    CheckState.LOST: frozenset({CheckState.ARRIVED, CheckState.REFUSED}),
}
# Nobody waits longer for one; after it a new one may be sent.
PATIENCE = timedelta(minutes=15)


class ForwardCheck(SQLModel, table=True):
    """One check; its id is that of the mail in the outbox."""

    __tablename__ = "forward_check"

    id: str = Field(primary_key=True)
    queue_id: int = Field(foreign_key="queue.id", index=True)
    inbox: str = Field(index=True)  # canonical
    state: CheckState = Field(default=CheckState.WAITING, sa_column=sa.Column(Choice(CheckState), nullable=False))
    is_canary: bool = False  # sent by itself, not because a person asked
    sent_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    address: str = ""  # the creation address at which it came home
    source_inbox: str = ""  # which inbox its traces name
    evidence: str = ""
    kept: list[str] = Field(default_factory=list, sa_column=sa.Column(Json, nullable=False))  # fields as we wrote them
    changed: list[str] = Field(default_factory=list, sa_column=sa.Column(Json, nullable=False))  # lost or rewritten
    dkim: str = ""
    arc: str = ""
    refusal: str = ""


def begin_check(session: Session, check: ForwardCheck) -> ForwardCheck:
    """Store a check that is about to be sent. Raises Refused while another one for this inbox is under way."""
    latest = latest_check(session, check.inbox)
    if latest and latest.state is CheckState.WAITING:
        if now() - latest.sent_at < PATIENCE:
            raise Refused(f"A check of {check.inbox} is under way since {latest.sent_at:%H:%M:%S} UTC: wait for it")
        end_check(session, latest, CheckState.LOST)
    session.add(check)
    session.flush()
    return check


def end_check(session: Session, check: ForwardCheck, state: CheckState) -> bool:
    """Move a check to its end. False, and nothing changed, for a move that there is not."""
    if state not in MOVES[check.state]:
        return False
    check.state, check.ended_at = state, now()
    session.add(check)
    return True


def latest_check(session: Session, inbox: str) -> ForwardCheck | None:
    """The newest check of an inbox."""
    query = select(ForwardCheck).where(ForwardCheck.inbox == inbox).order_by(col(ForwardCheck.id).desc())
    return session.exec(query).first()


def check_before(session: Session, check: ForwardCheck) -> ForwardCheck | None:
    """The check of the same inbox that was sent before this one."""
    query = select(ForwardCheck).where(ForwardCheck.inbox == check.inbox, col(ForwardCheck.id) < check.id)
    return session.exec(query.order_by(col(ForwardCheck.id).desc())).first()


def late_checks(session: Session) -> list[ForwardCheck]:
    """Those that wait longer than anybody should."""
    query = select(ForwardCheck).where(
        ForwardCheck.state == CheckState.WAITING, col(ForwardCheck.sent_at) < now() - PATIENCE
    )
    return list(session.exec(query).all())
