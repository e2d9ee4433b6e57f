"""Turn a letter into the bytes that leave, and prove that they say what was meant.

`EmailMessage` builds the MIME structure; the fields that carry people, words and ids come from
`outbound.writing`. Everything is 7-bit, so that any server takes it; only an address in another alphabet needs
SMTPUTF8. RFC 5322, RFC 2045, RFC 3834 for automatic mail.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from email.header import decode_header, make_header
from email.message import EmailMessage, MIMEPart
from email.parser import HeaderParser
from email.policy import EmailPolicy
from email.utils import format_datetime, getaddresses

from config.errors import GatewayError
from outbound.marks import LOOP_HEADER
from outbound.writing import (
    MAX_NAME,
    MAX_SUBJECT,
    Person,
    body_lines,
    file_name,
    ids_field,
    is_sound_id,
    one_line,
    people_field,
    words_field,
    written_address,
)

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")
_STRAY = re.compile(rb"[\r\n\0]")
_OUR_FIELDS = {
    *("date", "from", "to", "cc", "subject", "message-id", "in-reply-to", "references", "reply-to"),
    *("auto-submitted", "x-auto-response-suppress", "precedence", LOOP_HEADER.lower()),
}


@dataclass(frozen=True, slots=True)
class File:
    """Something to attach."""

    filename: str
    content_type: str
    content: bytes
    content_id: str = ""  # stands in the letter under this id, which is of our own making


@dataclass(frozen=True, slots=True)
class Thread:
    """The ids that put a letter into its place: its own, what it answers, and what came before (oldest first)."""

    message_id: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail shall say. `loop_value` makes it an automatic one: nobody wrote it."""

    author: Person
    to: tuple[Person, ...]
    subject: str
    text: str
    date: datetime
    thread: Thread
    cc: tuple[Person, ...] = ()
    reply_to: Person | None = None
    files: tuple[File, ...] = ()
    loop_value: str = ""
    html: str = ""  # the same in HTML; empty: text alone


class Unfaithful(GatewayError):
    """The bytes that were built do not say what was meant: nothing is sent."""


class _Fields(EmailPolicy):
    """Keeps our own fields as they were folded; MIME fields are the library's."""

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:
        return (name, value) if name.lower() in _OUR_FIELDS else super().header_store_parse(name, value)

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value if name.lower() in _OUR_FIELDS else super().header_fetch_parse(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in _OUR_FIELDS:
            return f"{name}: {value}\r\n".encode("utf-8", "replace")
        return super().fold_binary(name, value)


_POLICY = _Fields(linesep="\r\n", cte_type="7bit", max_line_length=78, raise_on_defect=False)


def compose(letter: Letter) -> bytes:
    """The bytes of a letter. Raises AskedWrongly for a bad address, Unfaithful when the proof fails."""
    fields = _fields(letter)
    mail = EmailMessage(policy=_POLICY)
    for name, value in fields:
        mail[name] = value
    mail.set_content(body_lines(letter.text), charset="utf-8", cte=None)
    if letter.html:
        mail.add_alternative(body_lines(letter.html), subtype="html", charset="utf-8", cte=None)
        alternatives = list(mail.iter_parts())
        for file in letter.files:
            if file.content_id:
                _show(alternatives[1], file)
    for file in letter.files:
        if not (letter.html and file.content_id):
            _attach(mail, file)
    built = mail.as_bytes()
    _prove(built, letter, [name for name, _ in fields])
    return built


def _fields(letter: Letter) -> list[tuple[str, str]]:
    fields = [
        ("Date", format_datetime(letter.date)),
        ("From", people_field([letter.author])),
        ("To", people_field(letter.to)),
        ("Cc", people_field(letter.cc)),
        ("Reply-To", people_field([letter.reply_to]) if letter.reply_to else ""),
        ("Subject", words_field("Subject", one_line(letter.subject, MAX_SUBJECT))),
        ("Message-ID", letter.thread.message_id),
        ("In-Reply-To", ids_field([letter.thread.in_reply_to])),
        ("References", ids_field(letter.thread.references)),
    ]
    if not is_sound_id(letter.thread.message_id):
        raise Unfaithful(f"{letter.thread.message_id!r} is no Message-ID")
    if letter.loop_value:
        fields += _automatic_fields(letter)
    return [(name, value) for name, value in fields if value or name == "Subject"]


def _automatic_fields(letter: Letter) -> list[tuple[str, str]]:
    # RFC 3834 section 5 tells other machines not to answer; the rest is for those that do not read it.
    answered = bool(letter.thread.in_reply_to)
    return [
        ("Auto-Submitted", "auto-replied" if answered else "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("Precedence", "auto_reply" if answered else "bulk"),
        (LOOP_HEADER, letter.loop_value),
    ]


def _attach(mail: EmailMessage, file: File) -> None:
    main, sub = _type_of(file)
    mail.add_attachment(file.content, maintype=main, subtype=sub, cte="base64", filename=file_name(file.filename))


def _show(html: MIMEPart, file: File) -> None:
    """A picture in the letter. RFC 2387."""
    main, sub = _type_of(file)
    html.add_related(
        file.content,
        maintype=main,
        subtype=sub,
        cte="base64",
        cid=f"<{file.content_id}>",
        filename=file_name(file.filename),
        disposition="inline",
    )


def _type_of(file: File) -> tuple[str, str]:
    content_type = file.content_type.lower()
    # A mail inside a mail must not be base64 (RFC 2046 section 5.2.1); as a plain file it may.
    if not _TYPE.fullmatch(content_type) or content_type.startswith(("message/", "multipart/")):
        content_type = "application/octet-stream"
    main, _, sub = content_type.partition("/")
    return main, sub


def _prove(built: bytes, letter: Letter, names: list[str]) -> None:
    """Read the bytes as a stranger would, and compare with the letter. An injected field shows here."""
    head = built[: built.find(b"\r\n\r\n") + 4]
    parsed = HeaderParser().parsestr(head.decode())
    found = [name for name in parsed if not name.lower().startswith(("content-", "mime-"))]
    intent = {
        "from": [letter.author],
        "to": list(letter.to),
        "cc": list(letter.cc),
        "reply-to": [letter.reply_to] if letter.reply_to else [],
    }
    sound = (
        found == names
        # The fields of MIME come last: where they are missing, the head has ended too soon.
        and "Content-Type" in parsed
        # Some readers take a line end of its own kind for one, and NUL for the end of everything.
        and not _STRAY.search(head.replace(b"\r\n", b""))
        and _decoded(parsed["Subject"]) == one_line(letter.subject, MAX_SUBJECT)
        and all(_people(parsed.get(name, "")) == _meant(people) for name, people in intent.items())
    )
    if not sound:
        raise Unfaithful("This mail cannot be written so that it reads back as it was meant; nothing was sent")


def _decoded(value: str) -> str:
    return str(make_header(decode_header(_unfolded(value))))


def _unfolded(value: str) -> str:
    return value.replace("\r\n", "").replace("\n", "")


def _people(value: str) -> list[tuple[str, str]]:
    return [(_decoded(name), address) for name, address in getaddresses([_unfolded(value)])] if value else []


def _meant(people: list[Person]) -> list[tuple[str, str]]:
    return [(one_line(person.name, MAX_NAME), written_address(person.email)) for person in people]
