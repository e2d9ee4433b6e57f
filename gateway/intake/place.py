"""What follows from the evidence: join the ticket, join it unverified, reopen it, or open a linked one.

A mark locates a ticket, it does not authorise its bearer: a stranger never becomes the customer.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import col, select

from gateway.intake.case import Case, Match
from gateway.intake.desk import Desk
from gateway.intake.subject import plain_subject
from gateway.reading.mail import Kind
from outbound.marks import person_tag
from storage.messages import Message
from storage.queues import LateAnswers
from storage.tickets import LinkKind, ParticipantRole, Status, Ticket

# A third stranger on one ticket gets a linked ticket of his own.
_MAX_UNVERIFIED = 2
_MAX_SUBJECTS = 50
_SETTLED = (Status.SOLVED, Status.CLOSED)
# The check that holds an answer which came too late; `gateway mail release` waives it.
LATE = "late-answer"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail goes: into `ticket`, or into a new one that is linked to `linked_to` when that is set."""

    ticket: Ticket | None
    by: str
    is_unverified: bool = False
    reopens: bool = False
    linked_to: int | None = None
    refused: str = ""  # why it is held instead of opening that ticket
    link: LinkKind = LinkKind.RELATED


def find_place(case: Case, desk: Desk, match: Match | None) -> Place:
    """The place for a mail, with the reason in the trace."""
    ticket = desk.ticket(match.ticket_id) if match else None
    if match is None or ticket is None:
        return Place(None, "fresh mail")
    if ticket.id != match.ticket_id:
        case.note("merged", f"ticket {ticket.id}", f"{match.ticket_id} was merged into it")
    return (
        _elsewhere(case, desk, match, ticket)
        or _verification(case, ticket)
        or _refused(case, desk, match, ticket)
        or _of_another_matter(case, desk, match, ticket)
        or _in_ticket(case, desk, match, ticket)
    )


def _elsewhere(case: Case, desk: Desk, match: Match, ticket: Ticket) -> Place | None:
    """The envelope names a queue that the ticket was never in: the mail was forwarded there."""
    if case.mark or case.queue.number in desk.homes.get(ticket.id, ()):
        return None
    case.note("queue", "new ticket", f"ticket {ticket.id} was never in {case.queue.name}")
    return Place(None, "forwarded to another queue", linked_to=ticket.id, link=LinkKind.FORWARD)


def _verification(case: Case, ticket: Ticket) -> Place | None:
    """A sign-up code never joins a ticket, whoever seems to take part there.

    Somebody who signs up elsewhere with the reply address of his own ticket would read it in our answer.
    """
    if case.mail.kind is not Kind.VERIFICATION:
        return None
    case.note("verification", "new ticket", f"a sign-up code never joins a ticket such as {ticket.id}")
    return Place(None, "verification mail", linked_to=ticket.id)


def _refused(case: Case, desk: Desk, match: Match, ticket: Ticket) -> Place | None:
    """Somebody who takes no part gets in by a mark of ours only, and of such people a ticket takes two."""
    who, number = case.author or "nobody", ticket.id
    if case.is_author_denied and desk.takes_part(case, ticket):
        # It stays where he is known, since forwarding breaks honest mail too; but it is not his word.
        case.note("participant", "unverified", f"{who} takes part in ticket {number}, and his domain denies the mail")
        return None
    if _takes_part(case, desk, match, ticket):
        role = desk.role(ticket, case.author) or ParticipantRole.AGENT
        case.note("participant", str(role), f"{who} takes part in ticket {number}")
        return None
    if not match.is_signed:
        case.note("participant", "stranger", f"{who} takes no part in ticket {number}: a new ticket")
        return Place(None, "stranger", linked_to=number)
    others = {a for a, r in desk.roles.get(number, {}).items() if r is ParticipantRole.UNVERIFIED} - {case.author}
    if len(others) >= _MAX_UNVERIFIED:
        case.note("participant", "stranger", f"ticket {number} has {len(others)} unverified writers: a new ticket")
        return Place(None, "one stranger too many", linked_to=number)
    case.note("participant", "unverified", f"{who} has a mark of ours and is not known in ticket {number}")
    return None


def _takes_part(case: Case, desk: Desk, match: Match, ticket: Ticket) -> bool:
    """He has a role there, his domain does not deny the mail, and the mark is not that of somebody else's own copy."""
    is_somebody_elses = match.person is not None and match.person != person_tag(case.author)
    return desk.takes_part(case, ticket) and not case.is_author_denied and not is_somebody_elses


def _of_another_matter(case: Case, desk: Desk, match: Match, ticket: Ticket) -> Place | None:
    """Who answers a mail of long ago, or a closed one under a new subject, has a new matter; no machine ever has."""
    if case.is_automatic:
        return None
    days, is_settled = case.queue.reopen_days, ticket.status in _SETTLED
    since = (ticket.settled_at if is_settled else None) or ticket.updated_at
    is_old = case.claimed.received_at - since > timedelta(days=days)
    is_late = is_settled and (is_old or days == 0)
    if is_late:
        why = f"{ticket.id} was solved {since:%Y-%m-%d}; queue {case.queue.name} reopens for {days} days"
    elif (ticket.status is Status.CLOSED or (is_old and days)) and _has_new_subject(case, desk, ticket):
        why = f"nobody wrote in ticket {ticket.id} under this subject, and it is {ticket.status} since {since:%Y-%m-%d}"
    else:
        return None
    case.note("age", "new ticket", why)
    refused = why if is_late and _is_refused(case, desk, match, ticket) else ""
    by = "follow-up on a settled or old ticket"
    return Place(None, by, linked_to=ticket.id, link=LinkKind.FOLLOW_UP, refused=refused)


def _is_refused(case: Case, desk: Desk, match: Match, ticket: Ticket) -> bool:
    """The queue wants nothing more of what it does not reopen; under a new subject he does what he would be told."""
    if case.queue.late_answers is not LateAnswers.REFUSE or LATE in case.claimed.passed:
        return False
    return not match.insists and not _has_new_subject(case, desk, ticket)


def _has_new_subject(case: Case, desk: Desk, ticket: Ticket) -> bool:
    """People answer an old mail because it is at hand; a new subject says that the matter is new."""
    subject = plain_subject(case.mail.subject)
    query = select(Message.subject).where(Message.ticket_id == ticket.id).order_by(col(Message.position).desc())
    known = [ticket.subject, *desk.session.exec(query.limit(_MAX_SUBJECTS)).all()]
    return bool(subject) and subject not in {plain_subject(one) for one in known}


def _in_ticket(case: Case, desk: Desk, match: Match, ticket: Ticket) -> Place:
    return Place(
        ticket,
        match.by,
        is_unverified=not _takes_part(case, desk, match, ticket),
        reopens=ticket.status in _SETTLED and not case.is_automatic,
    )
