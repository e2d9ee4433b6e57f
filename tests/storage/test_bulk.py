"""Many rows at once: what is written is what the models say, on both databases."""

from datetime import UTC, datetime

import pytest
from fakes.rows import make_ticket
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from storage.bulk import BulkInsert, BulkUpdate
from storage.columns import as_read, column_names
from storage.database import Database
from storage.installation import Fact
from storage.tickets import Event, Status, Ticket

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
INSERT = BulkInsert(Fact, column_names(Fact))
EVENTS = BulkInsert(Event, ("ticket_id", "at", "kind"), {"by": "gateway", "text": ""})
RENAME = BulkUpdate(Fact, ("value",), keys=("name",), where="fact.value <> 'kept'")
OPEN = BulkUpdate(Ticket, ("subject", "settled_at"), keys=("id", "queue_id"), fixed={"status": Status.OPEN})


def facts(database: Database) -> dict[str, str]:
    """Those that a test has made."""
    with database.reading() as session:
        return {fact.name: fact.value for fact in session.exec(select(Fact).where(col(Fact.name).like("test-%")))}


def put(database: Database, *pairs: tuple[str, str]) -> int:
    """Insert some facts."""
    with database.writing() as session:
        return INSERT.run(session.connection(), [(f"test-{name}", value) for name, value in pairs])


def test_rows_whose_key_is_there_are_passed_over(database: Database) -> None:
    """The first row of a key stays, and only new ones are counted."""
    assert put(database, ("a", "1"), ("b", "2")) == 2
    assert put(database, ("b", "9"), ("c", "3")) == 1
    assert facts(database) == {"test-a": "1", "test-b": "2", "test-c": "3"}


def test_rows_that_are_new_for_certain_raise_when_they_are_not(database: Database) -> None:
    """A key that is there already is an error of ours, and nothing is written."""
    put(database, ("a", "1"))
    certain = BulkInsert(Fact, column_names(Fact), is_new=True)
    with pytest.raises(IntegrityError), database.writing() as session:
        certain.run(session.connection(), [("test-z", "1"), ("test-a", "2")])
    assert facts(database) == {"test-a": "1"}


def test_nothing_is_written_when_there_are_no_rows(database: Database) -> None:
    """No rows are no statement."""
    assert put(database) == 0


def test_named_values_are_converted_as_the_columns_say(database: Database) -> None:
    """Names that SQL reserves are quoted, moments come back aware, and fixed values stand in every row."""
    with database.writing() as session:
        number = make_ticket(session).id
        rows = [{"kind": kind, "at": AT, "ticket_id": number, "more": 1} for kind in ("one", "two")]
        assert EVENTS.run_named(session.connection(), rows) == 2
    with database.reading() as session:
        found = session.exec(select(Event).order_by(col(Event.id))).all()
    assert [(one.kind, one.at, one.by) for one in found] == [("one", AT, "gateway"), ("two", AT, "gateway")]


def test_rows_are_changed_only_where_keys_and_condition_hold(database: Database) -> None:
    """Each row gets its own value; what the condition excludes stays and is not counted."""
    put(database, ("a", "1"), ("b", "kept"), ("c", "3"))
    with database.writing() as session:
        rows = [("new", "test-a"), ("new", "test-b"), ("other", "test-c"), ("x", "test-nobody")]
        assert RENAME.run(session.connection(), rows) == 2
    assert facts(database) == {"test-a": "new", "test-b": "kept", "test-c": "other"}


def test_fixed_and_empty_values_are_written_by_an_update(database: Database) -> None:
    """A value for all rows, one of its own, and none at all; a second key that differs excludes the row."""
    with database.writing() as session:
        first, second = make_ticket(session), make_ticket(session)
        rows = [("Smoke", None, first.id, first.queue_id), ("Fire", AT, second.id, second.queue_id + 1)]
        assert OPEN.run(session.connection(), rows) == 1
    with database.reading() as session:
        found = [session.get_one(Ticket, number) for number in (first.id, second.id)]
    assert [(one.subject, one.status, one.settled_at) for one in found] == [
        ("Smoke", Status.OPEN, None),
        ("Printer", Status.NEW, None),
    ]


def test_a_row_as_read_is_the_one_that_the_model_makes() -> None:
    """Values, defaults and nothing else: as the slow way has them."""
    values = {"id": 1, "queue_id": 2, "created_at": AT, "updated_at": AT}
    assert as_read(Ticket, **values) == Ticket(**values)
