"""Bring a backup back: key file, blobs, and at the very end the database.

In this order, so that a restore that was interrupted can be begun again, and so that a database that is there has all
that its rows name. Nothing that exists is written over.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from config.errors import AlreadyThere, DatabaseUnavailable, NotFound
from config.settings import Settings
from storage.backup import DATABASE_NAME
from storage.blobs import open_blobs
from storage.database import open_sqlite, sqlite_path
from storage.files import in_our_words, sync_folder


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back. `database` is None on PostgreSQL, which has a tool of its own for it."""

    database: Path | None
    blobs: int
    key_file: Path | None


def restore(settings: Settings, path: Path) -> Restored:
    """Put a backup where the settings say. Raises NotFound, AlreadyThere, StorageFull, DatabaseUnavailable."""
    copy, target = path / DATABASE_NAME, _database_file(settings)
    if not path.is_dir() or (target and not copy.is_file()):
        raise NotFound(
            f"{path} is no backup of `gateway database backup`" + (f": it has no {DATABASE_NAME}" * bool(target))
        )
    if target and target.exists():
        raise AlreadyThere(f"{target} is there: stop the gateway and move it away, with its -wal and -shm")
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = _restore_key(settings, path)
        count = _restore_blobs(settings, path / "blobs")
        if target:
            unfinished = _copy(copy, target)
            _check(settings, unfinished)
            _finish(unfinished, target)
    except OSError as error:
        raise in_our_words(error, f"Cannot restore {path}") from error
    return Restored(target, count, key)


def _database_file(settings: Settings) -> Path | None:
    return sqlite_path(settings.database_url) if settings.is_sqlite else None


def _restore_key(settings: Settings, path: Path) -> Path | None:
    copy, target = path / settings.key_file.name, settings.key_file
    if not copy.is_file():
        return None
    if not target.exists():
        _finish(_copy(copy, target), target)
    elif target.read_bytes() != copy.read_bytes():
        raise AlreadyThere(
            f"{target} is another key than the backup's: move it away, it cannot open what is stored there"
        )
    return target


def _restore_blobs(settings: Settings, folder: Path) -> int:
    blobs, count = open_blobs(settings), 0
    for file in _files(folder):
        if blobs.put(file.read_bytes()) != file.name:
            raise DatabaseUnavailable(f"{file} is damaged: its name is not the SHA-256 of its content")
        count += 1
    return count


def _files(folder: Path) -> Iterator[Path]:
    for where, _, names in os.walk(folder):
        yield from (Path(where) / name for name in names)


def _copy(source: Path, target: Path) -> Path:
    """A durable copy that has not its name yet."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = target.with_name(f"{target.name}.unfinished")
    private = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with source.open("rb") as reading, os.fdopen(private, "wb") as writing:
        shutil.copyfileobj(reading, writing, 1 << 20)
        writing.flush()
        os.fsync(writing.fileno())
    return unfinished


def _finish(unfinished: Path, target: Path) -> None:
    unfinished.rename(target)
    sync_folder(target.parent)


def _check(settings: Settings, copy: Path) -> None:
    """A copy that is damaged must not be taken for a restored one."""
    try:
        with closing(open_sqlite(copy, settings)) as database, database.reading() as session:
            (said,) = session.connection().exec_driver_sql("PRAGMA quick_check(1)").one()
    except sa.exc.DatabaseError as error:
        said = str(error.orig)
    if said != "ok":
        raise DatabaseUnavailable(f"The database of the backup is damaged ({said}): take another backup")
