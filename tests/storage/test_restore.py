"""A backup that is brought back is the whole desk again, and nothing that exists is written over."""

from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from fakes.rows import arrival

from config.clock import now
from config.errors import AlreadyThere, DatabaseUnavailable, NotFound
from config.settings import Settings
from storage.accepting import accept
from storage.arrivals import in_packs, open_packs
from storage.backup import back_up
from storage.blobs import open_blobs
from storage.database import Database, open_database
from storage.migrate import open_or_make, upgrade
from storage.restore import restore
from storage.spool import Arrival, raw_bytes

CONTENT = b"From: a@b.example\r\n\r\n" + b"x" * 20_000


def settings_in(folder: Path) -> Settings:
    """An installation of its own on SQLite."""
    return Settings.model_validate({"data_dir": folder})


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[Settings, Database]]:
    """A desk with one large mail, whose bytes are a blob."""
    settings = settings_in(tmp_path / "live")
    database = open_or_make(settings)
    upgrade(database)
    digest = open_blobs(settings).put(CONTENT)
    arrival = Arrival("a@b.example", ("help.x@in.desk.example",), digest, len(CONTENT), None, now())
    with database.writing_connection() as connection:
        accept(connection, [arrival])
    yield settings, database
    database.close()


@pytest.fixture
def backup(live: tuple[Settings, Database], tmp_path: Path) -> Path:
    """What `database backup` wrote while the desk was open."""
    settings, database = live
    settings.key_file.write_bytes(b"k" * 32)
    return back_up(database, settings, tmp_path / "backup").path


def test_restored_backup_is_the_desk_again(backup: Path, tmp_path: Path) -> None:
    """Database, blobs and key file of a backup serve in a new place, readable to the owner alone."""
    settings = settings_in(tmp_path / "new")
    done = restore(settings, backup)
    assert (done.blobs, done.key_file) == (1, settings.key_file)
    assert settings.key_file.read_bytes() == b"k" * 32
    assert done.database is not None
    assert {path.stat().st_mode & 0o077 for path in (done.database, settings.key_file)} == {0}
    database = open_database(settings)
    with database.reading() as session:
        assert raw_bytes(session, open_blobs(settings), sha256(CONTENT).hexdigest()) == CONTENT
    database.close()
    assert not list((tmp_path / "new").glob("*.unfinished*"))


def test_mail_that_waited_in_a_pack_is_restored(live: tuple[Settings, Database], tmp_path: Path) -> None:
    """Its row still names the pack, and its bytes are found as a blob."""
    settings, database = live
    content, packs = CONTENT + b"waits", open_packs(settings)
    assert packs is not None
    with closing(packs), database.writing_connection() as connection:
        accept(connection, in_packs(packs, [arrival(content)]))
    new = settings_in(tmp_path / "new")
    assert restore(new, back_up(database, settings, tmp_path / "backup").path).blobs == 2
    with closing(open_database(new)) as restored, restored.reading() as session:
        assert raw_bytes(session, open_blobs(new), sha256(content).hexdigest()) == content


def test_restore_writes_over_nothing(live: tuple[Settings, Database], backup: Path, tmp_path: Path) -> None:
    """Where a database or another key is, nothing is brought back, and the error names the file."""
    settings, _ = live
    with pytest.raises(AlreadyThere, match=r"gateway\.db"):
        restore(settings, backup)
    other = settings_in(tmp_path / "other")
    other.data_dir.mkdir()
    other.key_file.write_bytes(b"another key")
    with pytest.raises(AlreadyThere, match=r"secret\.key"):
        restore(other, backup)
    assert not (other.data_dir / "gateway.db").exists()


def test_restore_of_a_damaged_backup_leaves_no_database(backup: Path, tmp_path: Path) -> None:
    """A blob or a database that has changed since is found, and no database is left that could be taken for whole."""
    for number, file in enumerate((next((backup / "blobs").rglob("*/*/*")), backup / "gateway.db")):
        whole = file.read_bytes()
        file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
        settings = settings_in(tmp_path / f"new{number}")
        with pytest.raises(DatabaseUnavailable):
            restore(settings, backup)
        assert not (settings.data_dir / "gateway.db").exists()
        file.write_bytes(whole)


def test_interrupted_restore_can_be_begun_again(backup: Path, tmp_path: Path) -> None:
    """What an earlier try left does not stand in the way of the next one."""
    settings = settings_in(tmp_path / "new")
    settings.data_dir.mkdir()
    (settings.data_dir / "gateway.db.unfinished").write_bytes(b"half")
    open_blobs(settings).put(CONTENT)
    assert restore(settings, backup).blobs == 1


def test_folder_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    """A folder without a database is no backup of an installation on SQLite."""
    with pytest.raises(NotFound, match="no backup"):
        restore(settings_in(tmp_path / "new"), tmp_path)
