"""Whose matter it is when a mail opens a ticket: its author's, or the outsider's to whom an agent wrote.

An agent who writes to a customer from his own mail program, with the desk in Cc, begins the customer's ticket. His
From alone proves nothing: without proof the ticket is his, until `gateway ticket customer` says otherwise.
"""

from collections.abc import Iterable

from gateway.intake.desk import Desk
from gateway.intake.sender import Writer, is_nobody
from gateway.reading.mail import Person
from storage.address import canonical_address, domain_of

_MAX_PEOPLE = 50
UNPROVED = "copy-unproved"


def outsider(writer: Writer, source: str, desk: Desk) -> Person | None:
    """The first outsider in To of an agent's mail that has the desk in Cc or Bcc only; None for all other mail.

    `source` is the inbox through which this mail came, also when nobody has named it yet.
    """
    mail = writer.mail
    if writer.address not in desk.agents or mail.kind.is_automatic or mail.forwarded:
        return None
    to = _addresses(mail.to)
    is_named = desk.is_ours(source) or _has_desk(_addresses(mail.cc), source, desk)
    if _has_desk(to, source, desk):
        return None
    for address, person in to.items():
        # Where no copy is to be seen, an address of his own company may be a support inbox that nobody has named yet.
        is_outside = is_named or domain_of(address) != domain_of(writer.address)
        if is_outside and address not in desk.agents and not is_nobody(address):
            return person
    return None


def _addresses(people: tuple[Person, ...]) -> dict[str, Person]:
    named = ((canonical_address(person.email), person) for person in people[:_MAX_PEOPLE])
    return {address: person for address, person in named if address}


def _has_desk(addresses: Iterable[str], source: str, desk: Desk) -> bool:
    return any(address == source or desk.is_ours(address) for address in addresses)
