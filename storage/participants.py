"""Change who is in a ticket: by an agent's word, never by a mail's.

Reading them is `storage.tickets`; what mail may do to them is intake's matter.
"""

from sqlmodel import Session

from config.errors import AlreadyThere, AskedWrongly, NotFound, Refused
from storage.address import canonical_address
from storage.contacts import contact_for
from storage.tickets import Participant, ParticipantRole, Ticket, note


def add_participant(session: Session, ticket: Ticket, email: str, name: str, *, by: str) -> Participant:
    """Copy somebody in: answers go to him too from now on. Raises AlreadyThere when he is in already."""
    address = _valid(email)
    found = session.get(Participant, (ticket.id, address))
    if found and found.role in (ParticipantRole.CUSTOMER, ParticipantRole.COPIED):
        raise AlreadyThere(f"{address} is in ticket {ticket.id} already, as {found.role}")
    return _become(session, ticket, address, ParticipantRole.COPIED, name=name, by=by)


def confirm_participant(session: Session, ticket: Ticket, email: str, *, by: str) -> Participant:
    """Say that an unverified or named writer belongs here. Raises NotFound or Refused."""
    found = _in_ticket(session, ticket, email)
    if found.role not in (ParticipantRole.UNVERIFIED, ParticipantRole.NAMED):
        raise Refused(f"{found.address} is {found.role} in ticket {ticket.id}: there is nothing to confirm")
    return _become(session, ticket, found.address, ParticipantRole.COPIED, name=found.name, by=by)


def remove_participant(session: Session, ticket: Ticket, email: str, *, by: str) -> Participant:
    """Take somebody out. The customer is changed, not removed."""
    found = _in_ticket(session, ticket, email)
    if found.role is ParticipantRole.CUSTOMER:
        raise Refused(f"{found.address} is the customer: name another with `gateway ticket customer {ticket.id} EMAIL`")
    session.delete(found)
    note(session, ticket, "participant", by=by, text=f"{found.address} removed")
    return found


def change_customer(session: Session, ticket: Ticket, email: str, *, by: str) -> Participant:
    """Make somebody the customer, to whom answers go; the one who was it stays in the ticket as copied."""
    address = _valid(email)
    old = ticket.customer_address
    if address == old:
        return _in_ticket(session, ticket, address)
    contact = contact_for(session, address)
    before = session.get(Participant, (ticket.id, old)) if old else None
    if before:
        before.role = ParticipantRole.COPIED
        session.add(before)
    ticket.contact_id, ticket.customer_address = contact.id, address
    customer = ParticipantRole.CUSTOMER
    found = session.get(Participant, (ticket.id, address))
    found = found or Participant(ticket_id=ticket.id, address=address, role=customer)
    found.role, found.name = customer, found.name or contact.name
    session.add(found)
    note(session, ticket, "customer", by=by, text=f"{old or 'nobody'} -> {address}")
    return found


def _become(
    session: Session, ticket: Ticket, address: str, role: ParticipantRole, *, name: str, by: str
) -> Participant:
    found = session.get(Participant, (ticket.id, address))
    found = found or Participant(ticket_id=ticket.id, address=address, role=role)
    found.role, found.name = role, name or found.name
    session.add(found)
    note(session, ticket, "participant", by=by, text=f"{address} is {role}")
    return found


def _in_ticket(session: Session, ticket: Ticket, email: str) -> Participant:
    found = session.get(Participant, (ticket.id, _valid(email)))
    if found is None:
        raise NotFound(f"{email} is not in ticket {ticket.id}")
    return found


def _valid(email: str) -> str:
    address = canonical_address(email)
    if address is None:
        raise AskedWrongly(f"{email!r} is no mail address")
    return address
