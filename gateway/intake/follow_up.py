"""To which ticket a mail belongs: finders in the order of trust, the first answer wins.

A finder is `(Case, Desk) -> Match | None`. What follows from an answer (a stranger, a closed ticket, another
queue) is decided in `gateway.intake.place`, not here.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

from gateway.intake.case import Case, Match
from gateway.intake.conversation import THREAD_INDEX
from gateway.intake.desk import Desk
from gateway.intake.lookups import Known, newest_open
from gateway.intake.subject import tagged_ticket
from outbound.marks import Audience, Mark
from storage.messages import reference_key
from storage.queues import FreshMail

# The chain of ids is read from its newest end; nobody needs more of it.
_MAX_REFERENCES = 32
_MAX_RECIPIENTS = 50
# No evidence of an answer: the mail is fresh, and only its queue's policy joins it to a ticket.
BY_POLICY = "open ticket of the contact"
# Where servers on the way note to whom they delivered.
_DELIVERED_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to")


def by_envelope(case: Case, desk: Desk) -> Match | None:
    """The mail was sent to a signed reply address."""
    return _marked(case.mark, "reply address") if case.mark else None


def by_recipients(case: Case, desk: Desk) -> Match | None:
    """To, Cc or Delivered-To name a signed reply address: it survives when the inbox forwards the answer."""
    addresses = [person.email for person in (*case.mail.to, *case.mail.cc)[:_MAX_RECIPIENTS]]
    fields = case.mail.headers_among(_DELIVERED_TO)
    for name in _DELIVERED_TO:
        addresses += fields.get(name, [])[:_MAX_RECIPIENTS]
    for address in addresses:
        mark = desk.office.marks.read_reply_address(address.strip(" <>"))
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
    """It names an id that another mail in a ticket has named: both answer a mail that we never saw.

    Or it is that mail, which comes late.
    """
    return next((match for match in _stored(case, desk, own=False) if match), None)


def by_body_mark(case: Case, desk: Desk) -> Match | None:
    """The text quotes one of ours with its mark."""
    for word in case.mail.refs:
        mark = desk.office.marks.read_body_mark(word)
        if mark:
            return _marked(mark, "mark in the text")
    return None


def by_thread_index(case: Case, desk: Desk) -> Match | None:
    """Outlook's number of the conversation and its topic are those of a mail in a ticket."""
    return _by_conversation(case, desk, "Thread-Index", is_index=True)


def by_subject_tag(case: Case, desk: Desk) -> Match | None:
    """The subject has our tag. Anybody can write a number: `place` asks whether he takes part in the ticket."""
    number = tagged_ticket(case.mail.subject)
    return Match(number, "subject tag", is_signed=False) if number and desk.ticket(number) else None


def by_case_number(case: Case, desk: Desk) -> Match | None:
    """Another desk's number of the matter stands in its ids or its text, as in a mail of a ticket."""
    return _by_conversation(case, desk, "case number of another desk", is_index=False)


def by_open_ticket(case: Case, desk: Desk) -> Match | None:
    """The queue wants fresh mail in the newest open ticket of its contact."""
    person = desk.people.get(case.author)
    if case.queue.fresh_mail is not FreshMail.JOIN_OPEN or case.is_automatic or not (person and case.is_author_vouched):
        return None
    desk.write()
    number = newest_open(
        desk.session, person.contact_id, case.queue.number, desk.at - timedelta(days=case.queue.join_days)
    )
    return Match(number, BY_POLICY, is_signed=False) if number else None


Finder = Callable[[Case, Desk], Match | None]

# The order is the trust that each evidence deserves; to add one, put it where it belongs.
FINDERS: tuple[Finder, ...] = (
    by_envelope,
    by_recipients,
    by_signed_id,
    by_stored_id,
    by_common_ancestor,
    by_body_mark,
    by_thread_index,
    by_subject_tag,
    by_case_number,
    by_open_ticket,
)


def find_ticket(case: Case, desk: Desk) -> Match | None:
    """The first answer; each finder's answer stands in the trace.

    What anybody can write, in the hand of somebody who takes no part, does not hide better evidence below it: it
    only links, and only when nothing else is found.
    """
    doubtful: Match | None = None
    for finder in FINDERS:
        if doubtful and finder is by_open_ticket:
            break
        match = _unless_revoked(finder(case, desk), case, desk)
        ticket = desk.ticket(match.ticket_id) if match else None
        if match is None or ticket is None:
            case.note(finder.__name__, "no", f"ticket {match.ticket_id} does not exist" if match else "")
            continue
        case.note(finder.__name__, f"ticket {match.ticket_id}", match.detail)
        if match.is_signed or desk.takes_part(case, ticket):
            return match
        doubtful = doubtful or match
    return doubtful


def _marked(mark: Mark, by: str, detail: str = "") -> Match | None:
    if mark.audience not in (Audience.CUSTOMER, Audience.COPY):
        return None
    person = mark.person if mark.is_bound else None
    return Match(mark.ticket_id, by, is_signed=True, detail=detail, written=mark.outgoing_id, person=person)


def _unless_revoked(match: Match | None, case: Case, desk: Desk) -> Match | None:
    """An agent may have made the marks of a ticket worthless, after they leaked."""
    if match is None or not match.written:
        return match
    desk.fetch_tickets({match.ticket_id})
    ticket = desk.tickets.get(match.ticket_id)
    if ticket is None or match.written >= ticket.marks_from:
        return match
    case.note("revoked", "no", f"the {match.by} of ticket {ticket.id} was revoked")
    return None


def _named_ids(case: Case) -> Iterator[str]:
    yield from case.mail.in_reply_to[:_MAX_REFERENCES]
    yield from tuple(reversed(case.mail.references))[:_MAX_REFERENCES]


def _stored(case: Case, desk: Desk, *, own: bool) -> Iterator[Match | None]:
    for id_ in (*_named_ids(case), *(() if own else (case.mail.message_id,))):
        known = [row for row in desk.references.get(reference_key(id_), []) if row.is_own is own]
        best = _best(known, case, desk)
        if best:
            yield Match(best, "stored Message-ID" if own else "common ancestor", is_signed=False, detail=id_)


def _by_conversation(case: Case, desk: Desk, by: str, *, is_index: bool) -> Match | None:
    for key in case.conversation:
        if key.startswith(THREAD_INDEX) is is_index:
            best = _best(desk.references.get(key, []), case, desk)
            if best:
                return Match(best, by, is_signed=False, detail=key)
    return None


def _best(known: list[Known], case: Case, desk: Desk) -> int | None:
    """Of several tickets that know an id, one of this queue in which the author takes part, else the newest one."""

    def fitness(row: Known) -> tuple[bool, bool, int]:
        ticket = desk.ticket(row.ticket_id)
        if ticket is None:
            return (False, False, 0)
        here = case.queue.number in desk.homes.get(ticket.id, ())
        return (here, desk.takes_part(case, ticket), ticket.id)

    return max(known, key=fitness).ticket_id if known else None
