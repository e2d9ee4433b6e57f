"""What became of a mail, for people who ask: `gateway mail why`, `mail list` and `mail held`.

A mail may be named by its acceptance, by the row of one recipient, or by the message that it became.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config.errors import NotFound, Refused
from storage.consequences import Consequence, consequences_of
from storage.ids import is_id
from storage.messages import Message, find_message
from storage.received import Hop, received_line
from storage.spool import Acceptance, Raw, Spool, SpoolState
from storage.ticket_view import DeliveryView, view_messages

# Steps of the trace that decide about automatic mail.
_AUTOMATIC = ("acknowledge", "refusal", "notice")


@dataclass(frozen=True, slots=True)
class Step:
    """One decision: what was asked, what the answer was, and why."""

    asked: str
    answer: str
    why: str


@dataclass(frozen=True, slots=True)
class MailStory:
    """What became of a mail for one recipient. A mail of ours has no envelope and no fate, but deliveries."""

    id: str
    acceptance: str
    recipient: str
    reverse_path: str
    peer: str
    helo: str
    protocol: str
    tls: str
    received: datetime | None
    size: int
    sha256: str
    fate: SpoolState | None
    reason: str
    trace: list[Step]
    attempts: int
    settled: datetime | None
    ticket: int | None
    message: str | None  # 12.3
    message_id: str
    deliveries: list[DeliveryView]
    author: str = ""  # who wrote it, as it was filed
    subject: str = ""
    kind: str = ""
    identity: str = ""  # verified | likely | unknown | failed
    source_inbox: str = ""
    flags: Sequence[str] = ()
    also_received: Sequence[str] = ()  # acceptances of the same message that came by another way
    sent: Sequence[Consequence] = ()  # automatic mail that left because of it
    suppressed: Sequence[Step] = ()  # automatic mail that did not, and why


@dataclass(frozen=True, slots=True)
class MailRow:
    """A mail in a list."""

    id: str
    recipient: str
    reverse_path: str
    state: SpoolState
    received: datetime
    reason: str
    sha256: str
    ticket: int | None


def tell_stories(session: Session, named: str) -> list[MailStory]:
    """The story of a mail for each of its recipients. Raises NotFound."""
    rows = _rows_of(session, named)
    if rows:
        return [_story(session, row) for row in rows]
    message = _message_of(session, named)
    if message.spool_id:
        return [_story(session, session.get_one(Spool, message.spool_id))]
    return [_own_story(session, message)]


def _rows_of(session: Session, named: str) -> list[Spool]:
    if not is_id(named.partition("-")[0]):
        return []
    query = select(Spool).where(sa.or_(col(Spool.id) == named, col(Spool.acceptance_id) == named))
    return list(session.exec(query.order_by(col(Spool.id))).all())


def _message_of(session: Session, named: str) -> Message:
    try:
        return find_message(session, named)
    except NotFound:
        raise NotFound(
            f"There is no mail {named}: write the id of its 250 reply, a message like 12.3 or a Message-ID"
        ) from None


def _story(session: Session, row: Spool) -> MailStory:
    message = session.get(Message, row.message_id) if row.message_id else None
    story = _fate(session, row)
    return _with_message(session, story, message) if message else story


def _fate(session: Session, row: Spool) -> MailStory:
    acceptance = session.get_one(Acceptance, row.acceptance_id)
    raw = session.exec(select(Raw.size).where(Raw.acceptance_id == row.acceptance_id)).first()
    trace = _steps(row.trace)
    return MailStory(
        id=row.id,
        acceptance=row.acceptance_id,
        recipient=row.recipient,
        reverse_path=acceptance.reverse_path,
        peer=acceptance.peer,
        helo=acceptance.helo,
        protocol=acceptance.protocol,
        tls=acceptance.tls,
        received=acceptance.received_at,
        size=raw or 0,
        sha256=row.sha256,
        fate=row.state,
        reason=row.reason,
        trace=trace,
        attempts=row.attempts,
        settled=row.settled_at,
        ticket=None,
        message=None,
        message_id="",
        deliveries=[],
        identity=next((step.answer for step in trace if step.asked == "identity"), ""),
        suppressed=[step for step in trace if step.asked in _AUTOMATIC and step.answer == "no"],
    )


def _with_message(session: Session, story: MailStory, message: Message) -> MailStory:
    name, email = message.author_name, message.author_email
    return replace(
        story,
        ticket=message.ticket_id,
        message=message.ref,
        message_id=message.message_id,
        author=f"{name} <{email}>" if name and email else name or email,
        subject=message.subject,
        kind=message.kind,
        identity=(message.authentication or {}).get("identity", story.identity),
        source_inbox=message.source_inbox,
        flags=list(message.flags),
        also_received=list(message.also_received),
        sent=consequences_of(session, message),
    )


def _own_story(session: Session, message: Message) -> MailStory:
    [view] = view_messages(session, [message])
    return MailStory(
        id=str(message.id),
        acceptance="",
        recipient="",
        reverse_path="",
        peer="",
        helo="",
        protocol="",
        tls="",
        received=None,
        size=0,
        sha256="",
        fate=None,
        reason=f"{message.direction}: {message.kind} by {message.author_email or 'the gateway'}",
        trace=[],
        attempts=0,
        settled=None,
        ticket=message.ticket_id,
        message=message.ref,
        message_id=message.message_id,
        deliveries=view.deliveries,
    )


def _steps(trace: Sequence[Sequence[str]]) -> list[Step]:
    return [Step(*[*line, "", "", ""][:3]) for line in trace]


def mail_rows(session: Session, states: Sequence[SpoolState], limit: int) -> list[MailRow]:
    """Mails of some fates, the newest first."""
    query = (
        select(Spool, Acceptance, Message.ticket_id)
        .join(Acceptance, col(Acceptance.id) == Spool.acceptance_id)
        .join(Message, col(Message.id) == Spool.message_id, isouter=True)
        .where(col(Spool.state).in_(states))
        .order_by(col(Spool.id).desc())
        .limit(limit)
    )
    return [
        MailRow(row.id, row.recipient, a.reverse_path, row.state, a.received_at, row.reason, row.sha256, ticket)
        for row, a, ticket in session.exec(query).all()
    ]


def count_mails(session: Session, states: Sequence[SpoolState]) -> int:
    """How many mails have one of these fates."""
    return session.exec(select(sa.func.count()).select_from(Spool).where(col(Spool.state).in_(states))).one()


def filed_rows(session: Session, named: str) -> list[str]:
    """The rows behind a name whose mail stands in a ticket. Raises NotFound, or Refused when none does."""
    stories = tell_stories(session, named)
    ids = [story.id for story in stories if story.sha256 and story.message]
    if not ids:
        raise Refused(f"{named} stands in no ticket as a mail that came: it is {stories[0].fate or 'ours'}")
    return ids


def filed_after(session: Session, last: str, limit: int) -> list[str]:
    """The next rows after this id whose mail stands in a ticket, the oldest first."""
    query = select(Spool.id).where(col(Spool.id) > last, col(Spool.message_id).is_not(None))
    return list(session.exec(query.order_by(col(Spool.id)).limit(limit)).all())


def raw_story(session: Session, named: str) -> MailStory:
    """The story of the raw mail behind a name. Raises NotFound; a mail of ours has no raw one."""
    story = tell_stories(session, named)[0]
    if not story.sha256:
        raise NotFound(f"{named} is a mail of ours: see `gateway outbox show`")
    return story


def trace_of(story: MailStory, hostname: str) -> bytes:
    """The Received line of ours for this mail; empty when it came through no door."""
    if story.received is None:
        return b""
    hop = Hop(story.acceptance, story.recipient, story.peer, story.helo, story.protocol, story.tls, story.received)
    return received_line(hop, hostname)
