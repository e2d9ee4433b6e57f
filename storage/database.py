"""Open the database, read in one kind of block and write in another.

The only module that knows which SQLite library is used: two of them in one process drop each other's
POSIX locks. It does not know any table.
"""

import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlmodel import Session

from config.errors import BadConfiguration, DatabaseUnavailable, GatewayError, StorageFull
from config.settings import Settings
from storage.turnstile import Turnstile

_FIXED_SQLITE = (3, 51, 3)
# Statements that one process may wait for on PostgreSQL before it says try again.
_POSTGRES_OPTIONS = "-c lock_timeout={busy}ms -c idle_in_transaction_session_timeout=60000"


class Database:
    """One database for one process; threads share it."""

    def __init__(self, engine: sa.Engine, turnstile: Turnstile | None) -> None:
        self.engine = engine
        self._turnstile = turnstile
        self._writer = engine.execution_options(writes=True)
        # Each statement of PostgreSQL has a snapshot of its own otherwise; a transaction of SQLite has one anyhow.
        one_snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = engine if self.is_sqlite else engine.execution_options(**one_snapshot)

    @property
    def is_sqlite(self) -> bool:
        """Embedded, with one writer at a time."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A block that only reads, on one snapshot. It never waits for a writer."""
        with our_errors(), Session(self._reader, autoflush=False, expire_on_commit=False) as session:
            yield session  # closing rolls back; what was loaded stays usable

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A block that is one transaction: committed to stable storage at its end, undone by an exception.

        Raises DatabaseUnavailable or StorageFull; then nothing has been stored, except that a lost
        connection to PostgreSQL during the commit leaves it unknown (ask the rows).
        """
        # A flush sorts tables by their foreign keys, and fails for one into a table that nobody has imported.
        import storage.models  # noqa: F401 - slow, and it imports this module

        with our_errors(), self.turn(), Session(self._writer, autoflush=False, expire_on_commit=False) as session:
            yield session
            session.commit()

    @contextmanager
    def writing_connection(self) -> Iterator[sa.Connection]:
        """As `writing`, for the hot path: without what a Session costs, which is more than a small commit."""
        with our_errors(), self.turn(), self._writer.connect() as connection, connection.begin():
            yield connection

    def kept_connection(self) -> sa.Connection:
        """A connection for `Writer`, who begins its transactions himself."""
        return self._writer.connect().execution_options(begins=False)

    def checkpoint(self) -> None:
        """Copy what SQLite's log holds into the database, as far as nobody has to wait for it.

        Raises DatabaseUnavailable or StorageFull.
        """
        with our_errors(), self.kept_connection() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").all()

    def turn(self) -> AbstractContextManager[None]:
        """Our turn to write, of all processes on this machine. Raises DatabaseUnavailable."""
        return self._turnstile.turn() if self._turnstile else nullcontext()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(settings: Settings) -> Database:
    """The database of the settings; it must exist (`storage.migrate` makes it)."""
    if not settings.is_sqlite:
        return Database(_postgres_engine(settings), None)
    path = sqlite_path(settings.database_url)
    if not path.exists():
        raise BadConfiguration(f"{path}: no database there yet: run `gateway database upgrade`")
    return open_sqlite(path, settings)


def open_sqlite(path: Path, settings: Settings) -> Database:
    """A SQLite database, made as an empty file when it is not there."""
    module = sqlite_module()
    check_sqlite_version(module.sqlite_version_info, settings.database.unsafe_sqlite)
    engine = sa.create_engine(
        f"sqlite:///{path}",
        module=module,
        pool_size=settings.database.pool_size,
        connect_args={"timeout": settings.database.busy_seconds, "check_same_thread": False},
    )
    sa.event.listen(engine, "connect", _on_sqlite_connect)
    sa.event.listen(engine, "begin", _on_sqlite_begin)
    return Database(engine, Turnstile(path, settings.database.busy_seconds))


def sqlite_path(url: str) -> Path:
    """The file of a sqlite:/// URL."""
    return Path(url.removeprefix("sqlite:///"))


def sqlite_module() -> Any:
    """The one SQLite library of this process: the wheel with a current SQLite, else Python's own."""
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return importlib.import_module("sqlite3")


def check_sqlite_version(version: tuple[int, int, int], override: bool) -> None:
    """Refuse a SQLite whose WAL-reset race can corrupt a database with several writers."""
    if version < _FIXED_SQLITE and not override:
        raise BadConfiguration(
            f"SQLite {'.'.join(map(str, version))} has the WAL-reset race: install the wheel pysqlite3, "
            "use PostgreSQL, or set database.unsafe_sqlite = true"
        )


def _on_sqlite_connect(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: we say BEGIN or BEGIN IMMEDIATE.
    connection.isolation_level = None
    # SQLite's own knows the letters of English only; names of people have others.
    connection.create_function("lower", 1, _lower, deterministic=True)
    cursor = connection.cursor()
    # NORMAL loses acknowledged commits in a power cut; FULL does not. 250 means kept.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "cache_size=-16000",
        # Pages: a log of 16 MiB. What is written often is copied into the database a quarter as often. At the door
        # `checkpoints` copies before it comes to that.
        "wal_autocheckpoint=4000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _lower(text: str | None) -> str | None:
    return text.lower() if text is not None else None


def _on_sqlite_begin(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later loses updates unless it is a writer from its start.
    options = connection.get_execution_options()
    if options.get("begins", True):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")


def _postgres_engine(settings: Settings) -> sa.Engine:
    url = settings.database_url.replace("postgres://", "postgresql://", 1)
    try:
        importlib.import_module("psycopg")
    except ImportError as error:
        raise BadConfiguration("PostgreSQL needs psycopg: install mail-ticket-gateway[postgres]") from error
    return sa.create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=settings.database.pool_size,
        pool_pre_ping=True,
        connect_args={
            # Prepared statements do not survive pgbouncer's transaction pooling.
            "prepare_threshold": None,
            "connect_timeout": max(2, int(settings.database.busy_seconds)),
            "options": _POSTGRES_OPTIONS.format(busy=int(settings.database.busy_seconds * 1000)),
        },
    )


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn the trouble of a database into our own words; a programming error stays what it is."""
    try:
        yield
    except GatewayError:
        raise
    except (OperationalError, InterfaceError) as error:
        reason = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
        if "disk is full" in reason or "No space left" in reason:
            raise StorageFull(f"The database has no space left: {reason}") from error
        raise DatabaseUnavailable(f"The database does not answer: {reason}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseUnavailable("The connection to the database was lost") from error
        raise
