"""What an agent asks to have sent, and what he is told afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr

from config.errors import AskedWrongly
from outbound.compose import File
from outbound.writing import MAX_NAME, Person, one_line, written_address
from storage.address import canonical_address
from storage.tickets import Status


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply as its author wants it. People are `Name <address>` or an address; None means: whoever is usual.

    `seen` is the last message that the author knows (id or 12.3); None: the one that he was shown last.
    """

    text: str
    to: Sequence[str] | None = None
    cc: Sequence[str] | None = None
    bcc: Sequence[str] | None = None
    attachments: Sequence[File] = ()
    reply_all: bool = False  # write to those too whom the customer named in his last mail
    keep: bool = False  # write to those too whom the customer left out of it
    seen: str | int | None = None
    anyway: bool = False  # although a newer message has come
    yes: bool = False  # also to domains that are new to the ticket
    now: bool = False  # without the time in which it can be cancelled
    status: Status | None = None
    plain: bool = False  # text alone, without HTML


@dataclass(frozen=True, slots=True)
class SentReply:
    """A reply that stands in the ticket and in the outbox. `lines` are for its author to read."""

    number: int  # of the message
    ref: str
    ticket: int
    header_id: str
    deliveries: dict[int, str]  # id -> recipient
    leaves_at: datetime
    lines: tuple[str, ...] = ()


def people(asked: Sequence[str]) -> list[Person]:
    """The people behind what somebody typed, each once. Raises AskedWrongly with the one that is no address."""
    found: dict[str, Person] = {}
    for typed in asked:
        name, address = parseaddr(typed) if "<" in typed else ("", typed.strip())
        canonical = canonical_address(address)
        if canonical is None:
            raise AskedWrongly(f"{one_line(typed, 100)!r} is no mail address")
        found.setdefault(canonical, Person(one_line(name, MAX_NAME), written_address(address)))
    return list(found.values())
