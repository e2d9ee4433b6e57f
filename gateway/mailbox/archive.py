"""Mail that lies in files: an mbox, a maildir, a folder of .eml files, or one of these. Nothing is changed there.

Mails are given in the order of their dates, so that an answer finds what it answers. Only heads are read to find
that order; each mail's bytes are read when it is its turn. RFC 4155 for mbox, with the `>From ` of mboxrd undone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from config.errors import AskedWrongly
from gateway.reading.parse import read_mail

_MAX_HEAD = 64 * 1024
_MAX_LINE = 64 * 1024
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_SUFFIXES = (".eml", ".mbox", ".mbx")
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Kept:
    """One mail in a file: where it begins, how long it is, and when it says that it was written."""

    path: Path
    start: int
    size: int
    date: datetime
    is_mbox: bool

    @property
    def name(self) -> str:
        """For people who look for it."""
        return f"{self.path}, octet {self.start}" if self.is_mbox else str(self.path)

    def content(self) -> bytes:
        """Its bytes, with lines that end in CRLF as they do over SMTP."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            raw = file.read(self.size)
        if self.is_mbox:
            raw = _QUOTED_FROM.sub(rb"\1", raw)
        return with_crlf(raw)


def with_crlf(raw: bytes) -> bytes:
    """A mail from a file or a pipe, with the line ends that it has over SMTP: the digest must be the same."""
    return raw if b"\r" in raw else raw.replace(b"\n", b"\r\n")


def find_mails(path: Path) -> list[Kept]:
    """All mails below a path, the oldest first. Raises AskedWrongly when it holds none or cannot be read."""
    try:
        found = [mail for file in _files(path) for mail in _mails_in(file)]
    except OSError as error:
        raise AskedWrongly(f"{error.filename or path}: {error.strerror}") from error
    if not found:
        raise AskedWrongly(f"{path}: no mail there; it takes an mbox, a maildir, a folder of .eml files, or one file")
    return sorted(_dated(found), key=lambda mail: mail.date)


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.rglob("*")):
        # What stands in `tmp` of a maildir is not delivered yet.
        is_delivered = file.parent.name in ("cur", "new") and (file.parent.parent / "cur").is_dir()
        if file.is_file() and (is_delivered or file.suffix.lower() in _SUFFIXES):
            yield file


def _mails_in(path: Path) -> Iterator[Kept]:
    with path.open("rb") as file:
        if file.read(5) != b"From ":
            yield Kept(path, 0, path.stat().st_size, _date_at(file, 0), is_mbox=False)
            return
        for start, size in _spans(file):
            yield Kept(path, start, size, _date_at(file, start), is_mbox=True)


def _spans(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Where each mail of an mbox begins, behind its `From ` line, and how long it is.

    A `From ` line counts only at the beginning and after an empty line, which belongs to no mail.
    """
    file.seek(0)
    begun = place = empty = 0  # `empty`: the octets of the empty line just before, or none
    is_line_start = True
    while line := file.readline(_MAX_LINE):
        if is_line_start and line.startswith(b"From ") and (empty or not place):
            if begun:
                yield begun, place - empty - begun
            begun = place + len(line)
        place += len(line)
        empty = len(line) if is_line_start and line in (b"\n", b"\r\n") else 0
        is_line_start = line.endswith(b"\n")
        file.seek(place)  # whoever was handed a mail has read elsewhere
    if begun:
        yield begun, place - empty - begun


def _date_at(file: BinaryIO, start: int) -> datetime:
    before = file.tell()
    file.seek(start)
    head = with_crlf(file.read(_MAX_HEAD)).partition(b"\r\n\r\n")[0]
    file.seek(before)
    return read_mail(head + b"\r\n\r\n").date or _FIRST


def _dated(found: list[Kept]) -> list[Kept]:
    """A mail without a date belongs where it lies: behind the one before it."""
    dated: list[Kept] = []
    for mail in found:
        date = mail.date if mail.date > _FIRST or not dated else dated[-1].date
        dated.append(Kept(mail.path, mail.start, mail.size, date, mail.is_mbox))
    return dated
