"""Where the mails of ours stand today: in the ticket that their mark names, unless that was merged, split or revoked.

A mark is written once and for ever. What was merged into another ticket leads there by itself (`Ticket.merged_into`);
what a split took out of a ticket is asked here, mail by mail.
"""

from sqlmodel import Session, col, select

from config.clock import now
from storage.ids import first_id
from storage.outbox import Outgoing
from storage.tickets import Ticket, note


def ticket_of_mail(session: Session, outgoing_id: str) -> int | None:
    """In which ticket a mail of ours stands; None when there is no such mail, or it stands in none."""
    return session.exec(select(Outgoing.ticket_id).where(Outgoing.id == outgoing_id)).first()


def revoke_marks(session: Session, ticket: Ticket, *, by: str) -> None:
    """Make every mark worthless that was written for this ticket so far, and for all that was merged into it."""
    from_now = first_id(now())
    for one in (ticket, *_merged_into(session, ticket)):
        one.marks_from = from_now
        session.add(one)
    note(session, ticket, "revoked", by=by, text="its reply addresses and Message-IDs locate it no more")


def _merged_into(session: Session, ticket: Ticket) -> list[Ticket]:
    """The tickets that lead to this one, over any number of mergers; a circle ends."""
    found: dict[int, Ticket] = {ticket.id: ticket}
    newest = [ticket.id]
    while newest:
        rows = session.exec(select(Ticket).where(col(Ticket.merged_into).in_(newest))).all()
        newest = [one.id for one in rows if one.id not in found]
        found |= {one.id: one for one in rows}
    return [one for one in found.values() if one.id != ticket.id]
