"""The part that reads connected mailboxes: a thread each, that fetches, waits for news and comes back after trouble.

It may be killed at any moment. What the server or the account refuses is told once and tried again, ever more seldom:
sign-ins that fail in a row lock accounts. IMAP runs in threads, since imaplib waits.
"""

import threading
from dataclasses import dataclass, fields
from datetime import datetime

from config import maillog
from config.errors import DatabaseUnavailable, GatewayError
from config.settings import Settings
from gateway.mailbox.account import SignInRefused
from gateway.mailbox.fetch import Fetcher, MovedOn
from gateway.mailbox.imap import Inbox
from gateway.mailbox.keys import account_of
from gateway.mailbox.patience import Patience
from storage.database import Database, open_database
from storage.mailboxes import Mailbox, MailboxState, list_mailboxes, set_state
from storage.notices import raise_alarm

_LOOK_SECONDS = 2.0
_STOP_SECONDS = 20.0
# One connection that breaks is no news; a server that is away for so many tries is.
_TRIES_BEFORE_TOLD = 3


@dataclass(frozen=True, slots=True)
class _Way:
    """What a thread must begin again for when it changes."""

    host: str
    port: int
    security: str
    user: str
    secret: str
    account_id: int | None
    folder: str
    after_fetch: str
    move_to: str
    asked_at: datetime | None


def _way_of(mailbox: Mailbox) -> _Way:
    return _Way(**{field.name: getattr(mailbox, field.name) for field in fields(_Way)})


class MailboxReader(threading.Thread):
    """Reads one mailbox until told to stop."""

    def __init__(self, settings: Settings, database: Database, mailbox: Mailbox) -> None:
        super().__init__(name=f"mailbox-{mailbox.id}", daemon=True)
        self._settings, self._database, self._mailbox = settings, database, mailbox
        self.way = _way_of(mailbox)
        self._ending = threading.Event()
        self._failures = 0
        self._patience = Patience()

    def end(self) -> None:
        """Stop at the next moment that loses nothing."""
        self._ending.set()

    def run(self) -> None:
        """Connect, read, and again after trouble."""
        while not self._ending.is_set():
            try:
                self._read()
            except MovedOn:
                self._ending.wait(_LOOK_SECONDS)
            except GatewayError as error:
                self._rest(error)
            except Exception as error:  # noqa: BLE001 - the outermost edge: it must not stop the other mailboxes
                maillog.crashed("mailbox", id=self._mailbox.address, error=error)
                self._rest(GatewayError(f"{type(error).__name__}: {error}"))

    def _read(self) -> None:
        limits = self._settings.mailboxes
        with Inbox(account_of(self._settings, self._database, self._mailbox)) as inbox:
            fetcher = Fetcher(self._settings, self._database, self._mailbox.number, inbox, self._patience)
            while not self._ending.is_set():
                fetcher.fetch_new(self._mailbox.after_fetch, self._ending.is_set)
                self._tell(MailboxState.CONNECTED)
                self._failures = 0
                if not inbox.has_idle:
                    self._ending.wait(limits.poll_seconds)
                else:
                    inbox.wait(limits.idle_seconds, self._ending.is_set)

    def _rest(self, error: GatewayError) -> None:
        self._failures += 1
        is_ours = isinstance(error, DatabaseUnavailable)
        if isinstance(error, SignInRefused) or (self._failures >= _TRIES_BEFORE_TOLD and not is_ours):
            self._tell(MailboxState.FAILING, str(error))
        waits = self._settings.mailboxes.retry_seconds
        # A refused sign-in is never repeated quickly: providers lock accounts for that.
        place = len(waits) - 1 if isinstance(error, SignInRefused) and self._failures > 1 else self._failures - 1
        self._ending.wait(waits[min(place, len(waits) - 1)])

    def _tell(self, state: MailboxState, error: str = "") -> None:
        """Note the state, and tell it when it is news."""
        if self._mailbox.state is state:
            return
        try:
            with self._database.writing() as session:
                mailbox = session.get(Mailbox, self._mailbox.number)
                if mailbox is None or mailbox.state is MailboxState.DISABLED:
                    return
                is_news = set_state(session, mailbox, state, error)
                if is_news and state is MailboxState.FAILING:
                    raise_alarm(session, f"the mailbox {mailbox.address} fails, its mail stays there for now", error)
        except DatabaseUnavailable:
            return  # the next pass tells it
        self._mailbox.state = state
        if is_news and state is MailboxState.FAILING:
            maillog.trouble("mailbox", mailbox=self._mailbox.address, reason=error)
        elif is_news:
            maillog.started(mailbox=self._mailbox.address)


class Poller:
    """All readers of this process: one for each mailbox that is in use."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._readers: dict[int, MailboxReader] = {}

    def run(self, stop: threading.Event) -> None:
        """Follow the mailboxes that there are until told to stop."""
        while not stop.is_set():
            try:
                self._follow()
            except DatabaseUnavailable as error:
                maillog.trouble("mailboxes wait for the database", reason=str(error))
            stop.wait(_LOOK_SECONDS)
        self._end(list(self._readers))

    def _follow(self) -> None:
        with self._database.reading() as session:
            wanted = {one.number: one for one in list_mailboxes(session) if one.state is not MailboxState.DISABLED}
        changed = [
            number
            for number, reader in self._readers.items()
            if number not in wanted or reader.way != _way_of(wanted[number]) or not reader.is_alive()
        ]
        self._end(changed)
        for number, mailbox in wanted.items():
            if number not in self._readers:
                self._readers[number] = MailboxReader(self._settings, self._database, mailbox)
                self._readers[number].start()

    def _end(self, numbers: list[int]) -> None:
        ending = [self._readers.pop(number) for number in numbers]
        for reader in ending:
            reader.end()
        for reader in ending:
            # One that hangs in the network is left behind: it can store nothing that is not whole.
            reader.join(_STOP_SECONDS)


def serve_mailboxes(settings: Settings, stop: threading.Event) -> None:
    """Read all mailboxes until told to stop."""
    database = open_database(settings)
    try:
        maillog.started()
        Poller(settings, database).run(stop)
        maillog.stopped()
    finally:
        database.close()
