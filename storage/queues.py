"""Queues of tickets, which are also the teams, with their policies and their source inboxes."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from config.errors import AlreadyThere, AskedWrongly, NotFound
from storage.address import canonical_address
from storage.columns import Choice, Json, UtcDateTime

# So many mails of an inbox tell that it forwards to us; from then on it is shown as a suggestion.
SUGGESTED_AFTER = 3


class FreshMail(StrEnum):
    """Where mail goes that answers nothing."""

    NEW = "new"  # always a new ticket
    JOIN_OPEN = "join_open"  # into the newest open ticket of its contact, when there is one


class LateAnswers(StrEnum):
    """What becomes of an answer to a ticket that was settled too long ago to reopen."""

    NEW = "new"  # a new ticket that is linked to it
    REFUSE = "refuse"  # it is held, and its author is told once


class Acknowledge(StrEnum):
    """To whom a new ticket is acknowledged."""

    AUTHENTICATED = "authenticated"  # proven senders, and contacts whom an agent answered before
    ALL = "all"
    NEVER = "never"


class ReplyTo(StrEnum):
    """Where customers' answers go."""

    GATEWAY = "gateway"  # straight to us, to a signed address
    INBOX = "inbox"  # to the source inbox, which forwards them


class Forwards(StrEnum):
    """Whose hand-made forwards make the inner sender the customer."""

    AGENTS = "agents"
    ANYONE = "anyone"
    OFF = "off"


class Assignment(StrEnum):
    """Who gets a new ticket that no rule has assigned."""

    NOBODY = "nobody"  # somebody takes it
    ROUND_ROBIN = "round-robin"  # the team in turn
    LEAST_LOADED = "least-loaded"  # who has the fewest tickets to do


class FromName(StrEnum):
    """Whose name stands in From of answers."""

    QUEUE = "queue"  # the display name of the queue
    AGENT_VIA_QUEUE = "agent-via-queue"  # `Eva via Acme Support`
    AGENT = "agent"


class Queue(SQLModel, table=True):
    """A queue and its policies. `key` is the name as it compares."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    key: str = Field(unique=True)
    display_name: str = ""
    from_name: FromName = Field(default=FromName.QUEUE, sa_column=sa.Column(Choice(FromName), nullable=False))
    color: str = ""  # #rrggbb
    template: str = "simple"  # of letters in HTML; none: text alone
    logo: str = ""  # a file in the operator's folder of templates
    mail_header: str = ""  # Markdown
    mail_footer: str = ""  # Markdown
    quote_last: bool = False
    reply_marker: bool = False
    from_address: str = ""  # canonical; empty: its source inbox, else the creation address
    reply_to: ReplyTo = Field(default=ReplyTo.GATEWAY, sa_column=sa.Column(Choice(ReplyTo), nullable=False))
    fresh_mail: FreshMail = Field(default=FreshMail.NEW, sa_column=sa.Column(Choice(FreshMail), nullable=False))
    join_days: int = 14
    reopen_days: int = 14  # counted from solved; 0: never
    late_answers: LateAnswers = Field(default=LateAnswers.NEW, sa_column=sa.Column(Choice(LateAnswers), nullable=False))
    close_after_days: int = 14
    acknowledge: Acknowledge | None = Field(default=None, sa_column=sa.Column(Choice(Acknowledge)))
    display_name_in_automatic_replies: bool = True
    known_contacts_only: bool = False
    forwards: Forwards = Field(default=Forwards.AGENTS, sa_column=sa.Column(Choice(Forwards), nullable=False))
    assignment: Assignment = Field(default=Assignment.NOBODY, sa_column=sa.Column(Choice(Assignment), nullable=False))
    form_senders: list[str] = Field(default_factory=list, sa_column=sa.Column(Json, nullable=False))  # canonical
    answer_via: int | None = Field(default=None, foreign_key="channel.id")
    subject_tag: bool = False
    signature: str = ""
    language: str = "en"
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    archived_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    silent_since: datetime | None = Field(default=None, sa_type=UtcDateTime)  # an alarm was raised: no mail since then

    @property
    def number(self) -> int:
        """The id of a stored queue."""
        if self.id is None:
            raise ValueError("this queue was never stored")
        return self.id


class SourceInbox(SQLModel, table=True):
    """An address of the company that forwards to a queue; confirmed: an operator named it, so we never write to it."""

    __tablename__ = "source_inbox"

    address: str = Field(primary_key=True)
    queue_id: int = Field(foreign_key="queue.id", index=True)
    confirmed: bool = True
    mails: int = 0
    last_mail_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


def add_queue(session: Session, queue: Queue) -> Queue:
    """Store a new queue. Raises AlreadyThere when the name is taken."""
    queue.name = queue.name.strip()
    queue.key = queue_key(queue.name)
    if not queue.key:
        raise AskedWrongly("A queue needs a name")
    if session.exec(select(Queue).where(Queue.key == queue.key)).first():
        raise AlreadyThere(f"There is a queue {queue.name} already: change it with `gateway queue set`")
    session.add(queue)
    session.flush()
    return queue


def queue_key(name: str) -> str:
    """The form in which names of queues compare."""
    return " ".join(name.split()).casefold()


def find_queue(session: Session, name: str) -> Queue:
    """The queue of this name, in any case. Raises NotFound with the names that there are."""
    queue = queue_named(session, name)
    if queue is None:
        names = ", ".join(queue.name for queue in list_queues(session)) or "none yet; make one with `gateway queue new`"
        raise NotFound(f"There is no queue {name!r}. Queues: {names}")
    return queue


def queue_named(session: Session, name: str) -> Queue | None:
    """The queue of this name, in any case; an archived one too."""
    return session.exec(select(Queue).where(Queue.key == queue_key(name))).first()


def list_queues(session: Session, *, archived: bool = False) -> list[Queue]:
    """All queues by name."""
    query = select(Queue).order_by(col(Queue.key))
    if not archived:
        query = query.where(col(Queue.archived_at).is_(None))
    return list(session.exec(query).all())


def name_source_inbox(session: Session, queue: Queue, address: str) -> SourceInbox:
    """Say that this address forwards to the queue; from now on nothing is ever sent to it."""
    canonical = canonical_address(address)
    if canonical is None:
        raise AskedWrongly(f"{address!r} is no mail address")
    from storage.mailboxes import refuse_mailbox_address  # which needs this module

    refuse_mailbox_address(session, canonical)
    inbox = session.get(SourceInbox, canonical) or SourceInbox(address=canonical, queue_id=queue.number)
    inbox.queue_id, inbox.confirmed = queue.number, True
    session.add(inbox)
    session.flush()
    return inbox


def forget_source_inbox(session: Session, queue: Queue, address: str) -> None:
    """Say that this address does not forward to the queue any more. Raises NotFound."""
    inbox = session.get(SourceInbox, canonical_address(address) or "")
    if inbox is None or inbox.queue_id != queue.number:
        raise NotFound(f"{address} is no source inbox of queue {queue.name}")
    session.delete(inbox)
    session.flush()


def source_inboxes(session: Session, queue_id: int | None = None) -> list[SourceInbox]:
    """The confirmed source inboxes, of one queue or of all."""
    query = select(SourceInbox).where(col(SourceInbox.confirmed)).order_by(col(SourceInbox.address))
    if queue_id is not None:
        query = query.where(SourceInbox.queue_id == queue_id)
    return list(session.exec(query).all())


def archive_queue(session: Session, name: str) -> Queue:
    """Take a queue out of the lists; its addresses still route and its tickets stay."""
    queue = find_queue(session, name)
    queue.archived_at = queue.archived_at or now()
    session.add(queue)
    session.flush()
    return queue


def set_form_sender(queue: Queue, address: str, *, listed: bool = True) -> None:
    """Believe Reply-To in mail from this address, which sends what people write into a form; or no longer."""
    canonical = canonical_address(address)
    if canonical is None:
        raise AskedWrongly(f"{address!r} is no mail address")
    others = [one for one in queue.form_senders if one != canonical]
    queue.form_senders = sorted([*others, canonical]) if listed else others


def rename_queue(session: Session, queue: Queue, name: str) -> None:
    """Give a queue another name. Raises AlreadyThere or AskedWrongly."""
    key = queue_key(name)
    if not key:
        raise AskedWrongly("A queue needs a name")
    other = session.exec(select(Queue).where(Queue.key == key)).first()
    if other and other.id != queue.id:
        raise AlreadyThere(f"There is a queue {other.name} already")
    queue.name, queue.key = name.strip(), key
    session.add(queue)
    session.flush()
