"""Whose matter it is when a mail opens a ticket: its author's, or the outsider's to whom an agent wrote.

An agent who writes to a customer from his own mail program, with the desk in Cc, begins the customer's ticket. His
From alone proves nothing: without proof the ticket is his, until `gateway ticket customer` says otherwise.
"""

from gateway.intake.desk import Desk
from gateway.intake.sender import Writer, is_nobody
from gateway.reading.mail import Person
from storage.address import canonical_address

_MAX_PEOPLE = 50
UNPROVED = "copy-unproved"


def outsider(writer: Writer, desk: Desk) -> Person | None:
    """The first outsider in To of an agent's mail that has the desk in Cc or Bcc only; None for all other mail."""
    if writer.address not in desk.agents or writer.mail.kind.is_automatic:
        return None
    found: Person | None = None
    for person in writer.mail.to[:_MAX_PEOPLE]:
        address = canonical_address(person.email)
        if address and desk.is_ours(address):
            return None  # he writes to the desk itself
        if address and address not in desk.agents and not is_nobody(address):
            found = found or person
    return found
