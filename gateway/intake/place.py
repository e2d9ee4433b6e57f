"""What follows from the evidence: join the ticket, join it unverified, reopen it, or open a linked one.

A mark locates a ticket, it does not authorise its bearer: a stranger never becomes the customer.
CONTRACT.md section 1 (queue, roles, status); MAIL.md guards (a) to (g).
"""

from dataclasses import dataclass
from datetime import timedelta

from gateway.intake.case import Case, Match
from gateway.intake.desk import Desk
from gateway.intake.subject import plain_subject
from outbound.marks import person_tag
from storage.tickets import TRUSTED_ROLES, LinkKind, ParticipantRole, Status, Ticket

# A third stranger on one ticket gets a linked ticket of his own.
_MAX_UNVERIFIED = 2
_SETTLED = (Status.SOLVED, Status.CLOSED)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail goes: into `ticket`, or into a new one that is linked to `linked_to` when that is set."""

    ticket: Ticket | None
    by: str
    is_unverified: bool = False
    reopens: bool = False
    linked_to: int | None = None
    link: LinkKind = LinkKind.RELATED


def find_place(case: Case, desk: Desk, match: Match | None) -> Place:
    """The place for a mail, with the reason in the trace."""
    ticket = desk.ticket(match.ticket_id) if match else None
    if match is None or ticket is None:
        return Place(None, "fresh mail")
    if ticket.id != match.ticket_id:
        case.note("merged", f"ticket {ticket.id}", f"{match.ticket_id} was merged into it")
    return _elsewhere(case, desk, match, ticket) or _stranger(case, desk, match, ticket) or _by_age(case, match, ticket)


def _elsewhere(case: Case, desk: Desk, match: Match, ticket: Ticket) -> Place | None:
    """The envelope names a queue that the ticket was never in: the mail was forwarded there."""
    if case.mark or case.queue.number in desk.homes.get(ticket.id, ()):
        return None
    case.note("queue", "new ticket", f"ticket {ticket.id} was never in {case.queue.name}")
    return Place(None, "forwarded to another queue", linked_to=ticket.id, link=LinkKind.FORWARD)


def _stranger(case: Case, desk: Desk, match: Match, ticket: Ticket) -> Place | None:
    role = desk.role(ticket, case.author)
    if role in TRUSTED_ROLES and not _is_somebody_elses(case):
        case.note("participant", str(role), f"{case.author} takes part in ticket {ticket.id}")
        return None
    if not match.is_signed:
        case.note(
            "participant", "stranger", f"{case.author or 'nobody'} takes no part in ticket {ticket.id}: a new ticket"
        )
        return Place(None, "stranger", linked_to=ticket.id)
    others = {a for a, r in desk.roles.get(ticket.id, {}).items() if r is ParticipantRole.UNVERIFIED} - {case.author}
    if len(others) >= _MAX_UNVERIFIED:
        case.note("participant", "stranger", f"ticket {ticket.id} has {len(others)} unverified writers: a new ticket")
        return Place(None, "one stranger too many", linked_to=ticket.id)
    case.note(
        "participant", "unverified", f"{case.author or 'nobody'} has a mark of ours and is not known in the ticket"
    )
    return Place(ticket, match.by, is_unverified=True)


def _is_somebody_elses(case: Case) -> bool:
    """The mark was made for one person's own copy, and this is not he."""
    return bool(case.mark and case.mark.is_bound and case.mark.person != person_tag(case.author))


def _by_age(case: Case, match: Match, ticket: Ticket) -> Place:
    if ticket.status not in _SETTLED or case.is_automatic:
        return Place(ticket, match.by)
    days = case.queue.reopen_days
    settled = ticket.settled_at or ticket.updated_at
    is_young = case.claimed.received_at - settled <= timedelta(days=days) and days > 0
    if is_young and not _is_another_matter(case, ticket):
        return Place(ticket, match.by, reopens=True)
    why = (
        f"the subject has changed since ticket {ticket.id}"
        if is_young
        else f"{ticket.id} was solved {settled:%Y-%m-%d}"
    )
    case.note("age", "new ticket", f"{why}; queue {case.queue.name} reopens for {days} days")
    return Place(None, "follow-up on a settled ticket", linked_to=ticket.id, link=LinkKind.FOLLOW_UP)


def _is_another_matter(case: Case, ticket: Ticket) -> bool:
    """People answer an old mail because it is at hand; a new subject says that the matter is new."""
    subject = plain_subject(case.mail.subject)
    return ticket.status is Status.CLOSED and bool(subject) and subject != plain_subject(ticket.subject)
