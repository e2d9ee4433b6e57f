"""Write the values of header fields: names, words, addresses and ids, so that they read back as they were meant.

`EmailMessage` turns a long id in References into an encoded word, and threading dies; its folding of names
has lost quotes before. So the fields that carry people, words and ids are folded here, and `outbound.compose`
parses what was built and compares. RFC 5322 section 2.2.3, RFC 2047 section 5, RFC 6532.
"""

import re
from collections.abc import Sequence
from email.header import Header
from typing import NamedTuple

from config.errors import AskedWrongly
from storage.address import canonical_address, canonical_domain

MAX_NAME = 200
MAX_SUBJECT = 400
MAX_FILENAME = 150
_LONGEST_NAME_OF_A_FILE = 10_000
# An id and its fold must fit into the 998 octets of a line; longer ones would be cut on the way.
_MAX_ID = 900
# C0, DEL, C1, the line and paragraph separators, marks that turn the direction of text, and lone surrogates.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
_BODY_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOT_ATOM = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a0-\U0010ffff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a0-\U0010ffff-]+)*"
)
_ID = re.compile(r"<[!-;=?-~]+>")
_LONG_WORD = re.compile(r"[^ ]{70}")
_UNSAFE_IN_NAMES_OF_FILES = re.compile(r'[/\\:*?"<>|]')


class Person(NamedTuple):
    """A display name and an address; the name may be empty."""

    name: str
    email: str


def one_line(text: str, limit: int) -> str:
    """Text for a header: control characters become spaces, white space is collapsed, the rest is cut."""
    return " ".join(_CONTROL.sub(" ", text).split())[:limit].strip()


def body_lines(text: str) -> str:
    """Text for a body: line ends are LF, other control characters but the tab are gone, and it ends with LF."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _BODY_CONTROL.sub("", text).encode("utf-8", "replace").decode()
    return text.rstrip("\n") + "\n"


def file_name(name: str) -> str:
    """A name of a file that is only a name: no path, no control characters, of bounded length."""
    plain = _UNSAFE_IN_NAMES_OF_FILES.sub("_", one_line(name, _LONGEST_NAME_OF_A_FILE)).strip(" .")
    if len(plain) <= MAX_FILENAME:
        return plain or "attachment"
    stem, dot, ending = plain.rpartition(".")
    if not dot or len(ending) > 10:
        return plain[:MAX_FILENAME]
    return f"{stem[: MAX_FILENAME - len(ending) - 1]}.{ending}"


def written_address(spelling: str) -> str:
    """An address as it stands in a header or an envelope: its domain in A-labels, its local part quoted if need be.

    Raises AskedWrongly when it is none.
    """
    if canonical_address(spelling) is None or _CONTROL.search(spelling):
        raise AskedWrongly(f"{one_line(spelling, 100)!r} is no mail address")
    local, _, domain = spelling.strip().rpartition("@")
    if len(local) > 1 and local[0] == local[-1] == '"':
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    if not _DOT_ATOM.fullmatch(local):
        local = _quoted(local)
    return f"{local}@{canonical_domain(domain)}"


def needs_utf8(address: str) -> bool:
    """Whether an address goes only where SMTPUTF8 is spoken. RFC 6531."""
    return not address.isascii()


def is_sound_id(message_id: str) -> bool:
    """Whether a Message-ID can be written into a header as it is."""
    return len(message_id) <= _MAX_ID and _ID.fullmatch(message_id) is not None


def ids_field(ids: Sequence[str]) -> str:
    """Ids, one a line, never encoded and never broken. RFC 5322 section 3.6.4.

    What we made up for a mail that had no id is left out: nobody else knows it (RFC 2606 section 2).
    """
    return "\r\n ".join(id_ for id_ in ids if is_sound_id(id_) and not id_.endswith(".invalid>"))


def words_field(name: str, text: str) -> str:
    """Unstructured text; as encoded words when it is not plain ASCII."""
    plain = text.isascii() and "=?" not in text and not _LONG_WORD.search(text)
    charset = "us-ascii" if plain else "utf-8"
    return Header(text, charset, maxlinelen=76, header_name=name).encode(linesep="\r\n")


def people_field(people: Sequence[Person]) -> str:
    """Mailboxes, one a line. RFC 5322 section 3.4."""
    return ",\r\n ".join(_mailbox(person) for person in people)


def _mailbox(person: Person) -> str:
    address = written_address(person.email)
    name = one_line(person.name, MAX_NAME)
    if not name:
        return address
    if not name.isascii() or "=?" in name or _LONG_WORD.search(name):
        # `Header` leaves only letters, digits and !*+-/ bare: what RFC 2047 section 5 (3) allows in a phrase.
        phrase = Header(name, "utf-8", maxlinelen=70).encode(linesep="\r\n")
    else:
        phrase = name if _ATOMS.fullmatch(name) else _quoted(name)
    return f"{phrase}\r\n <{address}>" if len(phrase) + len(address) > 70 else f"{phrase} <{address}>"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
