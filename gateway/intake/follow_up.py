"""To which ticket a mail belongs: finders in the order of trust, the first answer wins.

A finder is `(Case, Desk) -> Match | None`. What follows from an answer (a stranger, a closed ticket, another
queue) is decided in `gateway.intake.place`, not here.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from gateway.intake.case import Case, Match
from gateway.intake.conversation import THREAD_INDEX
from gateway.intake.desk import Desk
from gateway.intake.lookups import Known, newest_open
from gateway.intake.subject import tagged_tickets
from outbound.marks import Audience, Mark
from storage.messages import reference_key
from storage.queues import FreshMail
from storage.tickets import ParticipantRole, Ticket

# The chain of ids is read from its newest end; nobody needs more of it.
_MAX_REFERENCES = 32
_MAX_RECIPIENTS = 50
# No evidence of an answer: the mail is fresh, and only its queue's policy joins it to a ticket.
BY_POLICY = "open ticket of the contact"
_FOR_PEOPLE_OUTSIDE = (Audience.CUSTOMER, Audience.COPY, Audience.REFUSED)
# Where servers on the way note to whom they delivered.
_DELIVERED_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to")


def by_envelope(case: Case, desk: Desk) -> Match | None:
    """The mail was sent to a signed reply address."""
    return _marked(case, desk, case.mark, "reply address") if case.mark else None


def by_recipients(case: Case, desk: Desk) -> Match | None:
    """To, Cc or Delivered-To name a signed reply address: it survives when the inbox forwards the answer."""
    addresses = [person.email for person in (*case.mail.to, *case.mail.cc)[:_MAX_RECIPIENTS]]
    fields = case.mail.headers_among(_DELIVERED_TO)
    for name in _DELIVERED_TO:
        addresses += fields.get(name, [])[:_MAX_RECIPIENTS]
    for address in addresses:
        mark = desk.office.marks.read_reply_address(address.strip(" <>"))
        match = _marked(case, desk, mark, "reply address in the headers") if mark else None
        if match:
            return match
    return None


def by_signed_id(case: Case, desk: Desk) -> Match | None:
    """In-Reply-To or References name a Message-ID that we signed."""
    for id_ in _named_ids(case):
        mark = desk.office.marks.read_message_id(id_)
        match = _marked(case, desk, mark, "signed Message-ID", id_) if mark else None
        if match:
            return match
    return None


def by_stored_id(case: Case, desk: Desk) -> Match | None:
    """In-Reply-To or References name a message that stands in a ticket."""
    return _likeliest(_stored(case, desk, own=True), case, desk)


def by_common_ancestor(case: Case, desk: Desk) -> Match | None:
    """It names an id that another mail in a ticket has named: both answer a mail that we never saw.

    Or it is that mail, which comes late.
    """
    return _likeliest(_stored(case, desk, own=False), case, desk)


def by_body_mark(case: Case, desk: Desk) -> Match | None:
    """The text quotes one of ours with its mark."""
    for word in case.mail.refs:
        mark = desk.office.marks.read_body_mark(word)
        match = _marked(case, desk, mark, "mark in the text") if mark else None
        if match:
            return match
    return None


def by_thread_index(case: Case, desk: Desk) -> Match | None:
    """Outlook's number of the conversation and its topic are those of a mail in a ticket."""
    return _by_conversation(case, desk, "Thread-Index", is_index=True)


def by_subject_tag(case: Case, desk: Desk) -> Match | None:
    """The subject has a tag of ours, or the name of a queue with a number of a ticket of its own.

    Anybody can write a number: `place` asks whether he takes part in the ticket.
    """
    tags = tagged_tickets(case.mail.subject)
    found = [number for word, number in tags if desk.ticket(number) and (not word or _is_home(desk, word, number))]
    return _likeliest((Match(number, "subject tag", is_signed=False) for number in found), case, desk)


def by_case_number(case: Case, desk: Desk) -> Match | None:
    """Another desk's number of the matter stands in its ids, subject or text, as in a mail of a ticket."""
    return _by_conversation(case, desk, "case number of another desk", is_index=False)


def by_open_ticket(case: Case, desk: Desk) -> Match | None:
    """The queue wants fresh mail in the newest open ticket of its contact."""
    person = desk.people.get(case.author)
    is_his = case.is_author_vouched and not case.is_author_denied
    if case.queue.fresh_mail is not FreshMail.JOIN_OPEN or case.is_automatic or not (person and is_his):
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

    Some evidence does not hide what stands below it, since it would only link: what anybody can write, in the hand of
    somebody who takes no part, and a ticket that was never in this queue. It counts when nothing else is found.
    """
    doubtful: Match | None = None
    for finder in FINDERS:
        if doubtful and finder is by_open_ticket:
            break
        match = finder(case, desk)
        ticket = desk.ticket(match.ticket_id) if match else None
        if match is None or ticket is None:
            case.note(finder.__name__, "no", f"ticket {match.ticket_id} does not exist" if match else "")
            continue
        case.note(finder.__name__, f"ticket {match.ticket_id}", match.detail)
        if _counts(match, ticket, case, desk):
            return match
        doubtful = doubtful or match
    return doubtful


def _marked(case: Case, desk: Desk, mark: Mark, by: str, detail: str = "") -> Match | None:
    """What a mark for people outside says, unless an agent has made it worthless after it leaked."""
    if mark.audience not in _FOR_PEOPLE_OUTSIDE:
        return None
    number = desk.leads_to(mark)
    named = [desk.tickets[one] for one in {mark.ticket_id, number} & desk.tickets.keys()]
    if any(mark.outgoing_id < ticket.marks_from for ticket in named):
        case.note("revoked", "no", f"the {by} of ticket {number} was revoked")
        return None
    if number != mark.ticket_id:
        case.note("split", f"ticket {number}", f"the mail of ours went there from {mark.ticket_id}")
    person = mark.person if mark.is_bound else None
    insists = mark.audience is Audience.REFUSED
    return Match(number, by, is_signed=True, detail=detail, person=person, insists=insists)


def _named_ids(case: Case) -> Iterator[str]:
    yield from case.mail.in_reply_to[:_MAX_REFERENCES]
    yield from tuple(reversed(case.mail.references))[:_MAX_REFERENCES]


def _counts(match: Match, ticket: Ticket, case: Case, desk: Desk) -> bool:
    """It files the mail, and does not only link: a ticket of this queue, and our mark or somebody who takes part."""
    is_here = bool(case.mark) or case.queue.number in desk.homes.get(ticket.id, ())
    return is_here and (match.is_signed or desk.takes_part(case, ticket))


def _likeliest(matches: Iterable[Match], case: Case, desk: Desk) -> Match | None:
    """Of several answers of one finder the first that files the mail, else the first."""
    first: Match | None = None
    for match in matches:
        ticket = desk.ticket(match.ticket_id)
        if ticket and _counts(match, ticket, case, desk):
            return match
        first = first or match
    return first


def _is_home(desk: Desk, word: str, number: int) -> bool:
    """Whether the ticket is in the queue of this name, or was."""
    ticket = desk.ticket(number)
    named = {queue.number for queue in desk.queues.values() if _letters(queue.name) == _letters(word)}
    return ticket is not None and not named.isdisjoint(desk.homes.get(ticket.id, ()))


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def _stored(case: Case, desk: Desk, *, own: bool) -> Iterator[Match]:
    for id_ in (*_named_ids(case), *(() if own else (case.mail.message_id,))):
        known = [row for row in desk.references.get(reference_key(id_), []) if row.is_own is own]
        best = _best(known, case, desk)
        if best:
            yield Match(best, "stored Message-ID" if own else "common ancestor", is_signed=False, detail=id_)


def _by_conversation(case: Case, desk: Desk, by: str, *, is_index: bool) -> Match | None:
    keys = [key for key in case.conversation if key.startswith(THREAD_INDEX) is is_index]
    known = [(key, _best(desk.references.get(key, []), case, desk)) for key in keys]
    matches = (Match(best, by, is_signed=False, detail=key) for key, best in known if best)
    return _likeliest(matches, case, desk)


def _best(known: list[Known], case: Case, desk: Desk) -> int | None:
    """Of several tickets that know an id, one of this queue in which the author takes part, else the newest one.

    Whose ticket it is comes before who is only named there: anybody can name him in one that he opens.
    """

    def fitness(number: int) -> tuple[bool, bool, bool, int]:
        ticket = desk.ticket(number)
        if ticket is None:
            return (False, False, False, 0)
        here = case.queue.number in desk.homes.get(ticket.id, ())
        is_named = desk.role(ticket, case.author) is ParticipantRole.NAMED
        return (here, desk.takes_part(case, ticket), not is_named, ticket.id)

    return max(dict.fromkeys(row.ticket_id for row in known), key=fitness, default=None)
