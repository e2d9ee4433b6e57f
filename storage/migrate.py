"""Make the database and bring its schema up to date. Only `init`, `serve` and `database upgrade` call this."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import Session

from config.errors import BadConfiguration, OldSchema
from config.settings import Settings
from storage.database import Database, open_database, open_sqlite, sqlite_path
from storage.installation import found_installation

_FOLDER = Path(__file__).parent / "migrations"
# Two processes that upgrade at once: the second waits, then finds nothing to do.
_UPGRADE_LOCK = 7_239_431_204


def open_or_make(settings: Settings) -> Database:
    """The database of the settings; an embedded one is made when it is not there. Its schema may be old."""
    # The key that seals passwords and the sockets that wake stand in data_dir, wherever the database is.
    _make_folder(settings.data_dir)
    if not settings.is_sqlite:
        return open_database(settings)
    path = sqlite_path(settings.database_url)
    _make_folder(path.parent)
    return open_sqlite(path, settings)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadConfiguration(f"Cannot make the folder {folder}: {error.strerror}") from error


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the schema to a revision, and give a new database its installation id and keys.

    Raises OldSchema when a newer gateway made the database.
    """
    with database.writing() as session:
        connection = session.connection()
        if not database.is_sqlite:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
        _refuse_newer(current_revision(session))
        command.upgrade(_alembic(connection), revision)
        found_installation(session)


def downgrade(database: Database, revision: str) -> None:
    """Take the schema back to a revision; what newer tables held is lost."""
    with database.writing() as session:
        command.downgrade(_alembic(session.connection()), revision)


def current_revision(session: Session) -> str | None:
    """The revision of the schema; None for an empty database."""
    return MigrationContext.configure(session.connection()).get_current_revision()


def newest_revision() -> str:
    """The revision that this version of the gateway works with."""
    return ScriptDirectory(str(_FOLDER)).get_current_head() or ""


def check_schema(database: Database) -> None:
    """Raise OldSchema, with the command that helps, unless the schema is the one that this version needs."""
    with database.reading() as session:
        revision = current_revision(session)
    if revision == newest_revision():
        return
    _refuse_newer(revision)
    raise OldSchema(f"The database has schema {revision or 'none'}: run `gateway database upgrade` first")


def _refuse_newer(revision: str | None) -> None:
    if revision is not None and revision not in {s.revision for s in ScriptDirectory(str(_FOLDER)).walk_revisions()}:
        raise OldSchema(f"The database was made by a newer gateway (schema {revision}): install that version again")


def _alembic(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config
