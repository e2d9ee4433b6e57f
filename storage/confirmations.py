"""Forwarding confirmations: a provider asks whether mail of an inbox may be forwarded to an address of ours.

They never become tickets; they wait here until a person has opened the link or typed the code at the provider.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Field, Session, SQLModel, col, select

from storage.columns import UtcDateTime


class Confirmation(SQLModel, table=True):
    """One such mail. `trusted`: the provider's own signature holds, so that its link may be opened."""

    __tablename__ = "forward_confirmation"

    id: int | None = Field(default=None, primary_key=True)
    queue_id: int = Field(foreign_key="queue.id", index=True)
    spool_id: str = Field(unique=True)
    address: str  # the creation address to which mail is to be forwarded
    provider: str
    code: str = ""
    link: str = ""
    inbox: str = ""  # canonical; the one that is to forward
    trusted: bool = False
    received_at: datetime = Field(sa_type=UtcDateTime)


@dataclass(frozen=True, slots=True)
class ConfirmationView:
    """A confirmation as it is shown."""

    id: int
    provider: str
    code: str
    link: str
    inbox: str
    address: str
    received: datetime
    trusted: bool


def add_confirmation(session: Session, confirmation: Confirmation) -> None:
    """Keep a confirmation; the same mail, filed again, is one."""
    query = select(Confirmation.id).where(Confirmation.spool_id == confirmation.spool_id)
    if session.exec(query).first() is None:
        session.add(confirmation)


def confirmations_of(session: Session, queue_id: int, limit: int = 50) -> list[ConfirmationView]:
    """What providers have asked about a queue's addresses, the newest first."""
    query = select(Confirmation).where(Confirmation.queue_id == queue_id)
    rows = session.exec(query.order_by(col(Confirmation.id).desc()).limit(limit)).all()
    return [
        ConfirmationView(
            one.id or 0, one.provider, one.code, one.link, one.inbox, one.address, one.received_at, one.trusted
        )
        for one in rows
    ]
