"""Who wrote a mail: the author that stands behind forwarders, or inside a hand-made forward.

The reverse-path belongs to whoever passed the mail on and never says who wrote it; it is asked only when the
header names nobody.
"""

import re
from dataclasses import dataclass, replace

from gateway.intake.desk import Desk
from gateway.intake.forwarding import original_sender
from gateway.reading.mail import Mail, Person
from storage.address import canonical_address, domain_of
from storage.queues import Forwards, Queue

_NOBODY = re.compile(r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply)@")


@dataclass(frozen=True, slots=True)
class Writer:
    """The author of a mail: canonical address (or empty), as he spells himself, what to flag, and the mail to file."""

    address: str
    person: Person
    mail: Mail
    flags: tuple[str, ...] = ()
    note: str = ""


def written_by(mail: Mail, reverse_path: str, queue: Queue, desk: Desk) -> Writer:
    """Who wrote it."""
    address = canonical_address(mail.author.email) or ""
    if not address:
        address = canonical_address(original_sender(reverse_path)) or ""
        return Writer(address, Person(mail.author.name, address), mail, ("no-author",))
    return _inner(mail, address, queue, desk) or Writer(address, mail.author, mail)


def _inner(mail: Mail, outer: str, queue: Queue, desk: Desk) -> Writer | None:
    """The writer of a mail that somebody forwarded by hand, where the queue believes that person."""
    inner = mail.forwarded
    if inner is None or queue.forwards is Forwards.OFF:
        return None
    if queue.forwards is Forwards.AGENTS:
        # An agent's From alone proves nothing: the ticket is his until he says whose it is.
        return Writer(outer, mail.author, mail, ("forward-unproved",)) if outer in desk.agents else None
    address = canonical_address(inner.author.email) or ""
    is_ours = domain_of(address) in desk.office.settings.own_domains or address in desk.inboxes
    if not address or is_ours or address in desk.agents or _NOBODY.match(address):
        return None
    return Writer(address, inner.author, _as_written(mail), ("forwarded-by-hand",), f"forwarded by {outer}")


def _as_written(mail: Mail) -> Mail:
    """The outer mail with the subject and text of the inner one, and with the note above them kept."""
    inner = mail.forwarded
    if inner is None:
        return mail
    body = inner.body or mail.text
    text = f"{inner.note}\n\n{body}" if inner.note else body
    return replace(mail, author=inner.author, subject=inner.subject or mail.subject, text=text, reply_text=body, cc=())
