"""What rules would say about mail that is there already: nothing is changed by asking.

The facts of the way (who forwarded it, whether it answered a ticket, how far its author was believed) are those
that were found when it was filed; its text is read again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from config.clock import now
from config.settings import Settings
from gateway.intake.follow_up import BY_POLICY
from gateway.intake.rules.decision import ReadRule, decide
from gateway.intake.rules.facts import Facts
from gateway.reading.authenticity import Identity
from gateway.reading.bounded import BoundedReader
from gateway.reading.child_process import Unreadable
from gateway.reading.mail import Mail
from storage.address import canonical_address
from storage.addresses import CreationAddress
from storage.blobs import Blobs
from storage.contacts import is_known
from storage.messages import Message
from storage.queues import Queue
from storage.spool import Acceptance, Spool, SpoolState, raw_bytes
from storage.tickets import Ticket

_PAGE = 50
# The fates in which rules had a say.
_JUDGED = (SpoolState.FILED, SpoolState.IGNORED, SpoolState.HELD)


@dataclass(frozen=True, slots=True)
class Judged:
    """A mail, what the rules said when it came, and what these rules say."""

    id: str
    author: str
    subject: str
    before: str  # as its trace tells it; empty: nothing
    after: str


@dataclass(frozen=True, slots=True)
class Bench:
    """What asking needs at hand."""

    session: Session
    settings: Settings
    blobs: Blobs
    reader: BoundedReader


def judge_last(bench: Bench, rules: Sequence[ReadRule], count: int) -> Iterator[Judged]:
    """The last mails in which rules had a say, the newest first."""
    query = select(Spool).where(col(Spool.state).in_(_JUDGED)).order_by(col(Spool.id).desc()).limit(count)
    rows = bench.session.exec(query).all()
    for start in range(0, len(rows), _PAGE):
        yield from judge_rows(bench, rules, rows[start : start + _PAGE])


def judge_rows(bench: Bench, rules: Sequence[ReadRule], rows: Sequence[Spool]) -> Iterator[Judged]:
    """These mails; one that cannot be read is passed over."""
    raws = [raw_bytes(bench.session, bench.blobs, row.sha256) for row in rows]
    for row, raw, mail in zip(rows, raws, bench.reader.read(raws), strict=True):
        queue = None if isinstance(mail, Unreadable) else _queue_of(bench.session, row)
        if isinstance(mail, Unreadable) or queue is None:
            continue
        facts = _facts(bench, row, mail, queue, len(raw))
        before = next((line[1] for line in row.trace if line[0] == "rules"), "")
        after = decide(rules, facts, row.passed).words
        yield Judged(row.id, facts.author, mail.subject, "" if before == "none" else before, after)


def judge_file(bench: Bench, rules: Sequence[ReadRule], raw: bytes, queue: Queue) -> Judged:
    """A mail that nobody has sent us, as if it came to this queue and answered nothing."""
    [mail] = bench.reader.read([raw])
    if isinstance(mail, Unreadable):
        return Judged("", "", f"unreadable: {mail.reason}", "", "")
    facts = _fresh(bench, mail, queue, len(raw))
    return Judged("", facts.author, mail.subject, "", decide(rules, facts).words)


def _facts(bench: Bench, row: Spool, mail: Mail, queue: Queue, size: int) -> Facts:
    """What was known of a mail when it came."""
    message = bench.session.get(Message, row.message_id) if row.message_id else None
    received = bench.session.get_one(Acceptance, row.acceptance_id).received_at
    facts = replace(_fresh(bench, mail, queue, size), recipient=row.recipient, received=_local(bench, received))
    if message is None:
        return facts
    was_policy = any(line[-1] == BY_POLICY for line in row.trace if line[0] == "filed")
    author = canonical_address(message.author_email) or ""
    return replace(
        facts,
        author=author,
        is_known=is_known(bench.session, author),
        source_inbox=message.source_inbox,
        identity=(message.authentication or {}).get("identity", Identity.UNKNOWN),
        is_answer=message.position > 1 and not was_policy,
    )


def _fresh(bench: Bench, mail: Mail, queue: Queue, size: int) -> Facts:
    """What is known of a mail by itself."""
    author = canonical_address(mail.author.email) or ""
    return Facts(
        mail=mail,
        author=author,
        recipient="",
        source_inbox="",
        queue=queue.name,
        queue_id=queue.number,
        identity=Identity.UNKNOWN,
        size=size,
        is_known=is_known(bench.session, author),
        received=_local(bench, now()),
        is_answer=False,
    )


def _local(bench: Bench, moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(bench.settings.time_zone))


def _queue_of(session: Session, row: Spool) -> Queue | None:
    """The queue of its address; of a reply address, the one of its ticket."""
    address = select(CreationAddress.queue_id).where(CreationAddress.address == row.recipient)
    of_ticket = (
        select(Ticket.queue_id).join(Message, col(Message.ticket_id) == Ticket.id).where(Message.id == row.message_id)
    )
    number = session.exec(address).first() or session.exec(of_ticket).first()
    return session.get(Queue, number) if number else None
