"""Put a mail into its place: the message, the people it names, and what it does to the ticket's status."""

from gateway.intake.case import Case
from gateway.intake.checks.duplicate import OTHER_CONTENT, same_id
from gateway.intake.desk import Desk
from gateway.intake.place import Place
from gateway.intake.subject import clean_subject
from gateway.reading.mail import Kind, Person
from storage.address import canonical_address, domain_of
from storage.message_filing import NewMessage
from storage.messages import Direction
from storage.tickets import LinkKind, ParticipantRole, Status, Ticket

# Inbound mail never makes somebody a recipient of ours; it only tells who may answer, and of that a few are enough.
_MAX_NAMED = 50
_MAX_SUBJECT = 500


def file_in_place(case: Case, desk: Desk, place: Place) -> Ticket:
    """File the mail and return its ticket."""
    siblings = {known.ticket_id for known in same_id(case, desk)}
    is_new = place.ticket is None
    ticket = place.ticket or _open(case, desk)
    flags = [*content_flags(case), *_flags(case, desk, place)]
    desk.add_message(case, ticket, message_of(case, desk, ticket, flags), is_new_ticket=is_new)
    _remember_people(case, desk, ticket, place)
    _link(desk, ticket, place, siblings)
    if not is_new:
        _change_status(case, desk, ticket, place)
    case.note("filed", f"ticket {ticket.id}", place.by)
    return ticket


def _open(case: Case, desk: Desk) -> Ticket:
    ticket = desk.open_ticket(case, title_of(case.mail.subject))
    about_author = case.trace_answer("author")
    if about_author:
        desk.add_event(ticket, "author", about_author)
    if case.author != case.customer_address:
        # We have written, and the customer owes an answer.
        desk.set_status(ticket, Status.PENDING, f"{case.author} wrote to {case.customer_address}")
    return ticket


def title_of(subject: str) -> str:
    """What a ticket is called that a mail of this subject opens."""
    return clean_subject(subject)[:_MAX_SUBJECT] or "(no subject)"


def _flags(case: Case, desk: Desk, place: Place) -> list[str]:
    flags = []
    if place.is_unverified:
        flags.append("unverified")
    here = [known for known in same_id(case, desk) if case.queue.number in desk.homes.get(known.ticket_id, ())]
    if any(known.content_key != case.content_key for known in here):
        flags.append(OTHER_CONTENT)
    return flags


def content_flags(case: Case) -> list[str]:
    """What is odd about a mail wherever it is filed."""
    flags = [*case.flags]
    if case.mail.kind is Kind.VERIFICATION:
        flags.append("verification")
    answers_to = {canonical_address(person.email) for person in case.mail.reply_to} - {None, case.author}
    if any(address and domain_of(address) != domain_of(case.author) for address in answers_to):
        flags.append("reply-to-differs")
    return flags


def message_of(case: Case, desk: Desk, ticket: Ticket, flags: list[str]) -> NewMessage:
    """A mail as the next message of a ticket."""
    mail = case.mail
    return NewMessage(
        ticket_id=ticket.id,
        position=ticket.messages + 1,
        direction=Direction.INBOUND,
        kind=mail.kind,
        author=(case.writer.name, case.writer.email),
        date=mail.date or case.claimed.received_at,
        filed_at=desk.at,
        subject=mail.subject,
        text=mail.text,
        reply_text=mail.reply_text,
        html=mail.html,
        to=_people(mail.to),
        cc=_people(mail.cc),
        reply_to=_people(mail.reply_to),
        message_id=mail.message_id,
        references=(*mail.references, *mail.in_reply_to, *case.conversation),
        attachments=case.attachments,
        source_inbox=case.source_inbox,
        flags=flags,
        automatic=case.is_automatic,
        spool_id=case.claimed.id,
        content_key=case.content_key,
        authentication=case.authentication.as_words(),
    )


def _people(people: tuple[Person, ...]) -> list[tuple[str, str]]:
    return [(person.name, person.email) for person in people]


def _remember_people(case: Case, desk: Desk, ticket: Ticket, place: Place) -> None:
    if place.ticket is None and case.customer_address:
        desk.add_participant(ticket, case.customer_address, case.customer.name, ParticipantRole.CUSTOMER)
    if case.author:
        desk.contact_of(case.author, case.writer)
        desk.add_participant(ticket, case.author, case.writer.name, _role(case, desk, place))
    if place.is_unverified:
        return  # whom a stranger names is nobody
    for person in (*case.mail.to, *case.mail.cc)[:_MAX_NAMED]:
        address = canonical_address(person.email)
        if address and not _is_one_of_us(address, desk):
            desk.add_participant(ticket, address, person.name, ParticipantRole.NAMED)


def _role(case: Case, desk: Desk, place: Place) -> ParticipantRole:
    """What the author becomes in the ticket, unless he is something there already."""
    if place.is_unverified:
        return ParticipantRole.UNVERIFIED
    is_agents_letter = place.ticket is None and case.author != case.customer_address
    return ParticipantRole.AGENT if is_agents_letter or desk.is_agents_own(case) else ParticipantRole.NAMED


def _is_one_of_us(address: str, desk: Desk) -> bool:
    return desk.is_ours(address) or address in desk.agents


def _link(desk: Desk, ticket: Ticket, place: Place, siblings: set[int]) -> None:
    if place.linked_to is not None:
        desk.add_link(ticket, place.linked_to, LinkKind.SIBLING if place.linked_to in siblings else place.link)
    for other in siblings - {place.linked_to, ticket.id}:
        desk.add_link(ticket, other, LinkKind.SIBLING)


def _change_status(case: Case, desk: Desk, ticket: Ticket, place: Place) -> None:
    """A person opens a pending ticket, and a settled one that is young enough; a machine changes nothing."""
    if case.is_automatic or desk.role(ticket, case.author) is ParticipantRole.AGENT:
        return
    if place.reopens or ticket.status is Status.PENDING:
        desk.set_status(ticket, Status.OPEN, f"{case.author or 'somebody'} wrote")
