"""One inbox over IMAP: sign in, list, fetch, put away, wait for news. RFC 3501, RFC 2177, RFC 4315, RFC 6851.

Mail is fetched with BODY.PEEK and the folder is opened read-only where nothing is done with it, so that people who
read the same inbox see it as it was. Nothing here knows the database.
"""

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from config.errors import GatewayError
from config.values import LOOPBACK
from gateway.mailbox.folders import quoted_folder
from gateway.mailbox.wire import EncryptedWire, Wire, tls_context
from storage.mailboxes import AfterFetch

_UID = re.compile(rb"\bUID (\d{1,10})\b")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,19})\b")
_DATE = re.compile(rb'\bINTERNALDATE "([^"]{20,30})"')
_BODY = re.compile(rb"\bBODY\[\] ")
_SLICE_SECONDS = 1.0
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class MailboxTrouble(GatewayError):
    """The server cannot be used at the moment, or said something that makes no sense."""


class SignInRefused(MailboxTrouble):
    """The server is there and does not let us in: a person must change something."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where an inbox is and how to sign in."""

    host: str
    port: int
    security: str  # tls | starttls | none
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    timeout_seconds: float = 60.0
    message_bytes: int = 0  # 0: no limit


@dataclass(frozen=True, slots=True)
class Place:
    """An opened folder (RFC 3501 section 2.3.1.1): all its UIDs are below `uid_next`."""

    uid_validity: int
    uid_next: int
    mails: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A mail as the server lists it."""

    uid: int
    size: int
    received: datetime | None


class Inbox:
    """A signed-in connection, as a block."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._folder = quoted_folder(account.folder)
        with _trouble(account):
            self._wire = _connected(account)
            try:
                _sign_in(self._wire, account)
                # What is offered may be more after the sign-in.
                self.capabilities = _capabilities(self._wire)
            except BaseException:
                _hang_up(self._wire)
                raise

    def __enter__(self) -> "Inbox":
        return self

    def __exit__(self, *_: object) -> None:
        _hang_up(self._wire)

    @property
    def has_idle(self) -> bool:
        """The server tells by itself when mail comes."""
        return "IDLE" in self.capabilities

    def open(self, *, is_read_only: bool) -> Place:
        """Open the folder, or look at it again."""
        with _trouble(self._account):
            self._ask(lambda: self._wire.select(self._folder, readonly=is_read_only))
            mails = self._number("EXISTS")
            validity, uid_next = self._number("UIDVALIDITY"), self._number("UIDNEXT")
            if not uid_next:
                # Servers may leave it out (RFC 3501 section 6.3.1); asked for it, they may not.
                lines = self._ask(lambda: self._wire.status(self._folder, "(UIDNEXT)"))
                found = re.search(rb"UIDNEXT (\d{1,10})", b" ".join(line for line in lines if isinstance(line, bytes)))
                uid_next = int(found[1]) if found else 0
        if not validity or not uid_next:
            raise MailboxTrouble(f"{self._account.host} gives no UIDVALIDITY or no UIDNEXT for {self._account.folder}")
        return Place(validity, uid_next, mails)

    def search(self, first: int, last: int, since: datetime | None = None) -> list[int]:
        """The UIDs of this range that there are; with `since`, those that may be as young as that."""
        words = ["UID", f"{first}:{last}"]
        if since:
            # The server compares dates in a time zone of its own choice.
            day = since - timedelta(days=1)
            words += ["SINCE", f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}"]
        with _trouble(self._account):
            lines = self._ask(lambda: self._wire.uid("SEARCH", *words))
        found = {int(word) for line in lines if isinstance(line, bytes) for word in line.split() if word.isdigit()}
        return sorted(uid for uid in found if first <= uid <= last)

    def list_mails(self, uids: Sequence[int]) -> list[Listed]:
        """Size and date of mails; those that are gone meanwhile are left out."""
        with _trouble(self._account):
            lines = self._ask(lambda: self._wire.uid("FETCH", _set(uids), "(RFC822.SIZE INTERNALDATE)"))
        listed = [_listed(line) for line in lines if isinstance(line, bytes)]
        return sorted((one for one in listed if one and one.uid in set(uids)), key=lambda one: one.uid)

    def fetch(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The mails, byte for byte as the server holds them, by UID. It marks none as read."""
        with _trouble(self._account):
            lines = self._ask(lambda: self._wire.uid("FETCH", _set(uids), "(BODY.PEEK[])"))
        found = dict(_bodies(lines))
        missing = [uid for uid in uids if uid not in found]
        # Somebody may have deleted them meanwhile; what is still there must not be passed over.
        if missing and self.list_mails(missing):
            raise MailboxTrouble(f"{self._account.host} lists the mail with UID {missing[0]} and does not give it")
        return found

    def put_away(self, uids: Sequence[int], what: AfterFetch, folder: str) -> None:
        """Mark, move or delete mails that are stored."""
        if what is AfterFetch.LEAVE or not uids:
            return
        with _trouble(self._account):
            if what is AfterFetch.MARK:
                self._store(uids, r"(\Seen)")
            elif what is AfterFetch.DELETE:
                self._delete(uids)
            else:
                self._move(uids, quoted_folder(folder))

    def _move(self, uids: Sequence[int], folder: str) -> None:
        verb = "MOVE" if "MOVE" in self.capabilities else "COPY"
        if self._wire.uid(verb, _set(uids), folder)[0] != "OK":
            with suppress(imaplib.IMAP4.error):  # it may be there; what matters is the second try
                self._wire.create(folder)
            self._ask(lambda: self._wire.uid(verb, _set(uids), folder))
        if verb == "COPY":
            self._delete(uids)

    def _delete(self, uids: Sequence[int]) -> None:
        self._store(uids, r"(\Deleted)")
        # Without UIDPLUS only a plain EXPUNGE is left, which would take what other people have marked, too.
        if "UIDPLUS" in self.capabilities:
            self._ask(lambda: self._wire.uid("EXPUNGE", _set(uids)))

    def _store(self, uids: Sequence[int], flags: str) -> None:
        self._ask(lambda: self._wire.uid("STORE", _set(uids), "+FLAGS.SILENT", flags))

    def wait(self, seconds: float, is_stopping: Callable[[], bool]) -> bool:
        """Wait for news with IDLE; True when there is some. RFC 2177."""
        with _trouble(self._account):
            tag = self._wire._new_tag()  # imaplib has no IDLE before Python 3.14
            self._wire.send(tag + b" IDLE\r\n")
            if not self._wire.readline().startswith(b"+"):
                raise MailboxTrouble(f"{self._account.host} offers IDLE and refuses it")
            is_news = self._listen(seconds, is_stopping)
            self._wire.send(b"DONE\r\n")
            while not (line := self._wire.readline()).startswith(tag):
                is_news = is_news or _is_news(line)
        return is_news

    def _listen(self, seconds: float, is_stopping: Callable[[], bool]) -> bool:
        left = seconds
        while left > 0 and not is_stopping():
            if not self._wire.has_line(min(left, _SLICE_SECONDS)):
                left -= _SLICE_SECONDS
            elif _is_news(line := self._wire.readline()):
                return True
            elif line.upper().startswith(b"* BYE"):
                raise MailboxTrouble(f"{self._account.host} says good-bye")
        return False

    def _ask(self, command: Callable[[], tuple[str, Sequence[object]]]) -> Sequence[object]:
        state, lines = command()
        if state != "OK":
            raise MailboxTrouble(f"{self._account.host} refuses: {_words(lines)}")
        return lines

    def _number(self, name: str) -> int:
        values = self._wire.untagged_responses.get(name) or [b""]
        last = values[-1]
        return int(last) if isinstance(last, bytes) and last.isdigit() else 0


def _connected(account: Account) -> Wire:
    if account.security == "none" and account.password and account.host not in LOOPBACK:
        raise MailboxTrouble(f"the password for {account.host} would cross the network in clear: set TLS")
    timeout = account.timeout_seconds
    if account.security == "tls":
        wire: Wire = EncryptedWire(account.host, account.port, ssl_context=tls_context(), timeout=timeout)
    else:
        wire = Wire(account.host, account.port, timeout=timeout)
    if account.message_bytes:
        # Some servers' RFC822.SIZE is an estimate.
        wire.max_literal = 2 * account.message_bytes
    if account.security == "starttls":
        try:
            wire.starttls(tls_context())
        except BaseException:
            _hang_up(wire)
            raise
        if wire.has_spare():
            _hang_up(wire)
            raise MailboxTrouble(f"{account.host} sent data before TLS: somebody may be in between")
    return wire


def _sign_in(wire: Wire, account: Account) -> None:
    offered = _capabilities(wire)
    try:
        if "AUTH=PLAIN" in offered:
            # In UTF-8, where LOGIN knows ASCII only. RFC 4616.
            told = f"\0{account.user}\0{account.password}".encode()
            wire.authenticate("PLAIN", lambda _challenge: told)
        elif "LOGINDISABLED" in offered:
            raise MailboxTrouble(f"{account.host} takes no password without TLS: use --security starttls or tls")
        else:
            wire.login(account.user, account.password)
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeError) as error:
        said = str(error)
        kind = MailboxTrouble if "UNAVAILABLE" in said else SignInRefused
        raise kind(f"{account.host} refuses {account.user}: {_plain(said)}") from error


def _capabilities(wire: Wire) -> frozenset[str]:
    _, lines = wire.capability()
    return frozenset(_words(lines).upper().split())


def _hang_up(wire: Wire) -> None:
    with suppress(OSError, imaplib.IMAP4.error):
        wire.shutdown()


@contextmanager
def _trouble(account: Account) -> Iterator[None]:
    """Whatever goes wrong on the wire, in our own words."""
    try:
        yield
    except ssl.SSLError as error:
        raise MailboxTrouble(f"{account.host}:{account.port}: TLS fails: {error.reason or error}") from error
    except TimeoutError as error:
        raise MailboxTrouble(f"{account.host}:{account.port} did not answer in time") from error
    except OSError as error:
        raise MailboxTrouble(f"{account.host}:{account.port}: {error.strerror or error}") from error
    except (imaplib.IMAP4.error, ValueError) as error:
        raise MailboxTrouble(f"{account.host}:{account.port}: {_plain(str(error))}") from error


def _listed(line: bytes) -> Listed | None:
    uid, size, date = _UID.search(line), _SIZE.search(line), _DATE.search(line)
    return Listed(int(uid[1]), int(size[1]), _date(date[1]) if date else None) if uid and size else None


def _date(text: bytes) -> datetime | None:
    try:
        day, month, rest = text.decode().strip().split("-", 2)
        return datetime.strptime(f"{day} {_MONTHS.index(month.title()) + 1} {rest}", "%d %m %Y %H:%M:%S %z")
    except ValueError:
        return None


def _bodies(lines: Sequence[object]) -> Iterator[tuple[int, bytes]]:
    """The literals with their UIDs, which may stand before or behind them."""
    for place, part in enumerate(lines):
        if isinstance(part, tuple) and len(part) == 2 and _BODY.search(part[0]):
            behind = lines[place + 1] if place + 1 < len(lines) else b""
            found = _UID.search(part[0]) or (_UID.search(behind) if isinstance(behind, bytes) else None)
            if found:
                yield int(found[1]), part[1]


def _is_news(line: bytes) -> bool:
    return line.upper().rstrip().endswith((b" EXISTS", b" RECENT"))


def _set(uids: Sequence[int]) -> str:
    """A sequence set, with runs written short."""
    runs: list[list[int]] = []
    for uid in sorted(uids):
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in runs)


def _words(lines: Sequence[object]) -> str:
    return _plain(b" ".join(line for line in lines if isinstance(line, bytes)).decode("utf-8", "replace"))


def _plain(text: str) -> str:
    return text.removeprefix("b'").removesuffix("'")[:500]
