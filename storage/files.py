"""What files need that must survive a power cut: folders that keep their names, and errors in our words."""

import os
from pathlib import Path

from config.errors import DatabaseUnavailable, StorageFull

_NO_SPACE = (28, 122)  # ENOSPC, EDQUOT


def in_our_words(error: OSError, what: str) -> StorageFull | DatabaseUnavailable:
    """What to raise when the system could not do it; `what` says what, as "Cannot store in ..."."""
    kind = StorageFull if error.errno in _NO_SPACE else DatabaseUnavailable
    return kind(f"{what}: {error.strerror or error}")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, and keep the entries of all of them."""
    missing = [one for one in (folder, *folder.parents) if not one.is_dir()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in missing:
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Bring the entries of a folder onto stable storage: without it a new file has bytes, and perhaps no name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
