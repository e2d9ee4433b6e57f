"""One inbox over IMAP: list, fetch, put away, wait for news. RFC 3501, RFC 2177, RFC 4315, RFC 6851.

Mail is fetched with BODY.PEEK and the folder is opened read-only where nothing is done with it, so that people who
read the same inbox see it as it was. Nothing here knows the database.
"""

import imaplib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.mailbox.account import Account, MailboxTrouble, Withheld, in_our_words, plain
from gateway.mailbox.answers import MONTHS, Listed, bodies, found_uids, is_news, listed_mails, next_uid, set_of, words
from gateway.mailbox.folders import quoted_folder
from gateway.mailbox.sign_in import capabilities_of, hang_up, signed_in
from storage.mailboxes import AfterFetch

_SLICE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """An opened folder (RFC 3501 section 2.3.1.1): all its UIDs are below `uid_next`."""

    uid_validity: int
    uid_next: int
    mails: int


class Inbox:
    """A signed-in connection, as a block."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._folder = quoted_folder(account.folder)
        with in_our_words(account):
            self._wire = signed_in(account)
            try:
                self.capabilities = capabilities_of(self._wire)
            except BaseException:
                hang_up(self._wire)
                raise

    def __enter__(self) -> "Inbox":
        return self

    def __exit__(self, *_: object) -> None:
        hang_up(self._wire)

    @property
    def has_idle(self) -> bool:
        """The server tells by itself when mail comes."""
        return "IDLE" in self.capabilities

    def open(self, *, is_read_only: bool) -> Place:
        """Open the folder, or look at it again."""
        with in_our_words(self._account):
            self._ask(lambda: self._wire.select(self._folder, readonly=is_read_only))
            mails = self._number("EXISTS")
            validity, uid_next = self._number("UIDVALIDITY"), self._number("UIDNEXT")
            if not uid_next:
                # Servers may leave it out (RFC 3501 section 6.3.1); asked for it, they may not.
                uid_next = next_uid(self._ask(lambda: self._wire.status(self._folder, "(UIDNEXT)")))
        if not validity or not uid_next:
            raise MailboxTrouble(f"{self._account.host} gives no UIDVALIDITY or no UIDNEXT for {self._account.folder}")
        return Place(validity, uid_next, mails)

    def search(self, first: int, last: int, since: datetime | None = None) -> list[int]:
        """The UIDs of this range that there are; with `since`, those that may be as young as that."""
        query = ["UID", f"{first}:{last}"]
        if since:
            # The server compares dates in a time zone of its own choice.
            day = since - timedelta(days=1)
            query += ["SINCE", f"{day.day}-{MONTHS[day.month - 1]}-{day.year}"]
        with in_our_words(self._account):
            lines = self._ask(lambda: self._wire.uid("SEARCH", *query))
        return sorted(uid for uid in found_uids(lines) if first <= uid <= last)

    def list_mails(self, uids: Sequence[int]) -> list[Listed]:
        """Size and date of mails; those that are gone meanwhile are left out."""
        with in_our_words(self._account):
            lines = self._ask(lambda: self._wire.uid("FETCH", set_of(uids), "(RFC822.SIZE INTERNALDATE)"))
        asked = set(uids)
        return sorted((one for one in listed_mails(lines) if one.uid in asked), key=lambda one: one.uid)

    def fetch(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The mails, byte for byte as the server holds them, by UID. It marks none as read.

        Somebody may have deleted them meanwhile. Raises Withheld for one that is there and does not come.
        """
        found, refusal = self._give(uids)
        missing = [uid for uid in uids if uid not in found]
        if missing and (there := self.list_mails(missing)):
            raise Withheld(f"{self._account.host} does not give the mail with UID {there[0].uid}: {refusal}")
        return found

    def _give(self, uids: Sequence[int]) -> tuple[dict[int, bytes], str]:
        """The mails that come, and why others do not."""
        with in_our_words(self._account):
            try:
                state, lines = self._wire.uid("FETCH", set_of(uids), "(BODY.PEEK[])")
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:  # BAD: the connection is as good as after NO
                return {}, plain(str(error))
        return (dict(bodies(lines)), "it lists it only") if state == "OK" else ({}, words(lines))

    def put_away(self, uids: Sequence[int], what: AfterFetch, folder: str) -> None:
        """Mark, move or delete mails that are stored."""
        if what is AfterFetch.LEAVE or not uids:
            return
        with in_our_words(self._account):
            if what is AfterFetch.MARK:
                self._store(uids, r"(\Seen)")
            elif what is AfterFetch.DELETE:
                self._delete(uids)
            else:
                self._move(uids, quoted_folder(folder))

    def _move(self, uids: Sequence[int], folder: str) -> None:
        verb = "MOVE" if "MOVE" in self.capabilities else "COPY"
        if self._wire.uid(verb, set_of(uids), folder)[0] != "OK":
            with suppress(imaplib.IMAP4.error):  # it may be there; what matters is the second try
                self._wire.create(folder)
            self._ask(lambda: self._wire.uid(verb, set_of(uids), folder))
        if verb == "COPY":
            self._delete(uids)

    def _delete(self, uids: Sequence[int]) -> None:
        self._store(uids, r"(\Deleted)")
        # Without UIDPLUS only a plain EXPUNGE is left, which would take what other people have marked, too.
        if "UIDPLUS" in self.capabilities:
            self._ask(lambda: self._wire.uid("EXPUNGE", set_of(uids)))

    def _store(self, uids: Sequence[int], flags: str) -> None:
        self._ask(lambda: self._wire.uid("STORE", set_of(uids), "+FLAGS.SILENT", flags))

    def wait(self, seconds: float, is_stopping: Callable[[], bool]) -> bool:
        """Wait for news with IDLE; True when there is some. RFC 2177."""
        with in_our_words(self._account):
            tag = self._wire._new_tag()  # imaplib has no IDLE before Python 3.14
            self._wire.send(tag + b" IDLE\r\n")
            if not self._wire.readline().startswith(b"+"):
                raise MailboxTrouble(f"{self._account.host} offers IDLE and refuses it")
            has_news = self._listen(seconds, is_stopping)
            self._wire.send(b"DONE\r\n")
            while not (line := self._wire.readline()).startswith(tag):
                has_news = has_news or is_news(line)
        return has_news

    def _listen(self, seconds: float, is_stopping: Callable[[], bool]) -> bool:
        left = seconds
        while left > 0 and not is_stopping():
            if not self._wire.has_line(min(left, _SLICE_SECONDS)):
                left -= _SLICE_SECONDS
            elif is_news(line := self._wire.readline()):
                return True
            elif line.upper().startswith(b"* BYE"):
                raise MailboxTrouble(f"{self._account.host} says good-bye")
        return False

    def _ask(self, command: Callable[[], tuple[str, Sequence[object]]]) -> Sequence[object]:
        state, lines = command()
        if state != "OK":
            raise MailboxTrouble(f"{self._account.host} refuses: {words(lines)}")
        return lines

    def _number(self, name: str) -> int:
        values = self._wire.untagged_responses.get(name) or [b""]
        last = values[-1]
        return int(last) if isinstance(last, bytes) and last.isdigit() else 0
