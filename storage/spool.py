"""The spool: mail that was accepted, and for ever what became of it. The unit is the recipient.

One transaction over SMTP is one acceptance; it has one row a recipient, and the raw bytes are kept
once. A row is unique for (recipient, SHA-256 of the bytes), so a retry after a lost 250 makes nothing new.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from config.errors import NotFound, Refused
from storage.blobs import Blobs
from storage.bulk import BulkInsert
from storage.columns import Choice, Json, UtcDateTime, partial_index
from storage.ids import new_id
from storage.messages import Message


class SpoolState(StrEnum):
    """Where a mail stands; all but the first two are fates."""

    RECEIVED = "received"  # waits to be filed
    FAILED = "failed"  # its worker died; tried again
    FILED = "filed"
    IGNORED = "ignored"  # by a rule, a block or a person
    HELD = "held"  # waits for a person
    DUPLICATE = "duplicate"
    LOOP = "loop"  # our own mail came home
    REPORT = "report"  # a delivery report that belongs to no ticket
    SETUP = "setup"  # a provider's question whether mail may be forwarded to us
    QUARANTINED = "quarantined"  # could not be read; filed as an unreadable message


WAITING = (SpoolState.RECEIVED, SpoolState.FAILED)
# What holds for mail of the past: see `waive`.
OLD_MAIL_PASSES = ("flood", "repetition", "acknowledge")
FATES = tuple(state for state in SpoolState if state not in WAITING)

MOVES: dict[SpoolState, frozenset[SpoolState]] = {
    SpoolState.RECEIVED: frozenset({*FATES, SpoolState.FAILED}),
    SpoolState.FAILED: frozenset({*FATES, SpoolState.FAILED, SpoolState.RECEIVED}),
    SpoolState.HELD: frozenset({SpoolState.RECEIVED, SpoolState.IGNORED}),
    SpoolState.QUARANTINED: frozenset({SpoolState.RECEIVED, SpoolState.IGNORED}),
    SpoolState.FILED: frozenset(),
    SpoolState.IGNORED: frozenset({SpoolState.RECEIVED}),
    SpoolState.DUPLICATE: frozenset(),
    SpoolState.LOOP: frozenset(),
    SpoolState.REPORT: frozenset(),
    SpoolState.SETUP: frozenset(),
}


class Raw(SQLModel, table=True):
    """The bytes of a mail as received, by SHA-256: here, or in the blob of that digest when `content` is null."""

    sha256: str = Field(primary_key=True)
    size: int
    content: bytes | None = Field(default=None, sa_column=sa.Column(sa.LargeBinary, nullable=True))


class Acceptance(SQLModel, table=True):
    """One 250 after DATA: the envelope (RFC 5321 section 2.3.1) and the facts of the session."""

    id: str = Field(primary_key=True)
    sha256: str  # found by it through the spool: one index in random order less for each mail to write
    reverse_path: str = ""  # as given; empty is the null reverse-path
    helo: str = ""
    peer: str = ""
    protocol: str  # of RFC 3848 and RFC 6531: SMTP, ESMTP, ESMTPS, UTF8SMTP, LMTP ...; or inject, IMAP, import
    tls: str = ""  # version and cipher, as TLSv1.3 TLS_AES_256_GCM_SHA384; empty: in clear
    received_at: datetime = Field(sa_type=UtcDateTime)


class Spool(SQLModel, table=True):
    """One recipient of one acceptance. The first one's id is that of the acceptance, the next ones' end in -2, -3."""

    id: str = Field(primary_key=True)
    acceptance_id: str = Field(foreign_key="acceptance.id", index=True)
    recipient: str  # canonical
    sha256: str
    state: SpoolState = Field(sa_column=sa.Column(Choice(SpoolState), nullable=False))
    reason: str = ""
    trace: list[list[str]] = Field(
        sa_column=sa.Column(Json, nullable=False)
    )  # [[what was asked, the answer, why], ...]
    passed: list[str] = Field(sa_column=sa.Column(Json, nullable=False))  # checks that were waived for it
    storm_of: str = ""  # the author because of whose storm it was held, canonical
    message_id: int | None = None
    attempts: int = 0
    lease_owner: str = ""
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (
        sa.UniqueConstraint("sha256", "recipient"),
        # Small and hot: only what waits is in it, however many mails there have been.
        partial_index("ix_spool_waiting", "id", where="state IN ('received', 'failed')"),
        sa.Index("ix_spool_state", "state", "settled_at"),
        partial_index("ix_spool_storm", "storm_of", "id", where="state = 'held'"),
    )


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail at the door. `recipients` are canonical; `content` is None when the bytes are a blob already."""

    reverse_path: str
    recipients: tuple[str, ...]
    sha256: str
    size: int
    content: bytes | None
    received_at: datetime
    peer: str = ""
    helo: str = ""
    protocol: str = "ESMTP"
    tls: str = ""


# In the order in which `accept` fills them. What a waiting mail has no value for stays null.
_INSERT_RAW = BulkInsert(Raw, ("sha256", "size", "content"))
_INSERT_ACCEPTANCE = BulkInsert(
    Acceptance, ("id", "sha256", "reverse_path", "helo", "peer", "protocol", "tls", "received_at")
)
_INSERT_SPOOL = BulkInsert(
    Spool,
    ("recipient", "sha256", "id", "acceptance_id"),
    fixed={
        "state": SpoolState.RECEIVED,
        "reason": "",
        "trace": [],
        "passed": [],
        "storm_of": "",
        "attempts": 0,
        "lease_owner": "",
    },
)


def accept(connection: sa.Connection, arrivals: Sequence[Arrival]) -> list[str]:
    """Store mails; returns the id to name in each 250. Only after the commit are they kept.

    A mail that is there already for all its recipients answers the id of its first acceptance.
    """
    mails = [(new_id(), arrival) for arrival in arrivals]
    # Sorted by key, so that two processes never wait for each other in a circle.
    raws = {a.sha256: (a.sha256, a.size, a.content) for a in arrivals}
    _INSERT_RAW.run(connection, [raws[digest] for digest in sorted(raws)])
    _INSERT_ACCEPTANCE.run(
        connection,
        [(id_, a.sha256, a.reverse_path, a.helo, a.peer, a.protocol, a.tls, a.received_at) for id_, a in mails],
    )
    rows = sorted(row for id_, arrival in mails for row in _spool_rows(id_, arrival))
    if _INSERT_SPOOL.run(connection, rows) == len(rows):
        return [id_ for id_, _ in mails]
    return [_first_acceptance(connection, id_, arrival) for id_, arrival in mails]


def _spool_rows(acceptance_id: str, arrival: Arrival) -> list[tuple[str, str, str, str]]:
    return [
        (recipient, arrival.sha256, acceptance_id if place == 1 else f"{acceptance_id}-{place}", acceptance_id)
        for place, recipient in enumerate(dict.fromkeys(arrival.recipients), start=1)
    ]


def _first_acceptance(connection: sa.Connection, acceptance_id: str, arrival: Arrival) -> str:
    """The id to answer when some rows were there: our own when it has a new row, else the oldest one."""
    query = sa.select(col(Spool.acceptance_id)).where(
        col(Spool.sha256) == arrival.sha256, col(Spool.recipient).in_(arrival.recipients)
    )
    found = set(connection.execute(query).scalars())
    if acceptance_id in found:
        return acceptance_id
    connection.execute(sa.delete(Acceptance).where(col(Acceptance.id) == acceptance_id))
    return min(found)


def waive(connection: sa.Connection, acceptance_ids: Sequence[str], checks: Sequence[str]) -> None:
    """Let what waits pass these checks: old mail that a person has asked for is no storm, and is not acknowledged."""
    waived = sa.update(Spool).where(
        col(Spool.acceptance_id).in_(acceptance_ids), col(Spool.state) == SpoolState.RECEIVED
    )
    connection.execute(waived.values(passed=list(checks)))


def known_digests(connection: sa.Connection, recipient: str, digests: Sequence[str]) -> set[str]:
    """Which of these mails this recipient has already."""
    query = sa.select(col(Spool.sha256)).where(col(Spool.recipient) == recipient, col(Spool.sha256).in_(digests))
    return set(connection.execute(query).scalars())


def find_rows(session: Session, id_: str) -> list[Spool]:
    """The row of this id, or all rows of the acceptance of this id. Raises NotFound."""
    query = select(Spool).where(sa.or_(col(Spool.id) == id_, col(Spool.acceptance_id) == id_)).order_by(col(Spool.id))
    rows = list(session.exec(query).all())
    if not rows:
        raise NotFound(f"There is no mail {id_}: see `gateway mail list`")
    return rows


def list_rows(session: Session, state: SpoolState, limit: int = 100) -> list[tuple[Spool, Acceptance]]:
    """Mails of one fate with their envelopes, the newest first."""
    query = (
        select(Spool, Acceptance)
        .join(Acceptance, col(Acceptance.id) == Spool.acceptance_id)
        .where(Spool.state == state)
        .order_by(col(Spool.id).desc())
        .limit(limit)
    )
    return list(session.exec(query).all())


def release(session: Session, row: Spool) -> None:
    """Let a held or quarantined mail go on; the check that stopped it does not stop it again."""
    check = row.reason.partition(":")[0]
    _move(session, row, SpoolState.RECEIVED)
    # What was filed for it as unreadable stays; the mail itself gets a message of its own.
    session.exec(sa.update(Message).where(col(Message.spool_id) == row.id).values(spool_id=None))
    row.message_id = None
    row.passed = [*row.passed, check]
    row.attempts = 0


def drop(session: Session, row: Spool, by: str) -> None:
    """Decide that a held or quarantined mail makes no ticket."""
    _move(session, row, SpoolState.IGNORED)
    row.reason = f"dropped: by {by}"
    row.trace = [*row.trace, ["dropped", "ignored", f"by {by}"]]
    row.settled_at = now()


def drop_old_held(session: Session, check: str, before: datetime, limit: int = 500) -> int:
    """Ignore what a check has held since before then, and nobody has released; returns how many, `limit` at most."""
    query = select(Spool).where(Spool.state == SpoolState.HELD, col(Spool.settled_at) < before)
    rows = session.exec(query.where(col(Spool.reason).startswith(f"{check}: ")).limit(limit)).all()
    for row in rows:
        why = f"nobody released it since {row.settled_at:%Y-%m-%d}"
        _move(session, row, SpoolState.IGNORED)
        row.reason = f"expired: {why}"
        row.trace = [*row.trace, ["expired", "ignored", why]]
        row.settled_at = now()
    session.flush()
    return len(rows)


def _move(session: Session, row: Spool, to: SpoolState) -> None:
    if to not in MOVES[row.state]:
        raise Refused(f"Mail {row.id} is {row.state}; only held or quarantined mail can be released or dropped")
    row.state, row.settled_at = to, None
    session.add(row)


def raw_bytes(session: Session, blobs: Blobs, digest: str) -> bytes:
    """The mail as it was received. Raises NotFound, or Damaged when its blob is."""
    raw = session.get(Raw, digest)
    if raw is None:
        raise NotFound(f"There is no raw mail {digest}")
    return blobs.get(digest) if raw.content is None else raw.content


def move_raw_to_blob(session: Session, digests: Sequence[str]) -> None:
    """Take bytes out of the hot table; their blobs are stored already."""
    if digests:
        session.exec(sa.update(Raw).where(col(Raw.sha256).in_(digests)).values(content=None))


def count_fates(session: Session) -> dict[SpoolState, int]:
    """How many recipients stand where."""
    rows = session.exec(select(Spool.state, sa.func.count()).group_by(col(Spool.state))).all()
    return {SpoolState(state): count for state, count in rows}
