"""Tags of tickets: words that a team sorts its tickets by."""

import re
from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.errors import AskedWrongly
from storage.tickets import Ticket, note

_MAX_TAG = 50
_TAG = re.compile(r"[^\s,:\"]+")


class TicketTag(SQLModel, table=True):
    """A ticket has a tag."""

    __tablename__ = "ticket_tag"

    ticket_id: int = Field(foreign_key="ticket.id", primary_key=True)
    tag: str = Field(primary_key=True, index=True)


def canonical_tag(text: str) -> str:
    """The form in which tags compare: lower case, one word. Raises AskedWrongly."""
    tag = text.strip().removeprefix("#").casefold()
    if len(tag) > _MAX_TAG or not _TAG.fullmatch(tag):
        raise AskedWrongly(f"{text!r} is no tag: one word of {_MAX_TAG} characters at most, without colon and comma")
    return tag


def change_tags(session: Session, ticket: Ticket, words: Sequence[str], *, by: str) -> None:
    """Give a ticket tags, and take those away that are written with a minus in front."""
    before = set(tags_of(session, ticket.id))
    wanted = set(before)
    for word in words:
        change = wanted.discard if word.startswith("-") else wanted.add
        change(canonical_tag(word.removeprefix("-")))
    session.add_all(TicketTag(ticket_id=ticket.id, tag=tag) for tag in wanted - before)
    gone = col(TicketTag.tag).in_(before - wanted)
    session.exec(sa.delete(TicketTag).where(col(TicketTag.ticket_id) == ticket.id, gone))
    if wanted != before:
        changes = [*(f"+{tag}" for tag in sorted(wanted - before)), *(f"-{tag}" for tag in sorted(before - wanted))]
        note(session, ticket, "tags", by=by, text=" ".join(changes))


def tags_of(session: Session, number: int) -> list[str]:
    """The tags of a ticket, in the order of the alphabet."""
    query = select(TicketTag.tag).where(TicketTag.ticket_id == number).order_by(col(TicketTag.tag))
    return list(session.exec(query).all())


def tags_by_ticket(session: Session, numbers: Sequence[int]) -> dict[int, list[str]]:
    """The tags of some tickets."""
    query = select(TicketTag).where(col(TicketTag.ticket_id).in_(numbers)).order_by(col(TicketTag.tag))
    tags: dict[int, list[str]] = {}
    for row in session.exec(query).all():
        tags.setdefault(row.ticket_id, []).append(row.tag)
    return tags
