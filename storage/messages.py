"""Messages at rest: mails and notes in tickets, the ids that thread them, their files; and how they are found.

They come in by `storage.message_filing`.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.errors import NotFound
from storage.columns import Choice, Json, UtcDateTime
from storage.ids import MAX_NUMBER

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


def reference_key(message_id: str) -> str:
    """The form in which Message-IDs compare: without brackets and white space; a very long one by its digest."""
    plain = "".join(message_id.split()).strip("<>")
    if len(plain) > _MAX_KEPT_ID:
        return "sha256:" + sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
    return plain


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
