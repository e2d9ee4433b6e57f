"""To whom a reply goes: the customer and the people whom agents copied, less those whom the customer left out.

What an inbound mail names is never written to by itself (the "ticket trick"): an agent says so, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from config.errors import Refused
from outbound.drafts import Draft, people
from outbound.guard import why_not, whys_not
from outbound.post_office import PostOffice
from outbound.writing import Person, written_address
from storage.address import canonical_address, domain_of
from storage.contacts import Contact, ContactAddress
from storage.messages import Direction, Message
from storage.outbox import OutgoingKind
from storage.suppression import suppressed
from storage.tickets import Participant, ParticipantRole, Ticket, participants_of


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who gets a reply, in which field, and what its author should know about it."""

    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    bcc: tuple[Person, ...]
    lines: tuple[str, ...] = ()

    @property
    def everybody(self) -> list[Person]:
        """All of them."""
        return [*self.to, *self.cc, *self.bcc]


def canonical(person: Person) -> str:
    """The address as it compares; it was checked when the person was made."""
    return canonical_address(person.email) or person.email


def show_recipients(
    session: Session, office: PostOffice, ticket: Ticket, messages: Sequence[Message], draft: Draft | None = None
) -> Recipients:
    """Who would get a reply to this ticket now. Raises Refused, like the reply itself, and AskedWrongly."""
    draft = draft or Draft("")
    everybody = participants_of(session, ticket.id)
    lines: list[str] = []
    last = _last_of_customer(ticket, messages)
    to = people(draft.to) if draft.to is not None else [_customer(session, ticket, everybody)]
    cc = people(draft.cc) if draft.cc is not None else _copied(everybody, messages, last, draft, lines)
    if last and draft.to is None:
        cc += _named(session, office, last, draft, [*to, *cc], lines)
    bcc = people(draft.bcc or ())
    lines += _refused_before(session, [*to, *cc, *bcc])
    chosen = each_once(to, cc, bcc, lines)
    if not chosen.to:
        raise Refused("A reply needs somebody in To")
    _refuse_new_domains(ticket, everybody, chosen, draft)
    refuse_blocked(session, office, chosen)
    return chosen


def _refused_before(session: Session, everybody: Sequence[Person]) -> list[str]:
    found = suppressed(session, {canonical(person) for person in everybody})
    return [
        f"{row.address} refused our mail on {row.since:%Y-%m-%d} ({row.reason}): this may not arrive"
        for row in found.values()
    ]


def refuse_blocked(session: Session, office: PostOffice, chosen: Recipients) -> None:
    """Raise Refused, naming the address, when one of them must never be written to."""
    whys = whys_not(session, office, [canonical(person) for person in chosen.everybody], OutgoingKind.REPLY)
    for person in chosen.everybody:
        if whys[canonical(person)]:
            raise Refused(f"Nothing was sent: {person.email} cannot be written to, {whys[canonical(person)]}")


def _customer(session: Session, ticket: Ticket, everybody: Sequence[Participant]) -> Person:
    if not ticket.customer_address:
        raise Refused(
            f"The customer of ticket {ticket.id} has no mail address: say `gateway ticket customer {ticket.id} EMAIL`"
        )
    row = session.get(ContactAddress, ticket.customer_address)
    contact = session.get(Contact, row.contact_id) if row else None
    name = next((p.name for p in everybody if p.address == ticket.customer_address and p.name), "")
    spelling = row.spelling if row and canonical_address(row.spelling) == ticket.customer_address else ""
    return Person(name or (contact.name if contact else ""), written_address(spelling or ticket.customer_address))


def _last_of_customer(ticket: Ticket, messages: Sequence[Message]) -> Message | None:
    for message in reversed(messages):
        is_his = canonical_address(message.author_email) == ticket.customer_address
        # What only seems to be his tells nothing of whom he wants to write to.
        is_known_to_be_his = is_his and not message.is_for_agents_only
        if message.direction is Direction.INBOUND and is_known_to_be_his and not message.automatic:
            return message
    return None


def _copied(
    everybody: Sequence[Participant],
    messages: Sequence[Message],
    last: Message | None,
    draft: Draft,
    lines: list[str],
) -> list[Person]:
    named = _addresses(last.recipients_to, last.recipients_cc) if last else set()
    chosen: list[Person] = []
    for participant in everybody:
        if participant.role is not ParticipantRole.COPIED:
            continue
        left_out = last is not None and participant.address not in named and _could_see(participant, messages, last)
        if left_out and not draft.keep:
            lines.append(
                f"{participant.address} is left out, as in the customer's last mail; --keep writes to them too"
            )
        else:
            chosen.append(Person(participant.name, written_address(participant.address)))
    return chosen


def _could_see(participant: Participant, messages: Sequence[Message], last: Message) -> bool:
    """Whether the customer saw him in a mail of ours before he wrote: only then he can have left him out."""
    return any(
        participant.address in _addresses(message.recipients_to, message.recipients_cc)
        for message in messages
        if message.direction is Direction.OUTBOUND and message.position < last.position
    )


def _named(
    session: Session,
    office: PostOffice,
    last: Message,
    draft: Draft,
    written_to: Sequence[Person],
    lines: list[str],
) -> list[Person]:
    """Whom the customer named in his last mail; they are written to when the author asks for it."""
    known = {canonical(person) for person in written_to} | {canonical_address(last.author_email)}
    found: list[Person] = []
    for name, address in [*last.recipients_to, *last.recipients_cc]:
        plain = canonical_address(address)
        # Our own inbox stands in every mail of a customer, and nobody wants to be told.
        if plain is None or plain in known or why_not(session, office, plain, OutgoingKind.REPLY):
            continue
        found.append(Person(name, written_address(address)))
    if found and not draft.reply_all:
        lines.append(f"The customer also named {_list(found)}; --reply-all writes to them too")
    return found if draft.reply_all else []


def each_once(to: list[Person], cc: list[Person], bcc: list[Person], lines: Sequence[str] = ()) -> Recipients:
    """Everybody in one field only: who is in To gets no copy of his own."""
    seen: set[str] = set()

    def new(people: list[Person]) -> tuple[Person, ...]:
        found = {canonical(person): person for person in people if canonical(person) not in seen}
        seen.update(found)
        return tuple(found.values())

    return Recipients(to=new(to), cc=new(cc), bcc=new(bcc), lines=tuple(lines))


def _refuse_new_domains(ticket: Ticket, everybody: Sequence[Participant], chosen: Recipients, draft: Draft) -> None:
    known = {domain_of(p.address) for p in everybody if p.role is not ParticipantRole.UNVERIFIED}
    known.add(domain_of(ticket.customer_address))
    new = [person for person in chosen.everybody if domain_of(canonical(person)) not in known]
    if new and not draft.yes:
        raise Refused(f"Nothing was sent: {_list(new)} is of a domain that is new to this ticket; --yes allows it")


def _addresses(*fields: Sequence[Sequence[str]]) -> set[str]:
    return {canonical_address(address) or "" for field in fields for _, address in field}


def _list(found: Sequence[Person]) -> str:
    return ", ".join(person.email for person in found)
