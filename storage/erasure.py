"""Erase a person: what he wrote and what was written to him goes, the sums of the ledger stay.

Tickets, messages and rows of the spool stay as empty shells, so that numbers and the audit go on adding up. The
digest of an erased mail becomes a keyed one: who has the mail cannot find it here, but we know it when it comes
again. Copies in backups are not reached; those in a pack go with it, within minutes. The block list stays: it keeps
us from writing to him.
"""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.errors import Refused
from storage.blobs import Blobs
from storage.columns import insert_or_skip, table_of
from storage.contacts import Contact, ContactAddress, addresses_of
from storage.ids import new_id
from storage.installation import load_installation
from storage.messages import Message, MessageAttachment, MessageReference
from storage.notices import Notice
from storage.outbox import PENDING, Delivery, Outgoing
from storage.search import forget_words
from storage.spool import WAITING, Acceptance, Raw, Spool, SpoolState, is_raw_of
from storage.storms import Storm
from storage.suppression import Suppressed
from storage.tickets import Event, Participant, Ticket, note

ERASED = "(erased)"
_CHUNK = 500
_PEOPLE = ("recipients_to", "recipients_cc", "recipients_bcc", "reply_to")
# A mail with the same file may be on its way into its ticket: its blob was touched, its row is not there yet.
_YOUNG = timedelta(hours=1)


class ErasedMail(SQLModel, table=True):
    """A mail that was erased, by its keyed digest."""

    __tablename__ = "erased_mail"

    tombstone: str = Field(primary_key=True)


# Made once: it is asked for every batch of mail.
_ANY_ERASED = sa.select(table_of(ErasedMail)).limit(1)


class UnwantedBlob(SQLModel, table=True):
    """A blob whose rows were erased; it goes when it is old enough and nothing else needs it."""

    __tablename__ = "unwanted_blob"

    sha256: str = Field(primary_key=True)


@dataclass(frozen=True, slots=True)
class Erased:
    """How much is gone."""

    tickets: int
    messages: int
    mails: int
    files: int


def erase_contact(session: Session, contact: Contact, *, by: str) -> Erased:
    """Erase a contact with his tickets and all that he wrote. Raises Refused while mail to him is on its way."""
    addresses = [row.address for row in addresses_of(session, contact.id)]
    tickets = list(session.exec(select(Ticket.id).where(Ticket.contact_id == contact.id)).all())
    messages = _messages(session, tickets, addresses)
    _refuse_pending(session, tickets)
    mails = _erase_mails(session, messages, addresses)
    files = _erase_messages(session, messages, addresses)
    _erase_outgoing(session, tickets)
    _erase_tickets(session, tickets, addresses, by=by)
    session.exec(sa.delete(ContactAddress).where(col(ContactAddress.contact_id) == contact.id))
    session.delete(contact)
    session.flush()
    return Erased(len(tickets), len(messages), mails, files)


def erased_among(session: Session, digests: Sequence[str]) -> set[str]:
    """Which of these mails were erased before."""
    if not digests or session.connection().execute(_ANY_ERASED).first() is None:
        return set()
    by_tombstone = {_tombstone(session, digest): digest for digest in digests}
    query = select(ErasedMail.tombstone).where(col(ErasedMail.tombstone).in_(by_tombstone))
    return {by_tombstone[tombstone] for tombstone in session.exec(query).all()}


def _tombstone(session: Session, digest: str) -> str:
    installation = load_installation(session)
    # The first key: it is never deleted, and whatever signs today does not matter here.
    key = installation.keys[min(installation.keys)]
    return "erased:" + hmac.digest(key, b"tombstone\0" + digest.encode(), "sha256").hex()


def _messages(session: Session, tickets: Sequence[int], addresses: Sequence[str]) -> list[int]:
    found = {
        number
        for chunk in _chunks(tickets)
        for number in session.exec(select(Message.id).where(col(Message.ticket_id).in_(chunk))).all()
    }
    author = sa.func.lower(Message.author_email).in_(addresses)
    return sorted(found | set(session.exec(select(Message.id).where(author)).all()))


def _refuse_pending(session: Session, tickets: Sequence[int]) -> None:
    for chunk in _chunks(tickets):
        query = select(Delivery.id).join(Outgoing, col(Outgoing.id) == Delivery.outgoing_id)
        query = query.where(col(Outgoing.ticket_id).in_(chunk), col(Delivery.state).in_(PENDING))
        waiting = session.exec(query).first()
        if waiting is not None:
            raise Refused(f"A mail to him is on its way: let it go, or stop it with `gateway outbox cancel {waiting}`")


def _erase_mails(session: Session, messages: Sequence[int], addresses: Sequence[str]) -> int:
    """The mails as they were received, and their envelopes."""
    sent = select(Raw.sha256).join(Acceptance, col(Acceptance.id) == Raw.acceptance_id)
    sent = sent.where(sa.func.lower(Acceptance.reverse_path).in_(addresses))
    digests = set(session.exec(sent).all())
    for chunk in _chunks(messages):
        of_messages = select(Spool.sha256).join(Message, col(Message.spool_id) == Spool.id)
        digests |= set(session.exec(of_messages.where(col(Message.id).in_(chunk))).all())
    # What waits to be filed is filed first: it is there when the command is given again.
    waiting = set(session.exec(select(Spool.sha256).where(col(Spool.state).in_(WAITING))).all())
    for digest in sorted(digests - waiting):
        _erase_mail(session, digest)
    return len(digests - waiting)


def _erase_mail(session: Session, digest: str) -> None:
    if digest.startswith("erased:"):
        return
    tombstone = _tombstone(session, digest)
    session.connection().execute(insert_or_skip(session.connection(), ErasedMail), [{"tombstone": tombstone}])
    gone = {"sha256": tombstone, "reason": ERASED, "trace": []}
    undecided = col(Spool.state).in_((SpoolState.HELD, SpoolState.QUARANTINED))
    state = sa.case((undecided, sa.literal(SpoolState.IGNORED.value)), else_=Spool.state)
    of_mail = select(Spool.acceptance_id).where(Spool.sha256 == digest)
    envelope = {"reverse_path": "", "helo": "", "peer": ""}
    session.exec(sa.update(Acceptance).where(col(Acceptance.id).in_(of_mail)).values(**envelope))
    session.exec(sa.delete(Raw).where(is_raw_of([digest])))
    session.exec(sa.update(Spool).where(col(Spool.sha256) == digest).values(**gone, state=state))
    _forget_blobs(session, [digest])


def _erase_messages(session: Session, messages: Sequence[int], addresses: Sequence[str]) -> int:
    """What stands in tickets; returns how many files went."""
    nothing = dict.fromkeys(("text", "reply_text", "message_id", "content_key", "source_inbox"), "")
    people: dict[str, list[str]] = {name: [] for name in _PEOPLE}
    files = 0
    for chunk in _chunks(messages):
        among = col(Message.id).in_(chunk)
        session.exec(
            sa.update(Message).where(among).values(**nothing, **people, subject=ERASED, html=None, authentication=None)
        )
        his = sa.func.lower(Message.author_email).in_(addresses)
        session.exec(sa.update(Message).where(among, his).values(author_name=ERASED, author_email=""))
        digests = session.exec(
            select(MessageAttachment.sha256).where(col(MessageAttachment.message_id).in_(chunk))
        ).all()
        session.exec(sa.delete(MessageAttachment).where(col(MessageAttachment.message_id).in_(chunk)))
        session.exec(sa.delete(MessageReference).where(col(MessageReference.message_id).in_(chunk)))
        forget_words(session, chunk)
        _forget_blobs(session, digests)
        files += len(digests)
    return files


def _erase_outgoing(session: Session, tickets: Sequence[int]) -> None:
    for chunk in _chunks(tickets):
        ids = list(session.exec(select(Outgoing.id).where(col(Outgoing.ticket_id).in_(chunk))).all())
        session.exec(sa.update(Outgoing).where(col(Outgoing.id).in_(ids)).values(content=b"", reverse_path=""))
        for delivery in session.exec(select(Delivery).where(col(Delivery.outgoing_id).in_(ids))).all():
            # Two recipients of one mail stay two.
            delivery.recipient, delivery.spelling = f"erased-{delivery.id}@invalid", ERASED
            delivery.last_reply = ""
            session.add(delivery)
    session.flush()


def _erase_tickets(session: Session, tickets: Sequence[int], addresses: Sequence[str], *, by: str) -> None:
    for chunk in _chunks(tickets):
        session.exec(sa.delete(Participant).where(col(Participant.ticket_id).in_(chunk)))
        session.exec(sa.update(Event).where(col(Event.ticket_id).in_(chunk)).values(text=""))
        session.exec(sa.delete(Notice).where(col(Notice.ticket_id).in_(chunk)))
    session.exec(sa.delete(Participant).where(col(Participant.address).in_(addresses)))
    session.exec(sa.delete(Storm).where(col(Storm.author).in_(addresses)))
    session.exec(sa.delete(Suppressed).where(col(Suppressed.address).in_(addresses)))
    for address in addresses:
        gone = sa.func.replace(Event.text, address, ERASED)
        session.exec(sa.update(Event).where(col(Event.text).contains(address, autoescape=True)).values(text=gone))
    session.expire_all()
    for number in tickets:
        ticket = session.get_one(Ticket, number)
        ticket.subject, ticket.contact_id, ticket.customer_address, ticket.source_inbox = ERASED, None, "", ""
        # Who writes again has a new matter: nobody could be answered from an empty shell.
        ticket.marks_from = new_id()
        note(session, ticket, "erased", by=by)


def _forget_blobs(session: Session, digests: Iterable[str]) -> None:
    rows = [{"sha256": digest} for digest in set(digests)]
    if rows:
        session.connection().execute(insert_or_skip(session.connection(), UnwantedBlob), rows)


def collect_unwanted(session: Session, blobs: Blobs, limit: int = 50) -> int:
    """Delete blobs of erased mail that nothing needs; returns how many. The caller's lock keeps new rows away."""
    gone = 0
    for row in session.exec(select(UnwantedBlob).limit(limit)).all():
        needed = (
            session.exec(select(Spool.id).where(Spool.sha256 == row.sha256)).first()
            or session.exec(select(MessageAttachment.id).where(MessageAttachment.sha256 == row.sha256)).first()
        )
        if needed or blobs.remove(row.sha256, _YOUNG):
            session.delete(row)
            gone += not needed
    session.flush()
    return gone


def _chunks(numbers: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), _CHUNK):
        yield list(numbers[start : start + _CHUNK])
