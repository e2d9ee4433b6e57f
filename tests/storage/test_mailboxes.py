"""Mailboxes and checks of forwards as rows: every state has its moves, and a cursor moves for one reader only."""

import pytest

from config.errors import Refused
from storage import forward_checks, mailboxes
from storage.database import Database
from storage.mailboxes import Mailbox, MailboxKind, MailboxState, Step, add_mailbox, advance, begin_reading, set_state
from storage.queues import Queue, add_queue


@pytest.fixture
def number(database: Database) -> int:
    """A mailbox."""
    with database.writing() as session:
        queue = add_queue(session, Queue(name="Support", key="")).number
        made = Mailbox(address="a@b.example", queue_id=queue, kind=MailboxKind.IMAP, host="h", user="u")
        return add_mailbox(session, made).number


def test_every_state_has_its_moves() -> None:
    """The tables cover their enums."""
    assert set(mailboxes.MOVES) == set(MailboxState)
    assert set(forward_checks.MOVES) == set(forward_checks.CheckState)


def test_disabled_mailbox_does_not_fail(database: Database, number: int) -> None:
    """A move that is not in the table is refused; the same state again is no news."""
    with database.writing() as session:
        mailbox = session.get_one(Mailbox, number)
        assert not set_state(session, mailbox, MailboxState.CONNECTED)
        assert set_state(session, mailbox, MailboxState.DISABLED)
        with pytest.raises(Refused):
            set_state(session, mailbox, MailboxState.FAILING, "no")


def test_cursor_moves_for_who_knows_where_it_stands(database: Database, number: int) -> None:
    """The second of two readers hears that it was moved; other UIDs begin at nothing."""
    with database.writing() as session:
        begin_reading(session, number, 7, 11)
    steps = [Step(number, 7, 0, 5, 5, 5, True), Step(number, 7, 0, 4, 4, 6, True), Step(number, 8, 5, 6, 1, 0, True)]
    with database.writing_connection() as connection:
        assert [advance(connection, step) for step in steps] == [True, False, False]
    with database.writing() as session:
        begin_reading(session, number, 9, 21)
    with database.reading() as session:
        mailbox = session.get_one(Mailbox, number)
    assert (mailbox.fetched, mailbox.last_uid, mailbox.backlog_uid) == (5, 0, 20)
