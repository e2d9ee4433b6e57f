"""What mail teaches about the inboxes that forward to us: how many came through each, and which to suggest.

Naming an inbox is an operator's word (`storage.queues.name_source_inbox`); only then it is on the block list. A
learnt one gets no automatic mail once it is suggested, and may be confirmed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.columns import insert_or_skip, table_of
from storage.queues import SUGGESTED_AFTER, SourceInbox

_INBOX = table_of(SourceInbox)
_COUNT = (
    sa.update(_INBOX)
    .where(_INBOX.c.address == sa.bindparam("b_address"))
    .values(
        mails=_INBOX.c.mails + sa.bindparam("b_mails"),
        last_mail_at=sa.bindparam("b_at", type_=_INBOX.c.last_mail_at.type),
    )
)


def count_mails(session: Session, through: Mapping[str, Sequence[int]], at: datetime) -> None:
    """Note that mail came through these inboxes: for each, the queue of every mail. A new inbox is unconfirmed."""
    if not through:
        return
    connection = session.connection()
    rows = sorted(through.items())
    new = [{"address": address, "queue_id": queues[0], "confirmed": False, "mails": 0} for address, queues in rows]
    connection.execute(insert_or_skip(connection, SourceInbox), new)
    connection.execute(_COUNT, [{"b_address": address, "b_mails": len(queues), "b_at": at} for address, queues in rows])


def suggested_inboxes(session: Session, queue_id: int | None = None) -> list[SourceInbox]:
    """The inboxes that seem to forward to us and that nobody has confirmed, the busiest first."""
    query = select(SourceInbox).where(sa.not_(col(SourceInbox.confirmed)), SourceInbox.mails >= SUGGESTED_AFTER)
    if queue_id is not None:
        query = query.where(SourceInbox.queue_id == queue_id)
    return list(session.exec(query.order_by(col(SourceInbox.mails).desc(), col(SourceInbox.address))).all())
