"""Content-addressed files: attachments and large raw mails, each kept once, in a folder or in a bucket.

A blob is on stable storage, its directory entry included, before any row that names it is inserted. A
blob without a row is rubbish that a collection may remove; a row without a blob is an alarm.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Protocol

from config.errors import Damaged, DatabaseUnavailable
from config.settings import Settings
from storage.files import in_our_words, make_folder, sync_folder
from storage.packs import is_in_pack, read_pack


class Blobs(Protocol):
    """Where blobs are kept, by the SHA-256 of what they hold."""

    @property
    def is_remote(self) -> bool:
        """Whether it may be out of reach while the database is there: then nothing is stored while a sender waits."""

    def put(self, content: bytes, digest: str = "") -> str:
        """Store bytes durably and return their SHA-256 in hex. Raises StorageFull or DatabaseUnavailable."""

    def get(self, digest: str, pack: str = "") -> bytes:
        """The bytes of a blob, or of what becomes one and is still at this place of a pack.

        Raises Damaged when they are gone or not what was put, DatabaseUnavailable for now.
        """

    def has(self, digest: str, pack: str = "") -> bool:
        """Whether there is such a blob, or such a place of a pack; the content is not looked at."""

    def remove(self, digest: str, young: timedelta) -> bool:
        """Remove a blob unless it was put within this time; returns whether it is gone. Raises DatabaseUnavailable."""


def open_blobs(settings: Settings) -> Blobs:
    """The blobs of the settings. Raises BadConfiguration when a bucket is named and the extra s3 is not installed."""
    if settings.blob_dir is not None:
        return FolderBlobs(settings.blob_dir)
    from storage.bucket import open_bucket  # the extra, and its library of 30 MB

    return open_bucket(settings.blobs)


def whole(content: bytes, digest: str, where: str) -> bytes:
    """The content of a blob. Raises Damaged when it is not what was put."""
    if sha256(content).hexdigest() != digest:
        raise Damaged(f"Blob {digest} in {where} is damaged: restore it from the backup")
    return content


@dataclass(frozen=True, slots=True)
class FolderBlobs:
    """A folder of blobs, two levels deep, named by the SHA-256 of what they hold."""

    folder: Path

    @property
    def is_remote(self) -> bool:
        """Never: it is a disk of this machine, as the database's is."""
        return False

    @property
    def packs(self) -> Path:
        """The folder of what is not a blob yet."""
        return self.folder / "packs"

    def put(self, content: bytes, digest: str = "") -> str:
        """See Blobs."""
        digest = digest or sha256(content).hexdigest()
        path = self._path(digest)
        try:
            if path.exists():
                _touch(path)  # younger than any collection that runs now
            else:
                _write(path, content)
            sync_folder(path.parent)
        except OSError as error:
            raise in_our_words(error, f"Cannot store in {self.folder}") from error
        return digest

    def get(self, digest: str, pack: str = "") -> bytes:
        """See Blobs."""
        try:
            content = self._read(digest, pack)
        except FileNotFoundError as error:
            if not self.folder.is_dir():  # a disk that is not mounted comes back
                raise DatabaseUnavailable(f"{self.folder} is not there: is its disk mounted?") from error
            raise Damaged(f"Blob {digest} is not in {self.folder}: restore it from the backup") from error
        except OSError as error:
            raise DatabaseUnavailable(f"Blob {digest} cannot be read in {self.folder}: {error.strerror}") from error
        return whole(content, digest, str(self.folder))

    def _read(self, digest: str, pack: str) -> bytes:
        path = self._path(digest)
        if pack:
            # A pack goes when its blobs are there: who asks in that moment asks for the blob again.
            for read in (path.read_bytes, lambda: read_pack(self.packs, pack)):
                with suppress(FileNotFoundError):
                    return read()
        return path.read_bytes()

    def has(self, digest: str, pack: str = "") -> bool:
        """See Blobs."""
        return bool(pack and is_in_pack(self.packs, pack)) or self._path(digest).exists()

    def remove(self, digest: str, young: timedelta) -> bool:
        """See Blobs."""
        path = self._path(digest)
        try:
            if time.time() - path.stat().st_mtime < young.total_seconds():
                return False
            path.unlink()
            sync_folder(path.parent)
        except FileNotFoundError:
            return True
        except OSError as error:
            raise DatabaseUnavailable(f"Blob {digest} cannot be removed: {error.strerror}") from error
        return True

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest[2:4] / digest


def _touch(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.utime(descriptor)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes) -> None:
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
