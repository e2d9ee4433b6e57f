"""Messages: mails and notes filed in tickets, with the ids that thread them and their attachments.

`file_messages` is the one way in, for mail that came, mail that goes and notes alike. It writes
set-based, so that filing fifty mails costs little more than filing one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.errors import NotFound
from storage.bulk import BulkInsert
from storage.columns import Choice, Json, UtcDateTime, column_names, insert_or_skip, table_of
from storage.ids import MAX_NUMBER, take_numbers
from storage.search import Indexed, index_messages

_REF = re.compile(r"(\d{1,18})\.(\d{1,9})")
_MAX_KEPT_ID = 250


# Flags of mail that is never quoted onward.
AGENTS_ONLY = frozenset({"unverified", "verification"})


class Direction(StrEnum):
    """Which way a message went."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    NOTE = "note"  # seen by agents only


class Message(SQLModel, table=True):
    """A mail or a note at rest. People name it by ticket and position: 12.3."""

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    ticket_id: int = Field(foreign_key="ticket.id")
    position: int
    direction: Direction = Field(sa_column=sa.Column(Choice(Direction), nullable=False))
    kind: str  # of inbound ones as read; of outbound ones reply | acknowledgement
    author_name: str = ""
    author_email: str = ""
    recipients_to: list[list[str]] = Field(sa_column=sa.Column(Json, nullable=False))  # [[name, email], ...]
    recipients_cc: list[list[str]] = Field(sa_column=sa.Column(Json, nullable=False))
    recipients_bcc: list[list[str]] = Field(sa_column=sa.Column(Json, nullable=False))
    reply_to: list[list[str]] = Field(sa_column=sa.Column(Json, nullable=False))
    date: datetime = Field(sa_type=UtcDateTime)  # as its author gives it
    filed_at: datetime = Field(sa_type=UtcDateTime)
    message_id: str = ""  # the header, with angle brackets
    subject: str = ""
    text: str = ""
    reply_text: str = ""
    html: str | None = None
    source_inbox: str = ""
    flags: list[str] = Field(sa_column=sa.Column(Json, nullable=False))
    also_received: list[str] = Field(sa_column=sa.Column(Json, nullable=False))  # acceptance ids of duplicates
    automatic: bool = False
    cancelled: bool = False
    agent_id: int | None = Field(default=None, foreign_key="agent.id")
    spool_id: str | None = Field(default=None, foreign_key="spool.id", unique=True)
    content_key: str = ""  # digest of text, attachments and author: the same id with the same content is a duplicate
    authentication: dict[str, str] | None = Field(default=None, sa_column=sa.Column(Json))  # spf, dkim ... identity

    __table_args__ = (sa.UniqueConstraint("ticket_id", "position"),)

    @property
    def is_for_agents_only(self) -> bool:
        """What a stranger or a sign-up robot wrote: agents read it, and nothing of it goes to others."""
        return not AGENTS_ONLY.isdisjoint(self.flags)

    @property
    def ref(self) -> str:
        """How people name it."""
        return f"{self.ticket_id}.{self.position}"


class MessageReference(SQLModel, table=True):
    """An id that a message has or names (RFC 5322 section 3.6.4), by the form in which ids compare."""

    __tablename__ = "message_reference"

    key: str = Field(primary_key=True)
    message_id: int = Field(foreign_key="message.id", primary_key=True, index=True)
    ticket_id: int = Field(foreign_key="ticket.id")
    is_own: bool  # the id of this very message; else one that it names


class MessageAttachment(SQLModel, table=True):
    """A file of a message; its bytes are the blob of its digest."""

    __tablename__ = "attachment"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    message_id: int = Field(foreign_key="message.id", index=True)
    filename: str
    content_type: str
    size: int
    content_id: str = ""
    inline: bool = False
    sha256: str = Field(index=True)


_INSERT = BulkInsert(Message, column_names(Message), is_new=True)
_INSERT_REFERENCES = BulkInsert(MessageReference, column_names(MessageReference))
_INSERT_ATTACHMENTS = BulkInsert(MessageAttachment, column_names(MessageAttachment), is_new=True)


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """A file to keep; its blob is stored already."""

    filename: str
    content_type: str
    size: int
    sha256: str
    content_id: str = ""
    inline: bool = False


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to file. `references` are the ids that it names, oldest first."""

    ticket_id: int
    position: int
    direction: Direction
    kind: str
    author: tuple[str, str]  # name, address
    date: datetime
    filed_at: datetime
    subject: str = ""
    text: str = ""
    reply_text: str = ""
    html: str | None = None
    to: Sequence[tuple[str, str]] = ()
    cc: Sequence[tuple[str, str]] = ()
    bcc: Sequence[tuple[str, str]] = ()
    reply_to: Sequence[tuple[str, str]] = ()
    message_id: str = ""
    references: Sequence[str] = ()
    attachments: Sequence[NewAttachment] = ()
    source_inbox: str = ""
    flags: Sequence[str] = ()
    automatic: bool = False
    agent_id: int | None = None
    spool_id: str | None = None
    content_key: str = ""
    authentication: Mapping[str, str] | None = None  # None: not mail that came in


def reference_key(message_id: str) -> str:
    """The form in which Message-IDs compare: without brackets and white space; a very long one by its digest."""
    plain = "".join(message_id.split()).strip("<>")
    if len(plain) > _MAX_KEPT_ID:
        return "sha256:" + sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
    return plain


def file_messages(session: Session, messages: Sequence[NewMessage]) -> list[int]:
    """Store messages with their ids, attachments and words to search; returns their numbers, in order.

    The caller keeps `Ticket.messages` and `updated_at`, which it knows better.
    """
    if not messages:
        return []
    connection = session.connection()
    numbers = list(take_numbers(session, "message", len(messages)))
    numbered = list(zip(numbers, messages, strict=True))
    _INSERT.run_named(connection, [row_of(n, m) for n, m in numbered])
    _INSERT_REFERENCES.run_named(connection, [row for n, m in numbered for row in reference_rows(n, m)])
    store_attachments(session, numbers, messages)
    index_messages(session, [(n, words_of(m)) for n, m in numbered])
    return numbers


def row_of(number: int, message: NewMessage) -> dict[str, Any]:
    """The columns of a message."""
    return {
        "id": number,
        "ticket_id": message.ticket_id,
        "position": message.position,
        "direction": message.direction,
        "kind": str(message.kind),
        "author_name": message.author[0],
        "author_email": message.author[1],
        "recipients_to": [list(person) for person in message.to],
        "recipients_cc": [list(person) for person in message.cc],
        "recipients_bcc": [list(person) for person in message.bcc],
        "reply_to": [list(person) for person in message.reply_to],
        "date": message.date,
        "filed_at": message.filed_at,
        "message_id": message.message_id,
        "subject": message.subject,
        "text": message.text,
        "reply_text": message.reply_text,
        "html": message.html,
        "source_inbox": message.source_inbox,
        "flags": list(message.flags),
        "also_received": [],
        "automatic": message.automatic,
        "cancelled": False,
        "agent_id": message.agent_id,
        "spool_id": message.spool_id,
        "content_key": message.content_key,
        "authentication": None if message.authentication is None else dict(message.authentication),
    }


def reference_rows(number: int, message: NewMessage) -> list[dict[str, Any]]:
    """The ids that a message has and names."""
    own = reference_key(message.message_id)
    named = {reference_key(reference): False for reference in message.references}
    return [
        {"key": key, "message_id": number, "ticket_id": message.ticket_id, "is_own": is_own}
        for key, is_own in (named | {own: True}).items()
        if key
    ]


def store_attachments(session: Session, numbers: Sequence[int], messages: Sequence[NewMessage]) -> None:
    """The rows of the files of messages."""
    files = [(n, file) for n, message in zip(numbers, messages, strict=True) for file in message.attachments]
    if not files:
        return
    ids = take_numbers(session, "attachment", len(files))
    rows = [
        {
            "id": id_,
            "message_id": n,
            "filename": file.filename,
            "content_type": file.content_type,
            "size": file.size,
            "content_id": file.content_id,
            "inline": file.inline,
            "sha256": file.sha256,
        }
        for id_, (n, file) in zip(ids, files, strict=True)
    ]
    _INSERT_ATTACHMENTS.run_named(session.connection(), rows)


def words_of(message: NewMessage) -> Indexed:
    """By what a message is found."""
    return Indexed(
        text=message.text,
        subject=message.subject,
        author=" ".join(message.author),
        people=" ".join(part for person in (*message.to, *message.cc) for part in person),
        files=" ".join(file.filename for file in message.attachments),
    )


def note_duplicate(session: Session, message_id: str, content_key: str, acceptance_id: str) -> None:
    """Show on a stored message that the same one came by another way too."""
    of_key = select(MessageReference.message_id).where(
        MessageReference.key == reference_key(message_id), col(MessageReference.is_own)
    )
    query = select(Message).where(col(Message.id).in_(of_key), Message.content_key == content_key)
    for message in session.exec(query).all():
        message.also_received = [*message.also_received, acceptance_id]
        session.add(message)
    session.flush()


def remember_id(session: Session, number: int, ticket_id: int, message_id: str, content_key: str) -> None:
    """Know a mail again that became a stored message by another way: the same one once more is a duplicate."""
    connection = session.connection()
    connection.execute(sa.update(table_of(Message)).where(col(Message.id) == number).values(content_key=content_key))
    row = {"key": reference_key(message_id), "message_id": number, "ticket_id": ticket_id, "is_own": True}
    connection.execute(insert_or_skip(connection, MessageReference), [row])


def messages_of(session: Session, ticket_id: int) -> list[Message]:
    """The messages of a ticket, oldest first."""
    query = select(Message).where(Message.ticket_id == ticket_id).order_by(col(Message.position))
    return list(session.exec(query).all())


def attachments_of(session: Session, message_ids: Sequence[int]) -> dict[int, list[MessageAttachment]]:
    """The files of some messages, by message."""
    query = select(MessageAttachment).where(col(MessageAttachment.message_id).in_(message_ids))
    files: dict[int, list[MessageAttachment]] = {}
    for file in session.exec(query.order_by(col(MessageAttachment.id))).all():
        files.setdefault(file.message_id, []).append(file)
    return files


def find_message(session: Session, named: str) -> Message:
    """The message of this id, place in its ticket (12.3) or Message-ID. Raises NotFound."""
    query = select(Message)
    place = _REF.fullmatch(named)
    if place and max(int(place[1]), int(place[2])) <= MAX_NUMBER:
        query = query.where(Message.ticket_id == int(place[1]), Message.position == int(place[2]))
    elif named.isascii() and named.isdigit() and len(named) < 19 and int(named) <= MAX_NUMBER:
        query = query.where(Message.id == int(named))
    else:
        of_key = select(MessageReference.message_id).where(
            MessageReference.key == reference_key(named), col(MessageReference.is_own)
        )
        query = query.where(col(Message.id).in_(of_key))
    message = session.exec(query.order_by(col(Message.id))).first()
    if message is None:
        raise NotFound(f"There is no message {named}")
    return message


def references_of(session: Session, ticket_id: int, limit: int = 20) -> list[str]:
    """The Message-IDs of a ticket's mails, oldest first: the first and the newest when there are many.

    RFC 5322 section 3.6.4 asks for the whole chain; other systems cut it in the middle, as we do.
    """
    query = select(Message.message_id).where(Message.ticket_id == ticket_id, Message.message_id != "")
    ids = list(session.exec(query.order_by(col(Message.position))).all())
    return ids if len(ids) <= limit else [ids[0], *ids[-limit + 1 :]]
