"""A copy of the data in a folder: the database at one moment, then the blobs, then the key file.

In this order, because blobs are stored before the rows that name them and never change: every blob that the
copy of the database names is there when blobs are copied after it. Bringing it back is `storage.restore`.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.errors import AlreadyThere, Damaged
from config.settings import Settings
from storage.blobs import FolderBlobs
from storage.database import Database
from storage.files import in_our_words, sync_folder
from storage.spool import packed

DATABASE_NAME = "gateway.db"


@dataclass(frozen=True, slots=True)
class Backup:
    """What was written. `database` is None on PostgreSQL, which has a tool of its own for it."""

    path: Path
    database: Path | None
    blobs: int
    bytes: int
    key_file: Path | None


def back_up(database: Database, settings: Settings, path: Path) -> Backup:
    """Write a backup into a new folder. Every mail that was acknowledged before is in it. Raises AlreadyThere."""
    if path.exists():
        raise AlreadyThere(f"{path} is there already: name a folder that is not, it will be made")
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        unfinished.mkdir(parents=True, mode=0o700)
        backup = _write(database, settings, unfinished)
        # A folder of the right name is a whole backup.
        unfinished.rename(path)
        sync_folder(path.parent)
    except FileExistsError as error:
        raise AlreadyThere(f"{unfinished} is left from a backup that failed: remove it first") from error
    except OSError as error:
        raise in_our_words(error, f"Cannot write the backup {unfinished}") from error
    return Backup(
        path=path,
        database=path / DATABASE_NAME if backup.database else None,
        blobs=backup.blobs,
        bytes=backup.bytes,
        key_file=path / backup.key_file.name if backup.key_file else None,
    )


def _write(database: Database, settings: Settings, folder: Path) -> Backup:
    copy = folder / DATABASE_NAME
    if database.is_sqlite:
        _copy_sqlite(database, copy)
    sizes = _copy_blobs(database, settings.blob_dir, folder / "blobs") if settings.blob_dir else []
    key = folder / settings.key_file.name if settings.key_file.exists() else None
    if key:
        _copy(settings.key_file, key)
        key.chmod(0o600)
    whole = sum(sizes) + (copy.stat().st_size if copy.exists() else 0)
    return Backup(folder, copy if copy.exists() else None, len(sizes), whole, key)


def _copy_sqlite(database: Database, copy: Path) -> None:
    # VACUUM INTO reads one snapshot, beside running writers. It may not stand inside a transaction, so it
    # goes to the driver, which begins none by itself.
    connection = database.engine.raw_connection()
    try:
        connection.cursor().execute("VACUUM INTO ?", (str(copy),))
    except Exception as error:
        raise OSError(0, str(error)) from error
    finally:
        connection.close()
    copy.chmod(0o600)
    with copy.open("rb") as file:
        os.fsync(file.fileno())


def _copy_blobs(database: Database, folder: Path, to: Path) -> list[int]:
    """The sizes of the copies. What is in a pack is a blob in the backup: packs hold what was erased meanwhile."""
    live, copies = FolderBlobs(folder), FolderBlobs(to)
    with database.reading() as session:
        waiting = packed(session)
    sizes = [_copy(source, to / source.relative_to(folder)) for source in _blobs(live)]
    for digest, place in waiting:
        if not copies.has(digest):
            with suppress(Damaged):  # `audit` tells of it, and the others are to have their backup
                content = live.get(digest, place)
                copies.put(content, digest)
                sizes.append(len(content))
    return sizes


def _blobs(blobs: FolderBlobs) -> Iterator[Path]:
    """The finished blobs; one that is being written has a name with a dot."""
    for where, folders, names in os.walk(blobs.folder):
        folders[:] = [name for name in folders if Path(where, name) != blobs.packs]
        yield from (Path(where) / name for name in names if not name.startswith("."))


def _copy(source: Path, to: Path) -> int:
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with source.open("rb") as reading, to.open("xb") as writing:
        shutil.copyfileobj(reading, writing, 1 << 20)
        writing.flush()
        os.fsync(writing.fileno())
        return writing.tell()
