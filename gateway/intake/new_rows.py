"""The rows that a batch of mails adds, collected to be inserted with one statement a table.

Messages are not here: they have a verb of their own (`storage.messages.file_messages`).
"""

from sqlalchemy.orm import make_transient_to_detached
from sqlmodel import Session, SQLModel

from gateway.intake.numbers import Numbers
from storage.columns import insert_or_skip
from storage.contacts import Contact, ContactAddress
from storage.tags import TicketTag
from storage.tickets import Event, Participant, Ticket, TicketLink, TicketQueue

# Rows that others refer to come first.
_ORDER = (Contact, ContactAddress, Ticket, TicketQueue, TicketTag, Participant, Event, TicketLink)


class NewRows:
    """Rows of a batch of so many mails, and the numbers that they take."""

    def __init__(self, session: Session, mails: int) -> None:
        self._session = session
        self._rows: dict[type[SQLModel], list[dict[str, object]]] = {model: [] for model in _ORDER}
        self._opened: list[Ticket] = []
        self.contact_numbers = Numbers(session, "contact", 2 * mails)
        self.ticket_numbers = Numbers(session, "ticket", mails)

    def add(self, model: type[SQLModel], **row: object) -> None:
        """One more. A model object costs fifty times as much to make as the row that it stands for."""
        self._rows[model].append(row)

    def add_ticket(self, ticket: Ticket) -> None:
        """A new ticket: an object, since later mails of the batch change it."""
        self._opened.append(ticket)

    def write(self) -> None:
        """Insert what was collected so far; from here on new tickets are like those that were fetched."""
        self._rows[Ticket] = [_columns(ticket) for ticket in self._opened]
        connection = self._session.connection()
        for model, rows in self._rows.items():
            if rows:
                connection.execute(insert_or_skip(connection, model), rows)
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


def _columns(ticket: Ticket) -> dict[str, object]:
    return {name: value for name, value in ticket.__dict__.items() if name[0] != "_"}
