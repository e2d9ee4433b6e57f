"""Prove that every accepted recipient is accounted for, and that nothing which the tables name is gone.

Reads everything and changes nothing; the content of blobs is not hashed here, only their presence asked.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.blobs import Blobs
from storage.database import Database
from storage.erasure import ErasedMail
from storage.messages import Message, MessageAttachment
from storage.outbox import DeliveryState
from storage.outbox_view import count_states
from storage.spool import FATES, Acceptance, Raw, Spool, SpoolState, count_fates

# Rows that are in memory at a time.
_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Audit:
    """The sum of all mail. `missing` names what should be there and is not; the words of `why` say what."""

    accepted: int  # recipients, also those of `missing`
    fates: dict[SpoolState, int]
    pending: int
    outgoing: dict[DeliveryState, int]
    missing: list[str]
    why: dict[str, str]
    ok: bool


def audit(database: Database, blobs: Blobs) -> Audit:
    """Count and check everything, on one snapshot of the database."""
    with database.reading() as session:
        states = count_fates(session)
        outgoing = count_states(session)
        rows = session.exec(select(sa.func.count()).select_from(Spool)).one()
        orphans = _acceptances_without_rows(session)
        why = dict.fromkeys(orphans, "acceptance without a spool row")
        why |= dict.fromkeys(_filed_without_message(session), "filed, and its message does not exist")
        why |= _gone_raws(session, blobs)
        why |= _gone_attachments(session, blobs)
    fates = {state: states.get(state, 0) for state in FATES}
    pending = sum(count for state, count in states.items() if state not in FATES)
    accepted = rows + len(orphans)
    return Audit(
        accepted=accepted,
        fates=fates,
        pending=pending,
        outgoing={state: outgoing.get(state, 0) for state in DeliveryState},
        missing=sorted(why),
        why=why,
        ok=not why and accepted == sum(fates.values()) + pending,
    )


def _acceptances_without_rows(session: Session) -> list[str]:
    row = select(Spool.id).where(Spool.acceptance_id == Acceptance.id)
    return list(session.exec(select(Acceptance.id).where(~row.exists())).all())


def _filed_without_message(session: Session) -> list[str]:
    message = select(Message.id).where(Message.id == Spool.message_id)
    query = select(Spool.id).where(Spool.state == SpoolState.FILED, ~message.exists())
    return list(session.exec(query).all())


def _gone_raws(session: Session, blobs: Blobs) -> dict[str, str]:
    """Spool rows whose raw mail is gone: no row, or a row that says blob and no blob."""
    raw = select(Raw.acceptance_id).where(Raw.acceptance_id == Spool.acceptance_id)
    erased = select(ErasedMail.tombstone).where(ErasedMail.tombstone == Spool.sha256)  # somebody wanted that
    without = session.exec(select(Spool.id).where(~raw.exists(), ~erased.exists())).all()
    gone = dict.fromkeys(without, "its raw mail is gone")
    same = col(Raw.acceptance_id) == Spool.acceptance_id
    query = select(Spool.id, Spool.sha256, Raw.pack).join(Raw, same).where(col(Raw.content).is_(None))
    for id_, digest, pack in session.exec(query.execution_options(yield_per=_PAGE)):
        if not blobs.has(digest, pack):
            gone[id_] = f"the {f'place {pack} in a pack' if pack else f'blob {digest}'} of its raw mail is gone"
    return gone


def _gone_attachments(session: Session, blobs: Blobs) -> dict[str, str]:
    query = (
        select(MessageAttachment.sha256, Message.ticket_id, Message.position)
        .join(Message, col(Message.id) == MessageAttachment.message_id)
        .distinct()
    )
    return {
        f"{ticket}.{position}": f"the blob {digest} of an attachment is gone"
        for digest, ticket, position in session.exec(query.execution_options(yield_per=_PAGE))
        if not blobs.has(digest)
    }
