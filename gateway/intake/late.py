"""Hold an answer to a ticket that was settled too long ago, where the queue refuses such answers; its author is told.

Which answers those are is decided in `gateway.intake.place`. `gateway mail release` makes a linked ticket of one, and
so does its author when he answers what he was told.
"""

from gateway.intake.case import Case, Verdict
from gateway.intake.desk import Desk
from gateway.intake.place import LATE, Place
from outbound.automatic import Occasion
from outbound.too_late import tell_too_late
from storage.spool import SpoolState
from storage.tickets import Ticket


def refuse(case: Case, desk: Desk, place: Place) -> Verdict | None:
    """Hold it, and say in its ticket that it waits; None for all other mail."""
    if not place.refused or place.linked_to is None:
        return None
    ticket = desk.ticket(place.linked_to)
    if ticket is None:
        return None
    case.note(LATE, SpoolState.HELD, f"queue {case.queue.name} refuses answers to what it does not reopen")
    desk.add_event(ticket, "held", f"an answer of {case.author or 'nobody'} came too late: {case.claimed.id}")
    desk.too_late.append((case, ticket))
    return Verdict(SpoolState.HELD, LATE, f"{place.refused}, from {case.author or 'nobody'}", ticket_id=ticket.id)


def tell_authors(desk: Desk) -> None:
    """Write to the authors of what was held so. All else is written already."""
    for case, ticket in desk.too_late:
        person = desk.people.get(case.author)
        is_answered = bool(person and person.known and case.is_author_vouched and not case.is_author_denied)
        line = tell_too_late(desk.session, desk.office, _occasion(case, ticket), is_answered_contact=is_answered)
        case.note(*line)


def _occasion(case: Case, ticket: Ticket) -> Occasion:
    return Occasion(
        queue=case.queue,
        ticket=ticket,
        address=case.author,
        author=(case.writer.name, case.writer.email),
        subject=case.mail.subject,
        message_id=case.mail.message_id,
        references=(*case.mail.references, *case.mail.in_reply_to),
        is_proven=case.is_author_proven,
    )
