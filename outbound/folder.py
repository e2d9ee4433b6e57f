"""The way out that sends nothing: each mail becomes an .eml file, so that it can be looked at.

The name comes from the mail's id, so a mail that is written twice is still one file.
"""

import os
from pathlib import Path

from config.errors import TryAgain
from storage.outbox import Outgoing


def write_mail(folder: Path, outgoing: Outgoing, recipients: list[str]) -> Path:
    """Write one mail durably, with its envelope on top as at a final delivery (RFC 5321 section 4.4)."""
    path = folder / f"{outgoing.created_at:%Y%m%d-%H%M%S}-{outgoing.id}.eml"
    envelope = [f"Return-Path: <{outgoing.reverse_path}>", *(f"Delivered-To: {one}" for one in recipients)]
    unfinished = path.with_suffix(".new")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write("".join(f"{line}\r\n" for line in envelope).encode() + outgoing.content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        _sync(folder)
    except OSError as error:
        raise TryAgain(f"Cannot write to {folder}: {error.strerror}") from error
    return path


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
