"""Mailboxes: inboxes that the gateway reads itself, over IMAP, and how far it has come in each.

`last_uid` counts within `uid_validity` (RFC 3501 section 2.3.1.1) and moves in the transaction that accepts the
mails up to it, so that a crash neither loses nor repeats one. How they are fetched is `gateway.mailbox`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from config.errors import AlreadyThere, AskedWrongly, NotFound, Refused
from storage.address import canonical_address
from storage.addresses import CreationAddress
from storage.agents import list_agents
from storage.columns import Choice, UtcDateTime, table_of
from storage.ids import MAX_NUMBER
from storage.queues import SourceInbox
from storage.withheld import forget_withheld


class MailboxKind(StrEnum):
    """How it signs in."""

    IMAP = "imap"
    GMAIL = "gmail"  # IMAP with an app password
    OFFICE365 = "office365"  # IMAP with OAuth 2


class MailboxState(StrEnum):
    """connected <-> failing -> disabled, and back by a person."""

    CONNECTED = "connected"
    FAILING = "failing"  # the server or the account refuses us; tried again, ever more seldom
    DISABLED = "disabled"  # a person took it out of use


MOVES: dict[MailboxState, frozenset[MailboxState]] = {
    MailboxState.CONNECTED: frozenset({MailboxState.FAILING, MailboxState.DISABLED}),
    MailboxState.FAILING: frozenset({MailboxState.CONNECTED, MailboxState.DISABLED}),
    MailboxState.DISABLED: frozenset({MailboxState.CONNECTED}),
}


class AfterFetch(StrEnum):
    """What is done with a mail in the mailbox once it is stored here."""

    LEAVE = "leave"  # nothing: people who read the inbox see it as it was
    MARK = "mark"  # as read
    MOVE = "move"  # into a folder
    DELETE = "delete"


class Mailbox(SQLModel, table=True):
    """An inbox and how far we have come. `secret` is sealed for `mailbox:<id>:secret`; an account may stand for it."""

    id: int | None = Field(default=None, primary_key=True)
    address: str = Field(unique=True)  # canonical; the recipient of its mails
    queue_id: int = Field(foreign_key="queue.id", index=True)
    kind: MailboxKind = Field(sa_column=sa.Column(Choice(MailboxKind), nullable=False))
    host: str
    port: int = 993
    security: str = "tls"  # tls | starttls | none
    user: str
    secret: str = ""
    account_id: int | None = Field(default=None, foreign_key="account.id")  # signs in with OAuth 2
    folder: str = "INBOX"
    after_fetch: AfterFetch = Field(default=AfterFetch.LEAVE, sa_column=sa.Column(Choice(AfterFetch), nullable=False))
    move_to: str = ""
    since: datetime | None = Field(default=None, sa_type=UtcDateTime)  # older mails are passed over; none: all
    channel_id: int | None = Field(default=None, foreign_key="channel.id")  # the same account as a way out
    uid_validity: int = Field(default=0, sa_type=sa.BigInteger)  # 0: never opened
    last_uid: int = Field(default=0, sa_type=sa.BigInteger)  # up to it all is stored
    done_uid: int = Field(default=0, sa_type=sa.BigInteger)  # up to it `after_fetch` is done, too
    backlog_uid: int = Field(default=0, sa_type=sa.BigInteger)  # what was there when it was first opened
    waiting: int = 0  # mails that the server still had for us at the last look
    fetched: int = 0  # mails, in all
    state: MailboxState = Field(
        default=MailboxState.CONNECTED, sa_column=sa.Column(Choice(MailboxState), nullable=False)
    )
    last_error: str = ""
    asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # when a person asked to try again now
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # the last time that the server answered
    last_mail_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

    @property
    def number(self) -> int:
        """The id of a stored mailbox."""
        if self.id is None:
            raise ValueError("this mailbox was never stored")
        return self.id

    @property
    def has_backlog(self) -> bool:
        """Whether something is left of what was there when it was first opened; never opened: nobody knows."""
        return not self.uid_validity or min(self.last_uid, self.done_uid) < self.backlog_uid

    @property
    def secret_purpose(self) -> str:
        """What `secret` is sealed for."""
        return f"mailbox:{self.id}:secret"


@dataclass(frozen=True, slots=True)
class Step:
    """A move of the cursor: from where, to where, and how many mails are stored with it."""

    number: int  # of the mailbox
    uid_validity: int
    from_uid: int
    to_uid: int
    mails: int
    waiting: int
    is_done: bool  # nothing is left to do with them in the mailbox


def add_mailbox(session: Session, mailbox: Mailbox) -> Mailbox:
    """Store a new mailbox. Raises AskedWrongly, AlreadyThere or Refused."""
    check_mailbox(session, mailbox)
    session.add(mailbox)
    session.flush()
    return mailbox


def check_mailbox(session: Session, mailbox: Mailbox) -> None:
    """Make its address canonical. Raises AskedWrongly, AlreadyThere or Refused when it cannot be a new mailbox."""
    canonical = canonical_address(mailbox.address)
    if canonical is None:
        raise AskedWrongly(f"{mailbox.address!r} is no mail address")
    mailbox.address = canonical
    if session.exec(select(Mailbox.id).where(Mailbox.address == canonical)).first() is not None:
        raise AlreadyThere(f"The mailbox {canonical} is connected already: change it with `gateway mailbox set`")
    if session.exec(select(CreationAddress.id).where(CreationAddress.address == canonical)).first() is not None:
        raise Refused(f"{canonical} is a creation address of ours: its mail comes here by itself")
    inbox = session.get(SourceInbox, canonical)
    if inbox and inbox.confirmed:
        raise Refused(
            f"{canonical} is a source inbox, which forwards to us: end that forward and its name first, "
            f"else each mail would come twice (`gateway queue set QUEUE --source -{canonical}`)"
        )
    if any(agent.email == canonical for agent in list_agents(session)):
        raise Refused(f"{canonical} is the address of an agent: a mailbox for customers' mail needs one of its own")


def find_mailbox(session: Session, named: str) -> Mailbox:
    """The mailbox of this address or number. Raises NotFound with those that there are."""
    canonical = canonical_address(named)
    query = select(Mailbox).where(Mailbox.address == canonical)
    if canonical is None and named.isascii() and named.isdigit() and int(named) <= MAX_NUMBER:
        query = select(Mailbox).where(Mailbox.id == int(named))
    found = session.exec(query).first()
    if found is None:
        names = ", ".join(one.address for one in list_mailboxes(session)) or "none yet; `gateway mailbox connect`"
        raise NotFound(f"There is no mailbox {named!r}. Mailboxes: {names}")
    return found


def list_mailboxes(session: Session) -> list[Mailbox]:
    """All mailboxes by address."""
    return list(session.exec(select(Mailbox).order_by(col(Mailbox.address))).all())


def mailboxes_of(session: Session, queue_id: int) -> list[Mailbox]:
    """The mailboxes whose mail goes to a queue, by address."""
    return [one for one in list_mailboxes(session) if one.queue_id == queue_id]


def queue_ids_by_mailbox(session: Session) -> dict[str, int]:
    """The address of each mailbox -> the queue that stands for its mails."""
    return {row.address: row.queue_id for row in session.connection().execute(_QUEUES)}


def ways_in() -> sa.Subquery:
    """Every address at which mail comes in, and the queue that it is for: creation addresses and mailboxes."""
    return sa.union_all(
        select(CreationAddress.address, CreationAddress.queue_id), select(Mailbox.address, Mailbox.queue_id)
    ).subquery()


def set_state(session: Session, mailbox: Mailbox, state: MailboxState, error: str = "") -> bool:
    """Move a mailbox to a state; True when that is news. Raises Refused for a move that there is not."""
    if mailbox.state is state:
        mailbox.last_error = error or mailbox.last_error
        session.add(mailbox)
        return False
    if state not in MOVES[mailbox.state]:
        raise Refused(f"A mailbox that is {mailbox.state} does not become {state}")
    mailbox.state, mailbox.last_error = state, error
    session.add(mailbox)
    session.flush()
    return True


def begin_reading(session: Session, number: int, uid_validity: int, uid_next: int) -> Mailbox | None:
    """The mailbox as the reading of a folder begins; None when it is gone or disabled.

    Other UIDs than before (RFC 3501 section 2.3.1.1) mean to begin again: what is stored already is known by its bytes.
    """
    mailbox = session.get(Mailbox, number)
    if mailbox is None or mailbox.state is MailboxState.DISABLED:
        return None
    if mailbox.uid_validity != uid_validity:
        mailbox.uid_validity, mailbox.last_uid, mailbox.done_uid = uid_validity, 0, 0
        mailbox.backlog_uid = uid_next - 1
        forget_withheld(session.connection(), number)
    mailbox.seen_at = now()
    session.add(mailbox)
    session.flush()
    return mailbox


def advance(connection: sa.Connection, step: Step) -> bool:
    """Note how far all is stored, in the transaction that stores it.

    False, and nothing noted, when somebody else has moved on since, or the mailbox is gone or disabled: then the
    caller must store nothing.
    """
    at = now()
    values: dict[str, object] = {"last_uid": step.to_uid, "waiting": step.waiting, "seen_at": at}
    if step.is_done:
        values["done_uid"] = step.to_uid
    if step.mails:
        values |= {"fetched": _TABLE.c.fetched + step.mails, "last_mail_at": at}
    moved = sa.update(_TABLE).where(
        _TABLE.c.id == step.number,
        _TABLE.c.uid_validity == step.uid_validity,
        _TABLE.c.last_uid == step.from_uid,
        _TABLE.c.state != MailboxState.DISABLED,
    )
    return connection.execute(moved.values(values)).rowcount == 1


def finish(connection: sa.Connection, number: int, uid_validity: int, done_uid: int) -> None:
    """Note up to which mail `after_fetch` is done."""
    done = sa.update(_TABLE).where(_TABLE.c.id == number, _TABLE.c.uid_validity == uid_validity)
    connection.execute(done.values(done_uid=done_uid))


def refuse_mailbox_address(session: Session, address: str) -> None:
    """Raise Refused when this canonical address is a connected mailbox: it can be nothing else to us."""
    if session.exec(select(Mailbox.id).where(Mailbox.address == address)).first() is not None:
        raise Refused(f"{address} is a connected mailbox: its mail is fetched, see `gateway mailbox show {address}`")


def remove_mailbox(session: Session, mailbox: Mailbox) -> None:
    """Forget a mailbox with its password; its mails and tickets stay."""
    forget_withheld(session.connection(), mailbox.number)
    session.delete(mailbox)
    session.flush()


_TABLE = table_of(Mailbox)
# Made once: it is asked for every batch of mail.
_QUEUES = sa.select(_TABLE.c.address, _TABLE.c.queue_id)
