"""The rows that a batch of mails adds, collected to be inserted with one statement a table.

Messages are not here: they have a verb of their own (`storage.message_filing.file_messages`).
"""

from sqlalchemy.orm import make_transient_to_detached
from sqlmodel import Session, SQLModel

from gateway.intake.numbers import Numbers
from storage.bulk import BulkInsert
from storage.columns import as_read, column_names
from storage.contacts import Contact, ContactAddress
from storage.tags import TicketTag
from storage.tickets import Event, Participant, Ticket, TicketLink, TicketQueue

# Rows that others refer to come first.
_INSERTS: dict[type[SQLModel], BulkInsert] = {
    Contact: BulkInsert(
        Contact, ("id", "name", "created_at"), {"phone": "", "notes": "", "known": False, "blocked": False}
    ),
    ContactAddress: BulkInsert(ContactAddress, column_names(ContactAddress)),
    Ticket: BulkInsert(Ticket, column_names(Ticket)),
    TicketQueue: BulkInsert(TicketQueue, column_names(TicketQueue)),
    TicketTag: BulkInsert(TicketTag, column_names(TicketTag)),
    Participant: BulkInsert(Participant, column_names(Participant)),
    Event: BulkInsert(Event, ("ticket_id", "at", "kind", "by", "text")),
    TicketLink: BulkInsert(TicketLink, column_names(TicketLink)),
}


class NewRows:
    """Rows of a batch of so many mails, and the numbers that they take."""

    def __init__(self, session: Session, mails: int) -> None:
        self._session = session
        self._rows: dict[type[SQLModel], list[dict[str, object]]] = {model: [] for model in _INSERTS}
        self._opened: list[Ticket] = []
        self.contact_numbers = Numbers(session, "contact", 2 * mails)
        self.ticket_numbers = Numbers(session, "ticket", mails)

    def add(self, model: type[SQLModel], **row: object) -> None:
        """One more. A model object costs fifty times as much to make as the row that it stands for."""
        self._rows[model].append(row)

    def add_ticket(self, **row: object) -> Ticket:
        """A new ticket, with a number of its own: an object, since later mails of the batch change it."""
        ticket = as_read(Ticket, id=self.ticket_numbers.next(), **row)
        self._opened.append(ticket)
        return ticket

    def write(self) -> None:
        """Insert what was collected so far; from here on new tickets are like those that were fetched."""
        self._rows[Ticket] = [ticket.__dict__ for ticket in self._opened]
        connection = self._session.connection()
        for model, rows in self._rows.items():
            _INSERTS[model].run_named(connection, rows)
            rows.clear()
        for ticket in self._opened:
            make_transient_to_detached(ticket)
            self._session.add(ticket)
        self._opened.clear()

    def finish(self) -> None:
        """Insert the rest, and give back the numbers that nobody used."""
        self.write()
        self._session.flush()
        self.contact_numbers.give_back()
        self.ticket_numbers.give_back()
