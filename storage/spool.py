"""The spool: mail that was accepted, and for ever what became of it. The unit is the recipient.

One transaction over SMTP is one acceptance; it has one row a recipient, and the raw bytes are kept
once. A row is unique for (recipient, SHA-256 of the bytes), so a retry after a lost 250 makes nothing new.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from config.errors import NotFound, Refused
from storage.blobs import Blobs
from storage.columns import Choice, Json, UtcDateTime, partial_index
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
    """The bytes of a mail as received: here, or, when `content` is null, at a place of a pack or in their blob.

    By the acceptance that brought them, so that new ones stand together; by their digest they are found through
    the spool. An index of digests is in random order: of each mail it would write a page more.
    """

    acceptance_id: str = Field(primary_key=True)
    sha256: str
    size: int
    content: bytes | None = Field(default=None, sa_column=sa.Column(sa.LargeBinary, nullable=True))
    pack: str = ""  # the place, see `storage.packs`; empty: none, or no longer

    __table_args__ = (partial_index("ix_raw_pack", "pack", where="pack <> ''"),)


class Acceptance(SQLModel, table=True):
    """One 250 after DATA: the envelope (RFC 5321 section 2.3.1) and the facts of the session."""

    id: str = Field(primary_key=True)
    reverse_path: str = ""  # as given; empty is the null reverse-path
    helo: str = ""
    peer: str = ""
    protocol: str  # of RFC 3848 and RFC 6531: SMTP, ESMTP, ESMTPS, UTF8SMTP, LMTP ...; or inject, IMAP, import
    tls: str = ""  # version and cipher, as TLSv1.3 TLS_AES_256_GCM_SHA384; empty: in clear
    received_at: datetime = Field(sa_type=UtcDateTime)


class Spool(SQLModel, table=True):
    """One recipient of one acceptance. The first one's id is that of the acceptance, the next ones' end in -2, -3."""

    id: str = Field(primary_key=True)
    # No foreign key: acceptance, raw and row are written by one function, and each check would cost as much as a row.
    acceptance_id: str = Field(index=True)
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


class Arrival(NamedTuple):
    """A mail at the door. `recipients` are canonical; `content` is None when its bytes are elsewhere already."""

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
    pack: str = ""


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
    found = session.exec(select(Raw.content, Raw.pack).where(is_raw_of([digest])).limit(1)).first()
    if found is None:
        raise NotFound(f"There is no raw mail {digest}")
    content, pack = found
    return blobs.get(digest, pack) if content is None else content


def move_raw_to_blob(session: Session, digests: Sequence[str]) -> None:
    """Take bytes out of the hot table or their pack; their blobs are stored already."""
    if digests:
        session.exec(sa.update(Raw).where(is_raw_of(digests)).values(content=None, pack=""))


# In words, so that both databases see that the partial index serves.
_IN_A_PACK = sa.text("pack <> ''")


def packed(session: Session) -> list[tuple[str, str]]:
    """The digests and places of all that is in packs."""
    return list(session.exec(select(Raw.sha256, Raw.pack).where(_IN_A_PACK)).all())


def is_pack_needed(session: Session, pack: str) -> bool:
    """Whether a mail is in this pack that is no blob yet."""
    query = select(Raw.pack).where(_IN_A_PACK, col(Raw.pack).startswith(f"{pack}:"))
    return session.exec(query.limit(1)).first() is not None


def is_raw_of(digests: Sequence[str]) -> sa.ColumnElement[bool]:
    """Whether a raw has one of these digests, asked of the index that there is."""
    accepted = select(Spool.acceptance_id).where(col(Spool.sha256).in_(digests))
    return col(Raw.acceptance_id).in_(accepted)


def count_fates(session: Session) -> dict[SpoolState, int]:
    """How many recipients stand where."""
    rows = session.exec(select(Spool.state, sa.func.count()).group_by(col(Spool.state))).all()
    return {SpoolState(state): count for state, count in rows}
