"""Read stored mail anew from its raw bytes, and put right what a better reader finds.

Replayed is what a mail *says*: text, people, files, kind, marks of authenticity that could not be had before, the
name of a contact that was learnt from it, the subject of its ticket while that is still the mail's own. What was
*done* because of it stays: its ticket, queue and status, who takes part, what was sent. A mail in quarantine that can
be read now is released, which decides about it from the beginning.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session, col, select

from config.clock import now
from config.receiving import DnsSettings
from config.settings import Settings
from gateway.intake.authenticate import Authenticator
from gateway.intake.batch import open_case
from gateway.intake.desk import Desk
from gateway.intake.file import content_flags, message_of, title_of
from gateway.intake.prepare import Ready, prepare, prepare_limits
from gateway.intake.worker import reader_limits
from gateway.reading.authenticity import Authentication, Identity
from gateway.reading.bounded import BoundedReader
from outbound.post_office import PostOffice
from storage.address import canonical_address
from storage.claims import Claimed, mails_of_rows
from storage.contacts import Contact, ContactAddress
from storage.database import Database
from storage.ids import lock_filing
from storage.message_filing import NewMessage
from storage.messages import Direction, Message, attachments_of, reference_key
from storage.rewriting import content_of, files_of, new_content, new_files, references_of_message, rewrite_message
from storage.spool import Spool, SpoolState, release
from storage.tickets import Event, Ticket, get_ticket

_QUARANTINE = "quarantine"
# Flags that tell of a mail's content; the others were decided by its place, and stay.
_CONTENT_FLAGS = frozenset(
    {
        "no-author",
        "several-from",
        "forward-unproved",
        "forwarded-by-hand",
        "form-sender",
        "behind-list",
        "copy-unproved",
        "verification",
        "reply-to-differs",
        "unreadable",
    }
)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is read otherwise now."""

    field: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found out about one recipient's copy of a mail."""

    id: str
    message: str  # 12.3
    changes: tuple[Change, ...]


class Replay:
    """Reads mails in the child process that intake uses too. Close it."""

    def __init__(self, settings: Settings, database: Database, office: PostOffice) -> None:
        self._database, self._office = database, office
        self._limits = prepare_limits(settings)
        self._reader = BoundedReader(reader_limits(settings.intake))
        self._asking = Authenticator(settings)
        # Most results are kept: DNS of today does not know the keys of then.
        self._silent = Authenticator(settings.model_copy(update={"dns": DnsSettings(timeout_seconds=0)}))

    def close(self) -> None:
        """End the reading child."""
        self._reader.close()

    def replay(self, ids: Sequence[str], *, by: str, is_dry: bool) -> list[Replayed]:
        """Read these rows of the spool anew; what differs is written unless it is a dry run."""
        known, ready = self._read(ids)
        with self._database.writing() as session:
            lock_filing(session)
            desk = Desk(session, self._office, now(), len(ready))
            desk.fetch_addresses(one.claimed.recipient for one in ready)
            found = [self._replay_one(desk, one, known.get(one.claimed.id), by=by, is_dry=is_dry) for one in ready]
        return [one for one in found if one is not None]

    def _read(self, ids: Sequence[str]) -> tuple[dict[str, Authentication], list[Ready]]:
        with self._database.reading() as session:
            # However often it was tried: it is to be read once more.
            batch = [replace(claimed, attempts=0) for claimed in mails_of_rows(session, ids)]
            known = _known_results(session, ids)
        ready = self._prepare([one for one in batch if one.id in known], self._silent)
        ready += self._prepare([one for one in batch if one.id not in known], self._asking)
        return known, sorted(ready, key=lambda one: one.claimed.id)

    def _prepare(self, batch: list[Claimed], authenticator: Authenticator) -> list[Ready]:
        if not batch:
            return []
        return prepare(batch, self._reader, authenticator, self._office.blobs, self._limits)

    def _replay_one(
        self, desk: Desk, ready: Ready, known: Authentication | None, *, by: str, is_dry: bool
    ) -> Replayed | None:
        row = desk.session.get_one(Spool, ready.claimed.id)
        message = desk.session.get(Message, row.message_id) if row.message_id else None
        # What cannot be read is no better than what stands there; an answer that an agent mailed has left already.
        if message is None or message.direction is not Direction.INBOUND or ready.unreadable:
            return None
        if row.state is SpoolState.QUARANTINED:
            if not is_dry:
                release(desk.session, row)
            return Replayed(row.id, message.ref, (Change(_QUARANTINE, "unreadable", "released: it can be read now"),))
        ticket = get_ticket(desk.session, message.ticket_id)
        new = _as_read(desk, replace(ready, authentication=known or ready.authentication), message, ticket)
        changes = _differences(desk.session, message, new)
        if changes and not is_dry:
            _apply(desk.session, row, message, new, ticket, changes, by)
        return Replayed(row.id, message.ref, changes) if changes else None


def _known_results(session: Session, ids: Sequence[str]) -> dict[str, Authentication]:
    """The results that are kept: those that say something."""
    rows = session.exec(select(Message).where(col(Message.spool_id).in_(ids))).all()
    found = {}
    for message in rows:
        words = message.authentication or {}
        identity = Identity(words.get("identity", Identity.UNKNOWN))
        if identity is not Identity.UNKNOWN:
            spf, dkim, dmarc, arc = (words.get(name, "none") for name in ("spf", "dkim", "dmarc", "arc"))
            found[message.spool_id or ""] = Authentication(spf, dkim, dmarc, arc, identity)
    return found


def _as_read(desk: Desk, ready: Ready, message: Message, ticket: Ticket) -> NewMessage:
    case = open_case(ready, desk)
    kept = [flag for flag in message.flags if flag not in _CONTENT_FLAGS]
    flags = list(dict.fromkeys([*content_flags(case), *kept]))
    return message_of(case, desk, ticket, flags)


def _differences(session: Session, message: Message, new: NewMessage) -> tuple[Change, ...]:
    before, after = content_of(message), new_content(new)
    before["attachments"], after["attachments"] = _files(session, message), new_files(new)
    before["references"] = sorted(references_of_message(session, message.id))
    after["references"] = sorted({reference_key(id_) for id_ in (new.message_id, *new.references)} - {""})
    before["flags"], after["flags"] = sorted(message.flags), sorted(new.flags)
    return tuple(Change(name, before[name], after[name]) for name in before if before[name] != after[name])


def _files(session: Session, message: Message) -> list[str]:
    return files_of(attachments_of(session, [message.id]).get(message.id, []))


def _apply(
    session: Session, row: Spool, message: Message, new: NewMessage, ticket: Ticket, changes: Sequence[Change], by: str
) -> None:
    names = {change.field for change in changes}
    what = ", ".join(sorted(names))
    if message.position == 1 and ticket.subject == title_of(message.subject):
        ticket.subject = title_of(new.subject)
    _learn_name(session, message, new)
    rewrite_message(session, message, new, "attachments" in names)
    # Not by `note`: a replay is no news of the ticket, and does not move it to the top of the list.
    session.add(Event(ticket_id=ticket.id, at=now(), kind="replayed", by=by, text=f"{message.ref}: {what}"))
    row.trace = [*row.trace, ["replay", "changed", f"{what}; by {by}, {now():%Y-%m-%d %H:%M} UTC"]]
    session.add_all([ticket, row])
    session.flush()


def _learn_name(session: Session, message: Message, new: NewMessage) -> None:
    """A contact whose name was learnt from this mail gets the better one; one that an agent gave stays."""
    address = session.get(ContactAddress, canonical_address(new.author[1]) or "")
    contact = session.get(Contact, address.contact_id) if address else None
    if contact and contact.name == message.author_name and new.author[0]:
        contact.name = new.author[0]
        session.add(contact)
