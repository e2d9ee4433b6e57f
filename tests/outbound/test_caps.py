"""One person gets only so much automatic mail, about one ticket and in all."""

from datetime import timedelta

import time_machine
from fakes.rows import make_ticket, send_mail

from config.clock import now
from config.sending import OutboundSettings
from outbound.caps import too_much
from storage.database import Database
from storage.outbox import OutgoingKind

ANN = "ann@customer.example"
NOTICE, REPLY = OutgoingKind.NOTICE, OutgoingKind.REPLY
SETTINGS = OutboundSettings(automatic_per_ticket=((10, 2), (60, 3)), automatic_per_address=((10, 4),))


def send(database: Database, count: int, ticket: int | None, kind: OutgoingKind = NOTICE) -> None:
    """So many mails to Ann."""
    with database.writing() as session:
        for _ in range(count):
            send_mail(session, ANN, kind=kind, ticket_id=ticket)


def asked(database: Database, ticket: int | None, who: str = ANN, *, minutes: float = 0) -> str:
    """Why one more would be too much so much later."""
    with time_machine.travel(now() + timedelta(minutes=minutes)), database.reading() as session:
        return too_much(session, SETTINGS, who, ticket)


def tickets(database: Database) -> tuple[int, int]:
    """Two tickets."""
    with database.writing() as session:
        return make_ticket(session).id, make_ticket(session).id


def test_cap_about_one_ticket_counts_that_ticket_only(database: Database) -> None:
    """Two within ten minutes are enough about one; about another one, and to somebody else, there is room."""
    one, other = tickets(database)
    send(database, 2, one)
    assert "2 automatic mails within 10 minutes" in asked(database, one)
    assert asked(database, other) == ""
    assert asked(database, one, "ben@customer.example") == ""


def test_longer_window_counts_more(database: Database) -> None:
    """What is too old for ten minutes counts for the hour, and what is older not at all."""
    one, _ = tickets(database)
    send(database, 2, one)
    assert asked(database, one, minutes=20) == ""
    send(database, 3, one)
    assert "3 automatic mails within 60 minutes" in asked(database, one, minutes=20)
    assert asked(database, None, minutes=20) == ""
    assert asked(database, one, minutes=61) == ""


def test_cap_in_all_counts_every_ticket(database: Database) -> None:
    """Four within ten minutes are enough, whatever they are about."""
    one, other = tickets(database)
    send(database, 1, one)
    send(database, 1, other)
    send(database, 2, None)
    assert "4 automatic mails" in asked(database, None)


def test_answers_of_agents_do_not_count(database: Database) -> None:
    """Nobody is capped who writes himself."""
    one, _ = tickets(database)
    send(database, 9, one, REPLY)
    assert asked(database, one) == ""
