"""Who works on which mail of the spool: claims under a lease, and what came of them.

A worker that dies loses its lease and nothing else. Two workers never have the same mail: rows are taken with
SKIP LOCKED on PostgreSQL and by the one writer on SQLite.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from config.clock import now
from storage.bulk import BulkUpdate
from storage.columns import table_of
from storage.spool import Acceptance, Raw, Spool, SpoolState

_SPOOL, _RAW, _ACCEPTANCE = table_of(Spool), table_of(Raw), table_of(Acceptance)
# Written out, so that both databases see that the partial index serves.
_WAITING = sa.text("state IN ('received', 'failed')")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that this worker files now."""

    id: str
    acceptance_id: str
    recipient: str
    sha256: str
    content: bytes | None  # None: at a place of a pack, or in the blob of its digest
    reverse_path: str
    received_at: datetime
    attempts: int
    passed: tuple[str, ...]
    size: int = 0
    peer: str = ""  # the facts of the session: its address
    helo: str = ""
    protocol: str = ""
    tls: str = ""
    pack: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a mail."""

    id: str
    state: SpoolState
    reason: str
    trace: list[list[str]]
    message_id: int | None = None
    storm_of: str = ""  # held because of this author's storm


# Statements are made once: SQLAlchemy takes ten times as long to build one as the database to run it.
_FREE = sa.or_(
    _SPOOL.c.lease_until.is_(None),
    _SPOOL.c.lease_until < sa.bindparam("at"),
    # A lease that lies further ahead than any that we give was set by a wrong clock: it counts as over.
    _SPOOL.c.lease_until > sa.bindparam("too_far"),
)
_CLAIMABLE = (
    sa.select(_SPOOL.c.id, _SPOOL.c.attempts)
    .where(_WAITING, _FREE)
    .order_by(_SPOOL.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(skip_locked=True)
)
_AMONG = _SPOOL.c.id.in_(sa.bindparam("ids", expanding=True))
_LEASE = sa.update(_SPOOL).where(_AMONG).values(lease_owner=sa.bindparam("owner"), lease_until=sa.bindparam("until"))
_TAKEN = (
    sa.select(
        _SPOOL.c.id,
        _SPOOL.c.acceptance_id,
        _SPOOL.c.recipient,
        _SPOOL.c.sha256,
        _SPOOL.c.attempts,
        _SPOOL.c.passed,
        _RAW.c.content,
        _RAW.c.pack,
        _RAW.c.size,
        _ACCEPTANCE.c.reverse_path,
        _ACCEPTANCE.c.received_at,
        _ACCEPTANCE.c.peer,
        _ACCEPTANCE.c.helo,
        _ACCEPTANCE.c.protocol,
        _ACCEPTANCE.c.tls,
    )
    .join(_ACCEPTANCE, _ACCEPTANCE.c.id == _SPOOL.c.acceptance_id)
    .join(_RAW, _RAW.c.acceptance_id == _SPOOL.c.acceptance_id)
    .where(_AMONG)
    .order_by(_SPOOL.c.id)
)
_STILL_OURS = (
    sa.select(_SPOOL.c.id)
    .where(_AMONG, _SPOOL.c.lease_owner == sa.bindparam("owner"), _WAITING)
    .order_by(_SPOOL.c.id)
    .with_for_update()
)
_SETTLE = BulkUpdate(
    Spool,
    ("state", "reason", "trace", "message_id", "storm_of", "settled_at"),
    keys=("id", "lease_owner"),
    fixed={"lease_owner": "", "lease_until": None},
    where="spool.state IN ('received', 'failed')",
)


def claim(session: Session, owner: str, limit: int, lease_seconds: float) -> list[Claimed]:
    """Take the oldest waiting mails under a lease. A mail that was tried before is taken alone."""
    at, connection = now(), session.connection()
    too_far = at + timedelta(seconds=2 * lease_seconds)
    rows = connection.execute(_CLAIMABLE, {"at": at, "too_far": too_far, "most": limit}).all()
    taken = _alone_if_tried([(row.id, row.attempts) for row in rows])
    if not taken:
        return []
    until = at + timedelta(seconds=lease_seconds)
    connection.execute(_LEASE, {"ids": taken, "owner": owner, "until": until})
    return mails_of_rows(session, taken)


def mails_of_rows(session: Session, ids: Sequence[str]) -> list[Claimed]:
    """Mails with their envelopes and bytes, the oldest first, whoever works on them."""
    return [
        Claimed(
            id=row.id,
            acceptance_id=row.acceptance_id,
            recipient=row.recipient,
            sha256=row.sha256,
            content=row.content,
            reverse_path=row.reverse_path,
            received_at=row.received_at,
            attempts=row.attempts,
            passed=tuple(row.passed),
            size=row.size,
            peer=row.peer,
            helo=row.helo,
            protocol=row.protocol,
            tls=row.tls,
            pack=row.pack,
        )
        for row in session.connection().execute(_TAKEN, {"ids": ids})
    ]


def _alone_if_tried(rows: Sequence[tuple[str, int]]) -> list[str]:
    fresh: list[str] = []
    for id_, attempts in rows:
        if attempts:
            return fresh or [id_]
        fresh.append(id_)
    return fresh


def count_attempt(session: Session, owner: str, id_: str, error: str) -> None:
    """Note that filing a mail has failed; it is tried again, alone."""
    failed = sa.update(_SPOOL).where(_SPOOL.c.id == id_, _SPOOL.c.lease_owner == owner, _WAITING)
    session.connection().execute(
        failed.values(
            state=SpoolState.FAILED, attempts=_SPOOL.c.attempts + 1, reason=error, lease_owner="", lease_until=None
        )
    )


def still_ours(session: Session, owner: str, ids: Sequence[str]) -> set[str]:
    """Which of these mails `owner` still holds; they cannot be taken from him before this transaction ends."""
    return set(session.connection().execute(_STILL_OURS, {"ids": ids, "owner": owner}).scalars())


def recover(session: Session, is_dead: Callable[[str], bool], died_alone: Callable[[str], bool]) -> int:
    """Take back what dead workers held; returns how many mails.

    A mail that its worker held alone has probably killed it: that attempt counts. One of many is only
    suspected: it is claimed alone from now on. A worker that did not die alone (a power cut, the whole gateway was
    killed) says nothing about its mails.
    """
    owners = session.connection().execute(
        sa.select(_SPOOL.c.lease_owner, sa.func.count())
        .where(_WAITING, _SPOOL.c.lease_owner != "")
        .group_by(_SPOOL.c.lease_owner)
    )
    taken = 0
    for owner, count in owners.all():
        if not is_dead(owner):
            continue
        if died_alone(owner):
            _suspect(session, owner, is_alone=count == 1)
        give_back(session, owner)
        taken += count
    return taken


def _suspect(session: Session, owner: str, *, is_alone: bool) -> None:
    tried = _SPOOL.c.attempts
    attempts = tried + 1 if is_alone else sa.case((tried > 0, tried), else_=1)
    held = sa.update(_SPOOL).where(_WAITING, _SPOOL.c.lease_owner == owner)
    session.connection().execute(held.values(attempts=attempts))


def give_back(session: Session, owner: str) -> None:
    """End all leases of a worker that stops or has died."""
    held = sa.update(_SPOOL).where(_WAITING, _SPOOL.c.lease_owner == owner)
    session.connection().execute(held.values(lease_owner="", lease_until=None))


def settle(session: Session, owner: str, results: Iterable[Settled]) -> int:
    """Write what became of mails that `owner` has claimed; a mail whose lease was lost meanwhile is passed over."""
    at = now()
    rows = [(r.state, r.reason, r.trace, r.message_id, r.storm_of, at, r.id, owner) for r in results]
    return _SETTLE.run(session.connection(), rows)
