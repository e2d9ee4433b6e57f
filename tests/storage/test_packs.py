"""Packs: what was appended comes back, a writer keeps his pack, and what is free and not needed goes."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from errno import ENOLCK
from hashlib import sha256
from pathlib import Path

import pytest
from fakes.rows import arrival

from config.errors import Damaged, DatabaseUnavailable, GatewayError
from config.settings import Settings
from storage import packs as module
from storage.accepting import accept
from storage.arrivals import in_packs, open_packs, remove_free_packs
from storage.audit import audit
from storage.backup import back_up
from storage.blobs import FolderBlobs, open_blobs
from storage.database import Database
from storage.packs import PackWriter, is_in_pack, read_pack, remove_free
from storage.spool import Raw, move_raw_to_blob, raw_bytes

CONTENTS = [b"a" * 20_000, bytes(range(256)) * 100, b"c" * 17_000]
LARGE = b"Subject: large\r\n\r\n" + b"x" * 20_000


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[PackWriter]:
    """A writer in a folder that is not there yet."""
    with closing(PackWriter(tmp_path / "blobs" / "packs", above=16_384)) as writer:
        yield writer


def packs_in(folder: Path) -> list[Path]:
    """The packs, the oldest first, made old enough to go."""
    found = sorted(folder.iterdir())
    for path in found:
        os.utime(path, (time.time() - 3600,) * 2)
    return found


def folder_of(settings: Settings) -> Path:
    """Where an installation keeps its packs."""
    assert settings.blob_dir is not None
    return FolderBlobs(settings.blob_dir).packs


def accept_large(database: Database, settings: Settings, content: bytes = LARGE) -> str:
    """A mail whose bytes wait in a pack, which nobody writes any more; returns its acceptance id."""
    packs = open_packs(settings)
    assert packs is not None
    with closing(packs), database.writing_connection() as connection:
        return accept(connection, in_packs(packs, [arrival(content)]))[0]


def test_contents_come_back_from_their_places(writer: PackWriter, tmp_path: Path) -> None:
    """Batch after batch stands in one pack, and each content is found."""
    places = [*writer.append(CONTENTS), *writer.append(CONTENTS[:1])]
    folder = tmp_path / "blobs" / "packs"
    assert len(packs_in(folder)) == 1
    assert [read_pack(folder, place) for place in places] == [*CONTENTS, CONTENTS[0]]
    assert all(is_in_pack(folder, place) for place in places)
    assert not is_in_pack(folder, places[0].replace(":20000", ":99999"))


@pytest.mark.parametrize(("limit", "value"), [("_MAX_BYTES", 1), ("_MAX_SECONDS", 0.0)])
def test_a_pack_that_is_large_or_old_is_followed_by_another(
    writer: PackWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: float
) -> None:
    """What has been written stays where it is."""
    monkeypatch.setattr(module, limit, value)
    folder = tmp_path / "blobs" / "packs"
    places = [writer.append([content])[0] for content in CONTENTS]
    assert len(packs_in(folder)) == len(CONTENTS)
    assert [read_pack(folder, place) for place in places] == CONTENTS


def test_a_pack_goes_when_it_is_free_old_enough_and_not_needed(writer: PackWriter, tmp_path: Path) -> None:
    """Each of the three alone keeps it."""
    folder = tmp_path / "blobs" / "packs"
    writer.append(CONTENTS)
    (pack,) = packs_in(folder)
    assert remove_free(folder, lambda _: False) == 0, "it is being written"
    writer.close()
    assert remove_free(folder, lambda id_: id_ == pack.name) == 0, "it is needed"
    os.utime(pack)
    assert remove_free(folder, lambda _: False) == 0, "it is young"
    packs_in(folder)
    assert remove_free(folder, lambda _: False) == 1
    assert remove_free(folder, lambda _: False) == remove_free(tmp_path / "nowhere", lambda _: False) == 0


def test_the_pack_of_a_killed_writer_is_free(tmp_path: Path) -> None:
    """Nobody has to tell that he died."""
    code = f"""
import os, signal
from pathlib import Path
from storage.packs import PackWriter
PackWriter(Path({str(tmp_path)!r}), 0).append([b"x"])
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    assert len(packs_in(tmp_path)) == 1
    assert remove_free(tmp_path, lambda _: False) == 1


def test_a_pack_that_was_taken_before_its_lock_is_not_written(
    writer: PackWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks for free packs may come between the making and the lock: then another one is made."""
    folder, lock, taken = tmp_path / "blobs" / "packs", module.fcntl.flock, []

    def late(descriptor: int, how: int) -> None:
        if not taken:
            taken.extend(packs_in(folder))
            taken[0].unlink()
        lock(descriptor, how)

    monkeypatch.setattr(module.fcntl, "flock", late)
    (place,) = writer.append(CONTENTS[:1])
    assert read_pack(folder, place) == CONTENTS[0]


def test_on_a_disk_without_locks_its_age_keeps_a_pack(
    writer: PackWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody writes a pack for as long as it is kept."""

    def without(_descriptor: int, _how: int) -> None:
        raise OSError(ENOLCK, "No locks available")

    monkeypatch.setattr(module.fcntl, "flock", without)
    folder = tmp_path / "blobs" / "packs"
    writer.append(CONTENTS)
    assert remove_free(folder, lambda _: False) == 0
    packs_in(folder)
    assert remove_free(folder, lambda _: False) == 1


def test_full_disk_stores_nothing_and_the_next_mail_begins_another_pack(writer: PackWriter, tmp_path: Path) -> None:
    """What was written before it is still there."""
    folder = tmp_path / "blobs" / "packs"
    (before,) = writer.append(CONTENTS[:1])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        with pytest.raises(GatewayError, match="Cannot store"):
            writer.append(CONTENTS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    (after,) = writer.append(CONTENTS[1:2])
    assert len(packs_in(folder)) == 2
    assert [read_pack(folder, place) for place in (before, after)] == CONTENTS[:2]


def test_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    """A file where the folder should be is trouble of ours."""
    (tmp_path / "packs").write_text("")
    with pytest.raises(DatabaseUnavailable, match="Cannot store"):
        PackWriter(tmp_path / "packs", 0).append(CONTENTS)


def test_what_waits_in_a_pack_is_read_and_keeps_it(database: Database, settings: Settings) -> None:
    """Until it is a blob; then the pack goes, and the mail is as it was."""
    id_, blobs = accept_large(database, settings), open_blobs(settings)
    digest = sha256(LARGE).hexdigest()
    packs_in(folder_of(settings))
    assert remove_free_packs(database, settings) == 0
    with database.reading() as session:
        raw = session.get_one(Raw, id_)
        assert (raw.content, raw.size, bool(raw.pack)) == (None, len(LARGE), True)
        assert raw_bytes(session, blobs, digest) == LARGE
    blobs.put(LARGE)
    with database.writing() as session:
        move_raw_to_blob(session, [digest])
    assert remove_free_packs(database, settings) == 1
    assert packs_in(folder_of(settings)) == []
    with database.reading() as session:
        assert raw_bytes(session, blobs, digest) == LARGE
    assert blobs.get(digest, raw.pack) == LARGE, "who asked before the move is served"


def test_audit_misses_what_is_neither_in_its_pack_nor_a_blob(database: Database, settings: Settings) -> None:
    """A pack that was cut short is told as one that is gone; a blob brought back heals both."""
    id_, blobs = accept_large(database, settings), open_blobs(settings)
    (pack,) = packs_in(folder_of(settings))
    assert audit(database, blobs).ok
    os.truncate(pack, 100)
    assert audit(database, blobs).missing == [id_]
    with pytest.raises(Damaged), database.reading() as session:
        raw_bytes(session, blobs, sha256(LARGE).hexdigest())
    pack.unlink()
    assert "in a pack" in audit(database, blobs).why[id_]
    blobs.put(LARGE)
    assert audit(database, blobs).ok
    with database.reading() as session:
        assert raw_bytes(session, blobs, sha256(LARGE).hexdigest()) == LARGE


def test_backup_has_what_waits_in_a_pack_as_a_blob(database: Database, settings: Settings, tmp_path: Path) -> None:
    """And nothing else of its pack. A damaged one keeps nobody else out."""
    filed, lost, digest = (sha256(content).hexdigest() for content in (b"filed " + LARGE, b"lost " + LARGE, LARGE))
    accept_large(database, settings, b"filed " + LARGE)
    accept_large(database, settings, b"lost " + LARGE)
    os.truncate(packs_in(folder_of(settings))[1], 100)
    accept_large(database, settings)
    open_blobs(settings).put(b"filed " + LARGE)
    with database.writing() as session:
        move_raw_to_blob(session, [filed])
    backup = back_up(database, settings, tmp_path / "backup")
    copies = {path.name for path in (backup.path / "blobs").rglob("*") if path.is_file()}
    assert (copies, backup.blobs) == ({filed, digest}, 2)
    assert lost not in copies
