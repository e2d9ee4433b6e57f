"""Take what is new in an inbox into the spool: in batches, each with its cursor in one transaction.

The same promise as at the SMTP door: what the cursor has passed is committed, and what is committed twice is one row,
because its bytes are the same. A mail is put away (marked, moved, deleted) only by who has just stored it; who was
killed in between fetches it again first. Mail fetched over IMAP has no recipient, so the mailbox's own address
stands for it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from config import maillog
from config.clock import now
from config.settings import Settings
from gateway.mailbox.account import MailboxTrouble, Withheld
from gateway.mailbox.answers import Listed
from gateway.mailbox.imap import Inbox
from gateway.mailbox.patience import Patience
from gateway.reading.envelope import reverse_path_of
from storage import spool
from storage.accepting import accept
from storage.arrivals import as_blob
from storage.blobs import open_blobs
from storage.database import Database
from storage.mailboxes import AfterFetch, Mailbox, Step, advance, begin_reading, finish
from storage.spool import OLD_MAIL_PASSES, Arrival
from storage.waking import wake
from storage.withheld import forget_withheld, step_over, take_due

# UIDs that are asked about at once: a line of the answer has a million octets at most.
_WINDOW = 50_000
_LISTED_AT_ONCE = 200
_MAX_BATCH_BYTES = 16 * 1024 * 1024


class MovedOn(Exception):
    """Somebody else reads this mailbox too, or it was changed: begin again from what is stored."""


@dataclass(slots=True)
class Cursor:
    """How far we are in one folder."""

    uid_validity: int
    last_uid: int
    done_uid: int


@dataclass(frozen=True, slots=True)
class _Lot:
    """Mails that are stored in one transaction with the cursor behind them."""

    uid: int  # the last one that was asked for
    arrivals: dict[int, Arrival]  # by UID
    withheld: dict[int, str] = field(default_factory=dict)  # UID -> why it is stepped over
    waiting: int = 0
    is_backlog: bool = False
    is_late: bool = False  # the cursor has been behind them for long


class Fetcher:
    """Reads one mailbox over one connection."""

    def __init__(
        self, settings: Settings, database: Database, number: int, inbox: Inbox, patience: Patience | None = None
    ) -> None:
        self._settings, self._database, self._number, self._inbox = settings, database, number, inbox
        self._blobs = open_blobs(settings)
        self._patience = patience or Patience()

    def fetch_new(self, after: AfterFetch, is_stopping: Callable[[], bool]) -> int:
        """Fetch all that there is; returns how many mails. Raises MovedOn when the mailbox is not ours to read."""
        place = self._inbox.open(is_read_only=after is AfterFetch.LEAVE)
        with self._database.writing() as session:
            mailbox = begin_reading(session, self._number, place.uid_validity, place.uid_next)
        if mailbox is None:
            raise MovedOn
        self._patience.begin(place.uid_validity)
        cursor = Cursor(place.uid_validity, mailbox.last_uid, mailbox.done_uid)
        fetched = 0
        for first, last, is_backlog in _windows(mailbox, place.uid_next - 1):
            uids = self._inbox.search(first, last, mailbox.since if is_backlog else None)
            for chunk in _chunks(uids):
                if is_stopping():
                    return fetched
                left = sum(uid > chunk[-1] for uid in uids)
                fetched += self._take(mailbox, cursor, chunk, left, is_backlog=is_backlog)
            self._pass_over(cursor, last)
        return fetched + self._ask_again(mailbox, cursor)

    def _take(self, mailbox: Mailbox, cursor: Cursor, uids: list[int], left: int, *, is_backlog: bool) -> int:
        wanted = [one for one in self._inbox.list_mails(uids) if self._is_wanted(mailbox, one, is_backlog=is_backlog)]
        fetched = 0
        for batch in _batches(wanted, self._settings.mailboxes.batch, self._patience.is_suspect):
            waiting = left + sum(one.uid > batch[-1].uid for one in wanted)
            fetched += self._take_batch(mailbox, cursor, batch, waiting, is_backlog=is_backlog)
        return fetched

    def _take_batch(
        self, mailbox: Mailbox, cursor: Cursor, batch: list[Listed], waiting: int, *, is_backlog: bool
    ) -> int:
        uids = [one.uid for one in batch]
        try:
            found, reason = self._given(uids)
        except Withheld:
            # Each with a transaction of its own: what comes is stored, whatever becomes of the next.
            return sum(self._take_batch(mailbox, cursor, [one], waiting, is_backlog=is_backlog) for one in batch)
        arrivals = {one.uid: self._arrival(mailbox, one, found[one.uid]) for one in batch if one.uid in found}
        lot = _Lot(uids[-1], arrivals, {uids[0]: reason} if reason else {}, waiting, is_backlog)
        self._store(mailbox, cursor, lot)
        self._put_away(mailbox, cursor, lot)
        return len(arrivals)

    def _given(self, uids: list[int]) -> tuple[dict[int, bytes], str]:
        """The mails that come; of one alone, why it is to be stepped over. Raises Withheld for one of several."""
        reason = self._patience.end_of(uids)
        if reason:
            return {}, reason
        try:
            found = self._inbox.fetch(uids)
        except Withheld as error:
            if len(uids) > 1:
                raise
            self._patience.refused(str(error))
            return {}, str(error)
        except MailboxTrouble as error:
            self._patience.connection_ended(uids, str(error))
            raise
        self._patience.came(uids)
        return found, ""

    def _ask_again(self, mailbox: Mailbox, cursor: Cursor) -> int:
        """Those that were stepped over, as far as it is time; one that comes now is stored like any other."""
        with self._database.writing() as session:
            due = take_due(session, self._number)
        fetched = 0
        for uid in due:
            listed = self._inbox.list_mails([uid])
            found = self._given([uid])[0] if listed else {}
            if listed and not found:
                continue
            lot = _Lot(cursor.last_uid, {}, is_backlog=uid <= mailbox.backlog_uid, is_late=True)
            if found:
                lot.arrivals[uid] = self._arrival(mailbox, listed[0], found[uid])
                self._store(mailbox, cursor, lot)
                self._put_away(mailbox, cursor, lot)
            with self._database.writing_connection() as connection:
                forget_withheld(connection, self._number, uid)
            fetched += len(found)
        return fetched

    def _is_wanted(self, mailbox: Mailbox, one: Listed, *, is_backlog: bool) -> bool:
        limit = self._settings.limits.message_bytes
        if limit and one.size > limit:
            maillog.trouble(
                "a mail is too large and stays in its mailbox", mailbox=mailbox.address, uid=one.uid, size=one.size
            )
            return False
        return not (is_backlog and mailbox.since and one.received and one.received < mailbox.since)

    def _arrival(self, mailbox: Mailbox, one: Listed, content: bytes) -> Arrival:
        arrival = Arrival(
            reverse_path=reverse_path_of(content),
            recipients=(mailbox.address,),
            sha256=sha256(content).hexdigest(),
            size=len(content),
            content=content,
            received_at=min(one.received or now(), now()),
            peer=mailbox.host,
            protocol="IMAP",
        )
        return as_blob(self._blobs, arrival)

    def _store(self, mailbox: Mailbox, cursor: Cursor, lot: _Lot) -> None:
        is_done = mailbox.after_fetch is AfterFetch.LEAVE
        to_uid = max(lot.uid, cursor.last_uid)
        arrivals = list(lot.arrivals.values())
        new = sum(uid > cursor.last_uid or lot.is_late for uid in lot.arrivals)
        step = Step(self._number, cursor.uid_validity, cursor.last_uid, to_uid, new, lot.waiting, is_done)
        with self._database.writing_connection() as connection:
            if not advance(connection, step):
                raise MovedOn
            ids = accept(connection, arrivals) if arrivals else []
            if lot.is_backlog and ids:
                spool.waive(connection, ids, OLD_MAIL_PASSES)
            step_over(connection, self._number, lot.withheld)
        cursor.last_uid = to_uid
        for id_, arrival in zip(ids, arrivals, strict=True):
            maillog.accepted(id_, recipient=mailbox.address, size=arrival.size, peer=mailbox.host)
        for uid, reason in lot.withheld.items():
            maillog.trouble("a mail is stepped over for now", mailbox=mailbox.address, uid=uid, reason=reason)
        if ids:
            wake(self._settings.data_dir, "intake")

    def _put_away(self, mailbox: Mailbox, cursor: Cursor, lot: _Lot) -> None:
        if mailbox.after_fetch is AfterFetch.LEAVE:
            return
        self._inbox.put_away(sorted(lot.arrivals), mailbox.after_fetch, mailbox.move_to)
        with self._database.writing_connection() as connection:
            finish(connection, self._number, cursor.uid_validity, lot.uid)
        cursor.done_uid = lot.uid

    def _pass_over(self, cursor: Cursor, uid: int) -> None:
        """Nothing below this UID is left, whatever was there or not."""
        if uid > cursor.last_uid or uid > cursor.done_uid:
            to_uid = max(uid, cursor.last_uid)
            step = Step(self._number, cursor.uid_validity, cursor.last_uid, to_uid, 0, 0, is_done=True)
            with self._database.writing_connection() as connection:
                if not advance(connection, step):
                    raise MovedOn
            cursor.last_uid = cursor.done_uid = to_uid


def _windows(mailbox: Mailbox, last: int) -> Iterator[tuple[int, int, bool]]:
    """Ranges of UIDs from the first that is not done, and whether they belong to the backlog."""
    first = min(mailbox.done_uid, mailbox.last_uid) + 1
    while first <= last:
        is_backlog = first <= mailbox.backlog_uid
        end = min(first + _WINDOW - 1, last, mailbox.backlog_uid if is_backlog else last)
        yield first, end, is_backlog
        first = end + 1


def _chunks(uids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(uids), _LISTED_AT_ONCE):
        yield uids[start : start + _LISTED_AT_ONCE]


def _batches(mails: Sequence[Listed], most: int, is_suspect: Callable[[int], bool]) -> Iterator[list[Listed]]:
    """So many mails or octets at once; a large mail goes alone, and so does one that may be to blame for trouble."""
    batch: list[Listed] = []
    for one in mails:
        is_full = len(batch) >= most or sum(other.size for other in batch) + one.size > _MAX_BATCH_BYTES
        if batch and (is_full or is_suspect(one.uid) or is_suspect(batch[-1].uid)):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch
