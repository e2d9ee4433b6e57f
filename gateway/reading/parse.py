"""Read one mail: bytes in, a `Mail` out. It never raises and loses nothing.

The order is that of the mail itself: structure, header, body, and then the views on what was read (what is new,
what was forwarded, what is reported, who wrote it). RFC 5322, RFC 2045 to 2049.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from gateway.reading.addresses import parse_mailboxes
from gateway.reading.body import BodyReader
from gateway.reading.bounds import MAX_ADDRESSES, MAX_MESSAGE_DEPTH, MAX_SUBJECT_CHARS
from gateway.reading.charset import clean_text
from gateway.reading.compat import as_message
from gateway.reading.dates import parse_date
from gateway.reading.defects import Defects
from gateway.reading.forward import find_forward
from gateway.reading.identification import message_id, references
from gateway.reading.kind import decide_kind
from gateway.reading.mail import Attachment, Mail, Person
from gateway.reading.quotation import reply_text
from gateway.reading.refs import find_refs
from gateway.reading.report import find_report, may_report
from gateway.reading.wire import Fields, Part, take_apart
from gateway.reading.words import decode_value

_NOBODY: Final = Person("", "")
ENCRYPTED_NOTE: Final = "[This mail is encrypted. The gateway cannot open it; its content is attached.]"


def read_mail(raw: bytes, *, arrived: datetime | None = None) -> Mail:
    """Everything that the bytes tell. `arrived` (aware) is the latest date that is believed."""
    return _read(raw, arrived or datetime.now(UTC), 0)


def _read(raw: bytes, arrived: datetime, depth: int) -> Mail:
    defects = Defects()
    part = take_apart(raw, defects)
    header = _Header(part, defects)
    content = BodyReader(defects, header.charset).read(part)
    text, raw_html = content.text(), content.raw_html()
    if not text and "encrypted" in defects.as_tuple():
        text = ENCRYPTED_NOTE
    attachments = content.marked_attachments()
    mail = Mail(
        message_id=message_id(header.text("message-id"), raw),
        in_reply_to=references(header.text("in-reply-to")),
        references=references(header.text("references")),
        author=header.author(),
        sender=next(iter(header.people("sender")), None),
        reply_to=header.people("reply-to"),
        to=header.people("to"),
        cc=header.people("cc"),
        subject=header.text("subject")[:MAX_SUBJECT_CHARS],
        date=parse_date(header.text("date"), arrived),
        text=text,
        reply_text=reply_text(text, raw_html),
        refs=find_refs(text, raw_html or ""),
        html=content.html(),
        attachments=attachments,
        headers=header.decoded,
        defects=defects.as_tuple(),
    )
    return _with_views(mail, part, arrived, depth)


def _with_views(mail: Mail, part: Part, arrived: datetime, depth: int) -> Mail:
    """What takes the whole mail to say."""
    is_none = _is_plain(part) and not may_report(mail.subject, mail.author, mail.text, mail.headers)
    report = None if is_none else find_report(as_message(part), mail.subject, mail.author, mail.text, mail.headers)
    embedded = _embedded(mail.attachments, arrived, depth) if report is None else None
    forwarded = find_forward(mail.subject, mail.text, embedded) if report is None else None
    kind, reason = decide_kind(mail.headers, mail.author, mail.subject, mail.text, report)
    return replace(mail, report=report, forwarded=forwarded, kind=kind, kind_reason=reason)


def _is_plain(part: Part) -> bool:
    """One text and nothing else, by its own word and by what was read."""
    written = part.first("content-type").partition(";")[0].strip().lower()
    return part.content_type == "text/plain" and not part.children and written in ("", "text/plain")


def _embedded(attachments: tuple[Attachment, ...], arrived: datetime, depth: int) -> Mail | None:
    """The one mail that is attached, read; of several ones none was meant."""
    mails = [one for one in attachments if _is_mail(one)]
    if len(mails) != 1 or depth >= MAX_MESSAGE_DEPTH or depth > 0:
        return None
    return _read(mails[0].content, arrived, depth + 1)


def _is_mail(attachment: Attachment) -> bool:
    """Some programs attach a mail as a mere file."""
    kind = attachment.content_type
    if kind == "application/octet-stream" and attachment.filename.lower().endswith(".eml"):
        return True
    return kind in ("message/rfc822", "message/global")


class _Header:
    """The fields of the mail itself, decoded once."""

    def __init__(self, part: Part, defects: Defects) -> None:
        self.charset = _charset_of(part)
        self.defects = defects
        self.raw: dict[str, list[str]] = {}
        self.first: dict[str, str] = {}  # that is not empty
        self.decoded = self._decode(part.fields)

    def _decode(self, fields: Fields) -> tuple[tuple[str, str], ...]:
        decoded: list[tuple[str, str]] = []
        for name, value in fields:
            key, words = name.lower(), clean_text(decode_value(value, self.charset))
            self.raw.setdefault(key, []).append(value)
            decoded.append((name, words))
            if words:
                self.first.setdefault(key, words)
        return tuple(decoded)

    def text(self, name: str) -> str:
        """The first field of this name that is not empty, decoded."""
        return self.first.get(name, "").strip()

    def people(self, name: str) -> tuple[Person, ...]:
        """Everybody in all fields of this name."""
        found: list[Person] = []
        for value in self.raw.get(name, ()):
            found += parse_mailboxes(value, self.charset)
            if len(found) >= MAX_ADDRESSES:
                self.defects.add("too-many-addresses")
                break
        return tuple(found[:MAX_ADDRESSES])

    def author(self) -> Person:
        """The first mailbox of From with an address; else whoever is named, else the Sender."""
        if len(self.raw.get("from", ())) > 1:
            self.defects.add("several-from-fields")
        people = self.people("from") or self.people("sender")
        return next((one for one in people if "@" in one.email), people[0] if people else _NOBODY)


def _charset_of(part: Part) -> str:
    """The charset that the mail declares for its first text: raw octets in the header are most likely the same."""
    while part.children:
        part = part.children[0]
    return part.parameters.get("charset", "") if part.content_type.startswith("text/") else ""
