"""Contacts: the people who write to us, with all their addresses."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, or_, select

from config.clock import now
from config.errors import AlreadyThere, AskedWrongly, NotFound
from storage.address import canonical_address
from storage.columns import UtcDateTime
from storage.ids import MAX_NUMBER, take_numbers
from storage.tickets import Ticket


class Contact(SQLModel, table=True):
    """A person. Known: an agent made, marked or answered him."""

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    name: str = ""
    phone: str = ""
    notes: str = ""
    known: bool = False
    blocked: bool = False  # his mail is ignored
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ContactAddress(SQLModel, table=True):
    """An address of a contact: canonical, with the spelling that he uses himself."""

    __tablename__ = "contact_address"

    address: str = Field(primary_key=True)
    contact_id: int = Field(foreign_key="contact.id", index=True)
    spelling: str = ""


def add_contact(session: Session, name: str, emails: list[str], *, phone: str = "", notes: str = "") -> Contact:
    """A contact that an agent makes; he is known. Raises AlreadyThere or AskedWrongly."""
    addresses = {_valid(email): email.strip() for email in emails}
    for address in addresses:
        if session.get(ContactAddress, address):
            raise AlreadyThere(f"{address} belongs to a contact already: see `gateway contact show {address}`")
    number = take_numbers(session, "contact", 1)[0]
    contact = Contact(id=number, name=name.strip(), phone=phone, notes=notes, known=True)
    session.add(contact)
    session.flush()
    for address, spelling in addresses.items():
        session.add(ContactAddress(address=address, contact_id=contact.id, spelling=spelling))
    session.flush()
    return contact


def _valid(email: str) -> str:
    address = canonical_address(email)
    if address is None:
        raise AskedWrongly(f"{email!r} is no mail address")
    return address


def contact_for(session: Session, email: str, name: str = "") -> Contact:
    """The contact of this address, made when there is none; a name is learnt where none was known."""
    address = _valid(email)
    known = session.get(ContactAddress, address)
    if known is None:
        contact = Contact(id=take_numbers(session, "contact", 1)[0], name=name)
        session.add(contact)
        session.flush()
        session.add(ContactAddress(address=address, contact_id=contact.id, spelling=email.strip()))
    else:
        contact = session.get_one(Contact, known.contact_id)
        contact.name = contact.name or name
        session.add(contact)
    session.flush()
    return contact


def find_contact(session: Session, named: str) -> Contact:
    """The contact of this id or address. Raises NotFound."""
    if named.isascii() and named.isdigit() and len(named) < 19 and int(named) <= MAX_NUMBER:
        contact = session.get(Contact, int(named))
    else:
        address = session.get(ContactAddress, canonical_address(named) or "")
        contact = session.get(Contact, address.contact_id) if address else None
    if contact is None:
        raise NotFound(f"There is no contact {named}: see `gateway contact list`")
    return contact


def addresses_of(session: Session, contact_id: int) -> list[ContactAddress]:
    """His addresses, in the order of the alphabet."""
    query = select(ContactAddress).where(ContactAddress.contact_id == contact_id).order_by(col(ContactAddress.address))
    return list(session.exec(query).all())


def list_contacts(session: Session, words: str = "", limit: int = 100) -> list[Contact]:
    """Contacts by name, those whose name or address has the words in it when there are any."""
    query = select(Contact).order_by(col(Contact.name), col(Contact.id)).limit(limit)
    if words:
        like = f"%{_escaped(words.lower())}%"
        with_address = select(ContactAddress.contact_id).where(col(ContactAddress.address).like(like, escape="\\"))
        named = sa.func.lower(Contact.name).like(like, escape="\\")
        query = query.where(or_(named, col(Contact.id).in_(with_address)))
    return list(session.exec(query).all())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def mark_known(session: Session, address: str) -> None:
    """An agent has answered this address: its contact is known from now on."""
    row = session.get(ContactAddress, address)
    if row:
        session.exec(sa.update(Contact).where(col(Contact.id) == row.contact_id).values(known=True))


def is_known(session: Session, address: str) -> bool:
    """Whether the contact of this canonical address is known."""
    row = session.get(ContactAddress, address)
    return row is not None and session.get_one(Contact, row.contact_id).known


def add_address(session: Session, contact: Contact, email: str) -> ContactAddress:
    """Give a contact one more address. Raises AlreadyThere when it is somebody else's."""
    address = _valid(email)
    known = session.get(ContactAddress, address)
    if known and known.contact_id != contact.id:
        raise AlreadyThere(f"{address} belongs to contact {known.contact_id}: see `gateway contact show {address}`")
    known = known or ContactAddress(address=address, contact_id=contact.id or 0, spelling=email.strip())
    session.add(known)
    session.flush()
    return known


def remove_address(session: Session, contact: Contact, email: str) -> None:
    """Take an address from a contact. Raises NotFound."""
    known = session.get(ContactAddress, canonical_address(email) or "")
    if known is None or known.contact_id != contact.id:
        raise NotFound(f"{email} is no address of contact {contact.id}")
    session.delete(known)
    session.flush()


def merge_contacts(session: Session, contact: Contact, into: Contact) -> None:
    """Two contacts are one person: addresses and tickets go to one of them, who keeps what he has of his own."""
    if contact.id == into.id:
        raise AskedWrongly("A contact cannot be merged with himself")
    of_contact = {"contact_id": into.id}
    session.exec(sa.update(ContactAddress).where(col(ContactAddress.contact_id) == contact.id).values(**of_contact))
    session.exec(sa.update(Ticket).where(col(Ticket.contact_id) == contact.id).values(**of_contact))
    into.name, into.phone = into.name or contact.name, into.phone or contact.phone
    into.notes = "\n".join(note for note in (into.notes, contact.notes) if note)
    into.known = into.known or contact.known
    session.add(into)
    session.delete(contact)
    session.flush()
