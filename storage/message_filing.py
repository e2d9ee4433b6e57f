"""The one way in for messages: mail that came, mail that goes and notes alike.

It writes set-based, so that filing fifty mails costs little more than filing one. The tables are in `storage.messages`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.bulk import BulkInsert
from storage.columns import column_names, insert_or_skip, table_of
from storage.ids import take_numbers
from storage.messages import Direction, Message, MessageAttachment, MessageReference, reference_key
from storage.search import Indexed, index_messages

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
