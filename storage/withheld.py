"""Mails that a server lists and does not give: stepped over, so that they block no other, and asked for again.

A row stands here from the transaction that moves the cursor past its mail until the mail is stored, or is gone from
the server: nothing is forgotten.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from storage.columns import UtcDateTime, insert_or_skip, table_of

# After each try in vain; the last one repeats.
_WAITS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
_AT_ONCE = 20


class WithheldMail(SQLModel, table=True):
    """One mail by its UID, which holds as long as the mailbox's `uid_validity`."""

    __tablename__ = "withheld_mail"

    mailbox_id: int = Field(foreign_key="mailbox.id", primary_key=True)
    uid: int = Field(sa_type=sa.BigInteger, primary_key=True)
    reason: str
    tries: int = 0  # after it was stepped over
    since: datetime = Field(sa_type=UtcDateTime)
    next_at: datetime = Field(sa_type=UtcDateTime)


def step_over(connection: sa.Connection, mailbox_id: int, withheld: dict[int, str]) -> None:
    """Note mails with the reasons why they are not there, in the transaction that moves the cursor past them."""
    at = now()
    rows = [
        {"mailbox_id": mailbox_id, "uid": uid, "reason": reason, "tries": 0, "since": at, "next_at": at + _WAITS[0]}
        for uid, reason in sorted(withheld.items())
    ]
    if rows:
        connection.execute(insert_or_skip(connection, WithheldMail), rows)


def take_due(session: Session, mailbox_id: int) -> list[int]:
    """The UIDs to ask for again. The try counts before it is made: one that ends the connection comes no sooner."""
    at = now()
    due = select(WithheldMail).where(WithheldMail.mailbox_id == mailbox_id, col(WithheldMail.next_at) <= at)
    found = list(session.exec(due.order_by(col(WithheldMail.next_at)).limit(_AT_ONCE)).all())
    for one in found:
        one.tries += 1
        one.next_at = at + _WAITS[min(one.tries, len(_WAITS) - 1)]
        session.add(one)
    return [one.uid for one in found]


def withheld_mails(session: Session, mailbox_id: int | None = None) -> list[WithheldMail]:
    """What is stepped over at the moment, in one mailbox or in all."""
    query = select(WithheldMail).order_by(col(WithheldMail.mailbox_id), col(WithheldMail.uid))
    if mailbox_id is not None:
        query = query.where(WithheldMail.mailbox_id == mailbox_id)
    return list(session.exec(query).all())


def forget_withheld(connection: sa.Connection, mailbox_id: int, uid: int | None = None) -> None:
    """One of them is stored or gone; without a UID: none of them counts any more."""
    table = table_of(WithheldMail)
    gone = sa.delete(table).where(table.c.mailbox_id == mailbox_id)
    connection.execute(gone if uid is None else gone.where(table.c.uid == uid))
