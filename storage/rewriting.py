"""Put the content of a stored message right, when its raw mail is read anew and better.

Where it stands, who takes part in its ticket and what was sent because of it stay as they are: agents may have acted
on them.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.columns import insert_or_skip, table_of
from storage.message_filing import NewMessage, reference_rows, row_of, store_attachments, words_of
from storage.messages import Message, MessageAttachment, MessageReference
from storage.search import forget_words, index_messages

# What reading decides; the other columns say where the message stands and what happened to it.
CONTENT = (
    "kind",
    "author_name",
    "author_email",
    "recipients_to",
    "recipients_cc",
    "reply_to",
    "date",
    "message_id",
    "subject",
    "text",
    "reply_text",
    "html",
    "source_inbox",
    "flags",
    "automatic",
    "content_key",
    "authentication",
)


def content_of(message: Message) -> dict[str, object]:
    """What is stored of a message, by the names of `CONTENT`."""
    return {name: getattr(message, name) for name in CONTENT}


def new_content(new: NewMessage) -> dict[str, object]:
    """What would be stored, by the same names."""
    row = row_of(0, new)
    return {name: row[name] for name in CONTENT}


def references_of_message(session: Session, number: int) -> set[str]:
    """The keys of the ids that a message has and names."""
    return set(session.exec(select(MessageReference.key).where(MessageReference.message_id == number)).all())


def rewrite_message(session: Session, message: Message, new: NewMessage, files_differ: bool) -> None:
    """Store new content for a message, with its ids and the words by which it is found."""
    connection, number = session.connection(), message.id
    table = table_of(Message)
    connection.execute(sa.update(table).where(table.c.id == number).values(new_content(new)))
    connection.execute(sa.delete(MessageReference).where(col(MessageReference.message_id) == number))
    rows = reference_rows(number, new)
    if rows:
        connection.execute(insert_or_skip(connection, MessageReference), rows)
    if files_differ:
        connection.execute(sa.delete(MessageAttachment).where(col(MessageAttachment.message_id) == number))
        store_attachments(session, [number], [new])
    forget_words(session, [number])
    index_messages(session, [(number, words_of(new))])


def files_of(files: Sequence[MessageAttachment]) -> list[str]:
    """Stored files in words that compare."""
    return [f"{file.filename} ({file.content_type}, {file.size} bytes, {file.sha256[:12]})" for file in files]


def new_files(new: NewMessage) -> list[str]:
    """Files to be stored in the same words."""
    return [f"{file.filename} ({file.content_type}, {file.size} bytes, {file.sha256[:12]})" for file in new.attachments]
