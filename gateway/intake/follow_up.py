"""To which ticket a mail belongs: finders in the order of trust, the first answer wins.

A finder is `(Case, Desk) -> Match | None`. What follows from an answer (a stranger, a closed ticket, another
queue) is decided in `gateway.intake.place`, not here. MAIL.md threading union 2 to 10.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

from sqlmodel import col, select

from gateway.intake.case import Case, Match
from gateway.intake.desk import Desk, Known
from gateway.intake.subject import tagged_ticket
from outbound.marks import Audience, Mark
from storage.messages import reference_key
from storage.queues import FreshMail
from storage.tickets import TRUSTED_ROLES, Status, Ticket

# The chain of ids is read from its newest end; nobody needs more of it.
_MAX_REFERENCES = 32
_MAX_RECIPIENTS = 50
# No evidence of an answer: the mail is fresh, and only its queue's policy joins it to a ticket.
BY_POLICY = "open ticket of the contact"


def by_envelope(case: Case, desk: Desk) -> Match | None:
    """The mail was sent to a signed reply address."""
    return _marked(case.mark, "reply address") if case.mark else None


def by_recipients(case: Case, desk: Desk) -> Match | None:
    """To, Cc or Delivered-To name a signed reply address: it survives when the inbox forwards the answer."""
    addresses = [person.email for person in (*case.mail.to, *case.mail.cc)[:_MAX_RECIPIENTS]]
    for address in (*addresses, *case.mail.header_all("Delivered-To")[:_MAX_RECIPIENTS]):
        mark = desk.office.marks.read_reply_address(address)
        if mark:
            return _marked(mark, "reply address in the headers")
    return None


def by_signed_id(case: Case, desk: Desk) -> Match | None:
    """In-Reply-To or References name a Message-ID that we signed."""
    for id_ in _named_ids(case):
        mark = desk.office.marks.read_message_id(id_)
        if mark:
            return _marked(mark, "signed Message-ID", id_)
    return None


def by_stored_id(case: Case, desk: Desk) -> Match | None:
    """In-Reply-To or References name a message that stands in a ticket."""
    return next((match for match in _stored(case, desk, own=True) if match), None)


def by_common_ancestor(case: Case, desk: Desk) -> Match | None:
    """It names an id that another mail in a ticket has named: both answer a mail that we never saw."""
    return next((match for match in _stored(case, desk, own=False) if match), None)


def by_subject_tag(case: Case, desk: Desk) -> Match | None:
    """The subject has our tag. Anybody can write a number: `place` asks whether he takes part in the ticket."""
    number = tagged_ticket(case.mail.subject)
    return Match(number, "subject tag", is_signed=False) if number and desk.ticket(number) else None


def by_open_ticket(case: Case, desk: Desk) -> Match | None:
    """The queue wants fresh mail in the newest open ticket of its contact."""
    person = desk.people.get(case.author)
    if case.queue.fresh_mail is not FreshMail.JOIN_OPEN or case.is_automatic or person is None:
        return None
    desk.write()
    desk.session.flush()
    since = desk.at - timedelta(days=case.queue.join_days)
    query = select(Ticket.id).where(
        Ticket.contact_id == person.contact_id,
        Ticket.queue_id == case.queue.number,
        col(Ticket.status).in_((Status.NEW, Status.OPEN, Status.PENDING)),
        Ticket.updated_at >= since,
        col(Ticket.merged_into).is_(None),
    )
    number = desk.session.exec(query.order_by(col(Ticket.updated_at).desc())).first()
    return Match(number, BY_POLICY, is_signed=False) if number else None


Finder = Callable[[Case, Desk], Match | None]

# The order is the trust that each evidence deserves; to add one, put it where it belongs.
FINDERS: tuple[Finder, ...] = (
    by_envelope,
    by_recipients,
    by_signed_id,
    by_stored_id,
    by_common_ancestor,
    by_subject_tag,
    by_open_ticket,
)


def find_ticket(case: Case, desk: Desk) -> Match | None:
    """The first answer; each finder's answer stands in the trace."""
    for finder in FINDERS:
        match = finder(case, desk)
        if match is None:
            case.note(finder.__name__, "no")
        elif desk.ticket(match.ticket_id) is None:
            case.note(finder.__name__, "no", f"ticket {match.ticket_id} does not exist")
        else:
            case.note(finder.__name__, f"ticket {match.ticket_id}", match.detail)
            return match
    return None


def _marked(mark: Mark, by: str, detail: str = "") -> Match | None:
    if mark.audience not in (Audience.CUSTOMER, Audience.COPY):
        return None
    return Match(mark.ticket_id, by, is_signed=True, detail=detail)


def _named_ids(case: Case) -> Iterator[str]:
    yield from case.mail.in_reply_to[:_MAX_REFERENCES]
    yield from tuple(reversed(case.mail.references))[:_MAX_REFERENCES]


def _stored(case: Case, desk: Desk, *, own: bool) -> Iterator[Match | None]:
    for id_ in _named_ids(case):
        known = [row for row in desk.references.get(reference_key(id_), []) if row.is_own is own]
        best = _best(known, case, desk)
        if best:
            yield Match(best, "stored Message-ID" if own else "common ancestor", is_signed=False, detail=id_)


def _best(known: list[Known], case: Case, desk: Desk) -> int | None:
    """Of several tickets that know an id, one of this queue in which the author takes part, else the newest one."""

    def fitness(row: Known) -> tuple[bool, bool, int]:
        ticket = desk.ticket(row.ticket_id)
        if ticket is None:
            return (False, False, 0)
        here = case.queue.number in desk.homes.get(ticket.id, ())
        return (here, desk.role(ticket, case.author) in TRUSTED_ROLES, ticket.id)

    return max(known, key=fitness).ticket_id if known else None
