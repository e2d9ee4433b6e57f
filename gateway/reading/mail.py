"""What was read in one mail: values only, no bytes of the wire and no database.

The names are those of RFC 5322 and RFC 5598; `as_json` in `gateway.reading.show` gives
the shape that `gateway mail read --json` promises. Every value here is bounded, free of NUL
and of lone surrogates, so that it can be stored in any database as it is.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """Who or what wrote a mail, as far as its bytes tell."""

    HUMAN = "human"
    LIST = "list"  # came over a mailing list; a person wrote it
    BULK = "bulk"  # newsletter, Precedence: bulk
    AUTO_GENERATED = "auto-generated"  # RFC 3834: a machine wrote it by itself
    AUTO_REPLIED = "auto-replied"  # RFC 3834: a machine answered something
    OUT_OF_OFFICE = "out-of-office"
    DSN = "dsn"  # RFC 3464 delivery report, or one in prose
    MDN = "mdn"  # RFC 8098 read receipt
    COMPLAINT = "complaint"  # RFC 5965 abuse report
    VERIFICATION = "verification"  # a sign-up code of another service
    CONFIRMATION = "confirmation"  # a provider asks whether mail may be forwarded to us

    @property
    def is_automatic(self) -> bool:
        """Nobody sits behind it: never answered, never reopens a ticket."""
        return self not in (Kind.HUMAN, Kind.LIST)


@dataclass(frozen=True, slots=True)
class Person:
    """A display name and an address as a header gives them (RFC 5322 section 3.4); either may be empty."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is kept as a file. `filename` is made safe for every file system; `content` is decoded."""

    filename: str
    content_type: str
    content: bytes
    content_id: str = ""  # without angle brackets
    inline: bool = False  # shown in the HTML by its content id, or displayed in place


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The mail that somebody forwarded by hand inside this one; `note` is what he wrote above it."""

    author: Person
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    subject: str = ""
    date: datetime | None = None  # aware, in the offset that the mail gives; UTC where it gives none
    body: str = ""
    message_id: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReportedRecipient:
    """One per-recipient block of a delivery report (RFC 3464 section 2.3)."""

    address: str
    action: str = ""  # failed | delayed | delivered | relayed | expanded
    status: str = ""  # RFC 3463, like 5.1.1
    diagnostic: str = ""
    remote_mta: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A machine's word about a mail of ours: delivery report, read receipt or abuse complaint."""

    type: str  # dsn | mdn | complaint
    recipients: tuple[ReportedRecipient, ...] = ()
    original_message_id: str = ""  # with angle brackets


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as read. `message_id`, `in_reply_to` and `references` keep their angle brackets."""

    message_id: str  # never empty: made from the digest where the mail has none
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    author: Person = Person("", "")  # header From, first mailbox
    sender: Person | None = None
    reply_to: tuple[Person, ...] = ()
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    subject: str = ""
    date: datetime | None = None
    kind: Kind = Kind.HUMAN
    kind_reason: str = ""  # the header or pattern that decided `kind`, for the trace
    text: str = ""
    reply_text: str = ""  # what is new: without quotation and signature
    refs: tuple[str, ...] = ()  # words of the body that may be marks of ours
    html: str | None = None  # safe to show
    attachments: tuple[Attachment, ...] = ()
    forwarded: Forwarded | None = None
    report: Report | None = None
    headers: tuple[tuple[str, str], ...] = ()  # decoded, in order, names as written; bounded in number and size
    defects: tuple[str, ...] = field(default=())

    def header(self, name: str) -> str:
        """The first field of this name, whatever its case, or an empty string."""
        return next(iter(self.header_all(name)), "")

    def header_all(self, name: str) -> list[str]:
        """All fields of this name, in their order."""
        return self.headers_among((name.lower(),)).get(name.lower(), [])

    def headers_among(self, names: Container[str]) -> dict[str, list[str]]:
        """All fields of these names, which are in lower case: one look at the header where many are wanted."""
        found: dict[str, list[str]] = {}
        for key, value in self.headers:
            name = key.lower()
            if name in names:
                found.setdefault(name, []).append(value)
        return found
