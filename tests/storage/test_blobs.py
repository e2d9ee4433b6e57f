"""FolderBlobs: what is put comes back or raises; nothing half-written is ever seen."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from config.errors import Damaged, DatabaseUnavailable, StorageFull
from storage.blobs import FolderBlobs

CONTENT = bytes(range(256)) * 300
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    """A folder of blobs that is not there yet."""
    return FolderBlobs(tmp_path / "data" / "blobs")


def files(blobs: FolderBlobs) -> list[Path]:
    """Every file in the folder, hidden ones too."""
    return [path for path in blobs.folder.rglob("*") if path.is_file()]


def test_blob_comes_back_as_it_was_put(blobs: FolderBlobs) -> None:
    """Bytes are found by their SHA-256, in a folder that the first one makes."""
    assert blobs.put(CONTENT) == DIGEST
    assert blobs.has(DIGEST)
    assert blobs.get(DIGEST) == CONTENT


def test_empty_blob_is_a_blob(blobs: FolderBlobs) -> None:
    """An attachment without content is kept like any other."""
    assert blobs.get(blobs.put(b"")) == b""


def test_same_content_is_kept_once_and_made_young(blobs: FolderBlobs) -> None:
    """Content that is there is not written again, but touched, so that a collection sees that it is in use."""
    blobs.put(CONTENT)
    (path,) = files(blobs)
    os.utime(path, (1, 1))
    inode = path.stat().st_ino
    blobs.put(CONTENT, DIGEST)
    assert files(blobs) == [path]
    assert path.stat().st_ino == inode
    assert path.stat().st_mtime > 1


def test_no_other_file_is_left(blobs: FolderBlobs) -> None:
    """After storing there are the blobs and nothing else."""
    for number in range(20):
        blobs.put(b"%d" % number)
    assert sorted(path.name for path in files(blobs)) == sorted(sha256(b"%d" % n).hexdigest() for n in range(20))


@pytest.mark.parametrize("damaged", [CONTENT[:-1], CONTENT + b"x", b"", b"x" + CONTENT[1:]])
def test_damaged_blob_raises(blobs: FolderBlobs, damaged: bytes) -> None:
    """A file that was cut, grew or changed is never handed out."""
    blobs.put(CONTENT)
    files(blobs)[0].write_bytes(damaged)
    with pytest.raises(Damaged, match="damaged"):
        blobs.get(DIGEST)


def test_missing_blob_raises(blobs: FolderBlobs) -> None:
    """A digest that nobody put is a loss, and the error names it."""
    blobs.put(b"something else")
    assert not blobs.has(DIGEST)
    with pytest.raises(Damaged, match=DIGEST):
        blobs.get(DIGEST)


def test_missing_folder_is_trouble_of_the_moment(blobs: FolderBlobs) -> None:
    """A disk that is not mounted comes back: nothing is called lost because of it."""
    with pytest.raises(DatabaseUnavailable, match="mounted"):
        blobs.get(DIGEST)


def test_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    """A file where the folder should be is trouble of ours, in our own words."""
    (tmp_path / "blobs").write_text("")
    with pytest.raises(DatabaseUnavailable, match="Cannot store"):
        FolderBlobs(tmp_path / "blobs").put(CONTENT)


def test_full_disk_is_storage_full_and_leaves_nothing(blobs: FolderBlobs) -> None:
    """A file that may not grow so far raises, and no piece of it stays."""
    blobs.put(b"makes the folder")
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises((StorageFull, DatabaseUnavailable)):
            blobs.put(CONTENT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(files(blobs)) == 1
    assert blobs.get(blobs.put(CONTENT)) == CONTENT


def test_same_content_from_four_threads_is_kept_once(blobs: FolderBlobs) -> None:
    """Threads that store the same bytes at once all succeed, and one file is there."""
    barrier = threading.Barrier(4)

    def put(_: int) -> str:
        barrier.wait(60)
        return blobs.put(CONTENT)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(put, range(4))) == {DIGEST}
    assert len(files(blobs)) == 1
    assert blobs.get(DIGEST) == CONTENT
