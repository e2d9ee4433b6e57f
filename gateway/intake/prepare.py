"""All that can be done with a mail before the database is locked: read it, store its files, digest it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from config.errors import Damaged
from config.settings import Settings
from gateway.intake.authenticate import Authenticator, Read
from gateway.intake.conversation import conversation_keys
from gateway.reading.authenticity import Authentication
from gateway.reading.bounded import BoundedReader
from gateway.reading.child_process import Unreadable
from gateway.reading.mail import Attachment, Kind, Mail, Person
from storage.blobs import Blobs
from storage.claims import Claimed
from storage.message_filing import NewAttachment
from storage.received import Hop, received_line


@dataclass(frozen=True, slots=True)
class Ready:
    """A claimed mail that was read. `unreadable` says why its content is only the raw mail."""

    claimed: Claimed
    mail: Mail
    attachments: tuple[NewAttachment, ...]
    content_key: str
    conversation: tuple[str, ...]
    moves_to_blob: bool  # its raw bytes are a blob now and leave the hot table, or their pack
    authentication: Authentication
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class PrepareLimits:
    """After how many attempts a mail is given up, and above which size raw mail becomes a blob."""

    attempts: int
    inline_raw_bytes: int
    hostname: str  # ours, for the Received line above a raw mail that is attached


def prepare_limits(settings: Settings) -> PrepareLimits:
    """Those of the settings."""
    return PrepareLimits(settings.intake.attempts, settings.intake.inline_raw_bytes, settings.hostname)


def prepare(
    batch: Sequence[Claimed], reader: BoundedReader, authenticator: Authenticator, blobs: Blobs, limits: PrepareLimits
) -> list[Ready]:
    """Read a batch in the child process. A mail that killed its reader for no known reason is not in the result."""
    raws = [(claimed, _raw(claimed, blobs)) for claimed in batch]
    failed = [(Read(one, b"", lost_mail(one, raw)), str(raw)) for one, raw in raws if isinstance(raw, Damaged)]
    there = [(claimed, raw) for claimed, raw in raws if not isinstance(raw, Damaged)]
    wanted = [raw for claimed, raw in there if claimed.attempts < limits.attempts]
    answers = iter(reader.read(wanted, batch[0].received_at))
    read: list[Read] = []
    for claimed, raw in there:
        given_up = Unreadable(f"tried {claimed.attempts} times", is_deterministic=True)
        mail = given_up if claimed.attempts >= limits.attempts else next(answers)
        if not isinstance(mail, Unreadable):
            read.append(Read(claimed, raw, mail))
        elif mail.is_deterministic:
            failed.append(
                (
                    Read(claimed, raw, unreadable_mail(claimed, _below_trace(claimed, raw, limits), mail.reason)),
                    mail.reason,
                )
            )
    results = authenticator.authenticate(read)
    once = _Once(blobs)
    ready = [_ready(one, result, once, limits) for one, result in zip(read, results, strict=True)]
    # Nobody knows who wrote what could not be read.
    ready += [_ready(one, Authentication(reason="not read"), once, limits, why) for one, why in failed]
    return sorted(ready, key=lambda one: one.claimed.id)  # as they came


def _raw(claimed: Claimed, blobs: Blobs) -> bytes | Damaged:
    if claimed.content is not None:
        return claimed.content
    try:
        return blobs.get(claimed.sha256, claimed.pack)
    except Damaged as error:
        return error


class _Once:
    """The blobs of one batch: the logo under every mail of a company is put once, not with each of them."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._there: set[str] = set()

    def put(self, content: bytes, digest: str = "") -> str:
        """Store bytes durably and return their SHA-256."""
        digest = digest or sha256(content).hexdigest()
        if digest not in self._there:
            self._blobs.put(content, digest)
            self._there.add(digest)
        return digest


def _ready(
    read: Read, authentication: Authentication, blobs: _Once, limits: PrepareLimits, unreadable: str = ""
) -> Ready:
    claimed, raw, mail = read.claimed, read.raw, read.mail
    files = tuple(_stored(file, blobs) for file in mail.attachments)
    is_large = claimed.content is not None and len(raw) > limits.inline_raw_bytes
    moves = bool(raw) and (is_large or bool(claimed.pack))  # there are no bytes of a mail that is lost
    if moves:
        blobs.put(raw, claimed.sha256)
    keys = conversation_keys(mail)
    return Ready(claimed, mail, files, content_key(mail, files), keys, moves, authentication, unreadable)


def _stored(file: Attachment, blobs: _Once) -> NewAttachment:
    digest = blobs.put(file.content)
    return NewAttachment(file.filename, file.content_type, len(file.content), digest, file.content_id, file.inline)


def content_key(mail: Mail, files: Sequence[NewAttachment]) -> str:
    """By what two mails have the same content: text and attachments, not the headers of their way.

    128 bits are enough to tell messages of one id or one author apart.
    """
    parts = [mail.text, *(f"{file.filename}\0{file.sha256}" for file in files)]
    return sha256("\0\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def same_message_key(content: str, author: str) -> str:
    """By what two mails of one Message-ID are one message: the content, and who wrote it.

    Else somebody who has a copy could send it first, and the author's own mail would be a duplicate in his ticket.
    """
    return sha256(f"{content}\0{author}".encode("utf-8", "replace")).hexdigest()[:32]


def _below_trace(claimed: Claimed, raw: bytes, limits: PrepareLimits) -> bytes:
    hop = Hop(
        claimed.acceptance_id,
        claimed.recipient,
        claimed.peer,
        claimed.helo,
        claimed.protocol,
        claimed.tls,
        claimed.received_at,
    )
    return received_line(hop, limits.hostname) + raw


def unreadable_mail(claimed: Claimed, raw: bytes, reason: str) -> Mail:
    """What stands in the ticket for a mail that could not be read: a plain word and the raw mail."""
    text = f"This mail could not be read ({reason}). It is attached as it was received."
    return replace(
        _substitute(claimed, text, reason), attachments=(Attachment("unreadable.eml", "message/rfc822", raw),)
    )


def lost_mail(claimed: Claimed, damage: Damaged) -> Mail:
    """What stands in the ticket for a mail whose stored bytes are gone or damaged."""
    text = f"This mail was accepted, and its bytes are lost. {damage}; then `gateway mail release {claimed.id}`."
    return _substitute(claimed, text, str(damage))


def _substitute(claimed: Claimed, text: str, reason: str) -> Mail:
    return Mail(
        message_id=f"<{claimed.sha256[:32]}@unreadable.invalid>",
        author=Person("", claimed.reverse_path),
        subject="Unreadable mail",
        kind=Kind.HUMAN,
        kind_reason="not read",
        text=text,
        reply_text=text,
        defects=(f"unreadable: {reason}",),
    )
