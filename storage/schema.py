"""Is the schema the one that this version needs? Every command asks, so without Alembic, which is slow to import."""

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from config.errors import BadConfiguration
from storage.database import Database

# The newest revision of storage/migrations; a test holds the two together.
REVISION = "0001"


def check_schema_quickly(database: Database) -> None:
    """Raise OldSchema, with the command that helps, unless the schema is the one that this version needs."""
    if schema_revision(database) != REVISION:
        from storage.migrate import check_schema  # slow (0.3 s), and it says what is wrong

        check_schema(database)


def schema_revision(database: Database) -> str | None:
    """The revision of the schema as the database tells it; None where it tells none."""
    try:
        with database.reading() as session:
            if not sa.inspect(session.connection()).has_table("alembic_version"):
                return None
            return session.connection().execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    except DatabaseError as error:
        # What is no matter of time: no SQLite file at all, or a damaged one.
        raise BadConfiguration(f"{database.engine.url}: cannot be read: {error.orig}") from error
