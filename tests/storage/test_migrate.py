"""Migrations: both ways on both databases, to the very schema of the models, and never on a foreign one."""

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from fakes.processes import upgrade_together
from fakes.rows import accept_mails, file_texts, send_mail
from fakes.spawn import SPAWN, running

from config.errors import OldSchema
from config.settings import Settings
from storage.database import Database
from storage.installation import load_installation
from storage.migrate import check_schema, current_revision, downgrade, newest_revision, open_or_make, upgrade
from storage.models import metadata
from storage.schema import REVISION, check_schema_quickly


@pytest.fixture
def empty(settings: Settings) -> Iterator[Database]:
    """A database without any table."""
    database = open_or_make(settings)
    yield database
    database.close()


def tables(database: Database) -> set[str]:
    """The tables that there are, without those that the search of SQLite keeps for itself."""
    with database.reading() as session:
        names = sa.inspect(session.connection()).get_table_names()
    return {name for name in names if not name.startswith("message_words_")}


def stamp(database: Database, revision: str) -> None:
    """Say that another version made this schema."""
    with database.writing() as session:
        session.exec(sa.text("UPDATE alembic_version SET version_num = :revision").bindparams(revision=revision))


def test_upgrade_makes_every_table(empty: Database) -> None:
    """After an upgrade of an empty database every table of the models is there, and the schema is in order."""
    upgrade(empty)
    assert {*metadata.tables, "alembic_version", "message_words"} == tables(empty)
    check_schema(empty)
    check_schema_quickly(empty)


def test_upgrade_and_downgrade_leave_nothing_behind(empty: Database) -> None:
    """Down to the beginning no table is left, also when there was mail in them, and up again all are there."""
    upgrade(empty)
    accept_mails(empty, 2)
    file_texts(empty, ["one", "two"])
    with empty.writing() as session:
        send_mail(session)
    downgrade(empty, "base")
    assert tables(empty) == {"alembic_version"}
    upgrade(empty)
    check_schema(empty)


def test_migrated_schema_equals_the_models(database: Database) -> None:
    """Alembic finds no difference between the schema that migrations make and the models."""

    def is_ours(name: str | None, kind: str, _parents: object) -> bool:
        return not (kind == "table" and (name or "").startswith("message_words"))

    with database.reading() as session:
        context = MigrationContext.configure(
            session.connection(), opts={"compare_type": True, "compare_server_default": True, "include_name": is_ours}
        )
        assert compare_metadata(context, metadata) == []


def test_partial_indexes_hold_the_rows_that_the_models_say(database: Database) -> None:
    """Alembic compares no conditions, so each is asked of the database."""
    with database.reading() as session:
        connection = session.connection()
        kind = connection.dialect.name
        made = {
            index["name"]: index.get("dialect_options", {}).get(f"{kind}_where")
            for table in metadata.tables
            for index in sa.inspect(connection).get_indexes(table)
        }
        wanted = {
            index.name: index.info["where"]
            for table in metadata.tables.values()
            for index in table.indexes
            if index.info
        }
        assert wanted
        assert {name: _states(str(made[name])) for name in wanted} == {name: _states(wanted[name]) for name in wanted}


def _states(condition: str) -> tuple[str, list[str]]:
    """The column and the values: PostgreSQL writes IN as ANY, with types."""
    column = re.search(r"[a-z_]+", condition)
    return column[0] if column else "", re.findall(r"'(\w+)'|(NOT NULL)", condition)


def test_second_upgrade_changes_nothing(database: Database) -> None:
    """An upgrade of a new schema keeps the installation's id and keys."""
    with database.reading() as session:
        before = load_installation(session)
    upgrade(database)
    with database.reading() as session:
        assert load_installation(session) == before
        assert current_revision(session) == newest_revision() == REVISION


def test_two_upgrades_at_once_make_one_schema(empty: Database, settings: Settings) -> None:
    """Two processes that start on an empty database both end with the schema and one installation."""
    barrier = SPAWN.Barrier(2)
    with running(upgrade_together, settings, barrier), running(upgrade_together, settings, barrier):
        pass
    check_schema(empty)
    with empty.reading() as session:
        assert len(load_installation(session).keys) == 1


def test_empty_database_names_the_command(empty: Database) -> None:
    """A database without a schema is refused, and the message says what to type."""
    with pytest.raises(OldSchema, match="gateway database upgrade"):
        check_schema(empty)
    with pytest.raises(OldSchema, match="gateway database upgrade"):
        check_schema_quickly(empty)


def test_schema_of_a_newer_gateway_is_refused(database: Database) -> None:
    """A revision that this version does not know is refused as newer, by every way in."""
    stamp(database, "9999")
    for check in (check_schema, check_schema_quickly, upgrade):
        with pytest.raises(OldSchema, match="newer"):
            check(database)
    with database.reading() as session:
        assert current_revision(session) == "9999"


def test_failed_upgrade_leaves_the_schema_as_it_was(empty: Database) -> None:
    """A migration that fails half-way is undone as a whole."""
    with empty.writing() as session:
        session.exec(sa.text("CREATE TABLE delivery (id INTEGER)"))
    with pytest.raises(Exception, match="delivery"):
        upgrade(empty)
    assert tables(empty) == {"delivery"}
