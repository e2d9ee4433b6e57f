"""Packs: files of many mails. Those of a batch are appended to one, with one fsync, while their senders wait.

For what becomes a blob when it is filed. A file of its own for each would be too dear at the door, and in a row of
the database its bytes would be written twice, page by page, and then wiped. A pack has one writer, who holds its lock
until he begins the next; when it is free and nothing in it is needed any more, it goes.
"""

import fcntl
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from errno import ENOLCK, EOPNOTSUPP
from pathlib import Path

from storage.files import in_our_words, make_folder, sync_folder
from storage.ids import is_id, new_id

_MAX_BYTES = 64 * 1024 * 1024
# What is erased may stand in a pack until its writer begins another and somebody looks for free ones.
_MAX_SECONDS = 600.0
# Longer than anybody writes one pack: on a disk without locks that is all that keeps it, and a database server may
# still finish what a writer has asked for who was killed a moment ago.
_YOUNG_SECONDS = _MAX_SECONDS + 60.0


class PackWriter:
    """Of one thread. `above`: contents of more bytes are for packs."""

    def __init__(self, folder: Path, above: int) -> None:
        self.above = above
        self._folder = folder
        self._pack: _Pack | None = None

    def append(self, contents: Sequence[bytes]) -> list[str]:
        """Bring contents onto stable storage; returns their places, for `read_pack`.

        Raises StorageFull or DatabaseUnavailable. Where something has failed nothing more is written.
        """
        try:
            if self._pack is not None and self._pack.is_done:
                self.close()
            if self._pack is None:
                self._pack = _Pack(self._folder)
            places = [self._pack.append(content) for content in contents]
            self._pack.sync()
        except OSError as error:
            self.close()
            raise in_our_words(error, f"Cannot store in {self._folder}") from error
        return places

    def close(self) -> None:
        """Leave the pack; what comes next begins another."""
        pack, self._pack = self._pack, None
        if pack is not None:
            pack.close()


class _Pack:
    """One that is being written; its methods raise OSError."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._id, self._descriptor = _new_file(folder)
        self._nameless_in: Path | None = folder  # until its entry is on stable storage
        self._end = 0
        self._until = time.monotonic() + _MAX_SECONDS

    @property
    def is_done(self) -> bool:
        """Whether it is large or old enough."""
        return self._end >= _MAX_BYTES or time.monotonic() >= self._until

    def append(self, content: bytes) -> str:
        """Its place."""
        place = f"{self._id}:{self._end}:{len(content)}"
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self._end += len(content)
        return place

    def sync(self) -> None:
        """Bring all of it onto stable storage."""
        os.fdatasync(self._descriptor)
        if self._nameless_in is not None:
            sync_folder(self._nameless_in)
            self._nameless_in = None

    def close(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)


def _new_file(folder: Path) -> tuple[str, int]:
    """An empty pack that is locked; who looks for free ones may have been quicker, then another."""
    while True:
        id_ = new_id()
        descriptor = os.open(folder / id_, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            _lock(descriptor, fcntl.LOCK_EX)
        except OSError:
            os.close(descriptor)
            raise
        if os.fstat(descriptor).st_nlink:
            return id_, descriptor
        os.close(descriptor)


def _lock(descriptor: int, how: int) -> None:
    try:
        fcntl.flock(descriptor, how)
    except OSError as error:
        if error.errno not in (ENOLCK, EOPNOTSUPP):  # a shared folder that knows no locks
            raise


def read_pack(folder: Path, place: str) -> bytes:
    """What stands at a place, or less if the pack was cut short. Raises OSError."""
    id_, start, length = place.split(":")
    with (folder / id_).open("rb") as pack:
        pack.seek(int(start))
        return pack.read(int(length))


def is_in_pack(folder: Path, place: str) -> bool:
    """Whether the pack is there, and long enough."""
    id_, start, length = place.split(":")
    try:
        return (folder / id_).stat().st_size >= int(start) + int(length)
    except FileNotFoundError:
        return False


def remove_free(folder: Path, is_needed: Callable[[str], bool]) -> int:
    """Remove the packs that nobody writes and in which nothing is needed, asked by id; returns how many.

    Raises DatabaseUnavailable.
    """
    try:
        return sum(_remove_if_free(folder / name, is_needed) for name in _names(folder))
    except OSError as error:
        raise in_our_words(error, f"Cannot remove in {folder}") from error


def _names(folder: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return sorted(path.name for path in folder.iterdir() if is_id(path.name))
    return []


def _remove_if_free(path: Path, is_needed: Callable[[str], bool]) -> bool:
    # Somebody writes it, or somebody else has just removed it.
    with suppress(BlockingIOError, FileNotFoundError), path.open("r+b") as pack:
        _lock(pack.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Asked under the lock: what its writer has appended has its rows, or never will.
        if time.time() - os.fstat(pack.fileno()).st_mtime > _YOUNG_SECONDS and not is_needed(path.name):
            path.unlink()
            return True
    return False
