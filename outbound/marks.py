"""The marks that we write into mail, and how we know them again: both halves of each form.

A mark is a signed token: it locates a ticket, it does not authorise anybody. It stands in reply addresses, in our
Message-IDs and in return paths. The form is lower-case base32 (RFC 4648 section 6), since systems on the way fold
the case of local parts; the whole local part stays below 64 octets (RFC 5321 section 4.5.3.1.1).

    octet 0      version (high nibble) and audience (low nibble)
    octet 1      number of the signing key
    octets 2-6   ticket
    octets 7-16  id of the outgoing mail
    octets 17-20 whom it was written to, or zeros: the first octets of SHA-256 of the canonical address
    octets 21-30 HMAC-SHA-256 over all before it and the place where the mark stands, cut to 80 bits

The place is part of what is signed, so a Message-ID that everybody sees makes no reply address. A text carries its
mark as `ref:` and the token, which comes back in what people quote.
"""

import hmac
import re
from base64 import b32decode, b32encode
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from sqlmodel import Session

from storage.address import canonical_address
from storage.addresses import BOUNCE_PREFIX, REPLY_PREFIX
from storage.ids import id_bytes, id_text
from storage.installation import Installation, load_installation, newest_key

_VERSION = 1
_BODY_BYTES = 21
_MAC_BYTES = 10
_TOKEN = re.compile(r"[a-z2-7]{50}")
# A token in any text, with what makes it an address, a Message-ID or the mark of a body.
_WRITTEN = re.compile(
    rf"<?(?:ref[:_-]|{REPLY_PREFIX}|{BOUNCE_PREFIX})?[a-z2-7]{{50}}(?![a-z2-7])(?:@[a-z0-9.-]{{1,255}})?>?",
    re.IGNORECASE,
)
_NOBODY = bytes(4)
LOOP_HEADER = "X-Gateway-Loop"
BODY_PREFIX = "ref:"


class Audience(IntEnum):
    """For whom a mail with this mark was written."""

    CUSTOMER = 0  # the public mail, which To and Cc share
    COPY = 1  # one person's own copy: Bcc
    AGENT = 2  # a notice
    PROBE = 3  # our test of a forwarding
    REFUSED = 4  # the answer to somebody who wrote into a closed ticket: who answers it insists


@dataclass(frozen=True, slots=True)
class Mark:
    """What a valid mark says. `person` is compared with `person_tag`; zeros mean: bound to nobody."""

    audience: Audience
    ticket_id: int
    outgoing_id: str
    person: bytes = _NOBODY

    @property
    def is_bound(self) -> bool:
        """Written for one person only."""
        return self.person != _NOBODY


def person_tag(address: str) -> bytes:
    """Four octets that tell for whom a mark was made without naming him."""
    canonical = canonical_address(address) or address
    return sha256(canonical.encode()).digest()[:4]


class Marks:
    """Writes marks with the newest key and reads those of every key that the installation ever had.

    A process that lives long asks `renew` in each transaction: a command may have made a new key.
    """

    def __init__(self, installation: Installation, own_domains: tuple[str, ...]) -> None:
        self._installation = installation
        self._own_domains = own_domains

    def renew(self, session: Session) -> None:
        """Learn a key that was made since; costs one small query when there is none."""
        if newest_key(session) not in self._installation.keys:
            self._installation = load_installation(session)

    def reply_address(self, mark: Mark) -> str:
        """An address of ours; mail to it belongs to the ticket."""
        return f"{REPLY_PREFIX}{self._token(mark, b'reply')}@{self._own_domains[0]}"

    def message_id(self, mark: Mark) -> str:
        """A Message-ID in angle brackets."""
        return f"<{self._token(mark, b'id')}@{self._own_domains[0]}>"

    def return_path(self, mark: Mark) -> str:
        """A reverse-path that tells from which mail to whom a bounce comes (VERP). The mark is bound."""
        return f"{BOUNCE_PREFIX}{self._token(mark, b'bounce')}@{self._own_domains[0]}"

    def read_reply_address(self, address: str) -> Mark | None:
        """The mark of a reply address of ours, or None. Accepts the case folded or raised."""
        return self._read_address(address, REPLY_PREFIX, b"reply")

    def read_return_path(self, address: str) -> Mark | None:
        """The mark of a return path of ours, or None."""
        return self._read_address(address, BOUNCE_PREFIX, b"bounce")

    def read_message_id(self, message_id: str) -> Mark | None:
        """The mark of a Message-ID of ours, with or without brackets, or None."""
        return self._read_address(message_id.strip().strip("<>"), "", b"id")

    def read_recipient(self, address: str) -> Mark | None:
        """The mark of any address of ours that we made by signing it: reply address or return path."""
        return self.read_reply_address(address) or self.read_return_path(address)

    def body_mark(self, mark: Mark) -> str:
        """A word for the text of a mail, that answers quote."""
        return f"{BODY_PREFIX}{self._token(mark, b'body')}"

    def read_body_mark(self, token: str) -> Mark | None:
        """The mark of a token that stood in a body, or None."""
        return self._read(token.lower(), b"body")

    def without_marks(self, text: str) -> str:
        """A text that may go to others: without the marks of ours, which would let them into a ticket."""
        return _WRITTEN.sub(lambda found: "[...]" if self._is_ours(found[0]) else found[0], text)

    def _is_ours(self, written: str) -> bool:
        bare = written.strip("<>").lower()
        readers = (self.read_recipient, self.read_message_id)
        return any(read(bare) for read in readers) or self.read_body_mark(bare[len(BODY_PREFIX) :]) is not None

    def loop_value(self) -> str:
        """The value of our loop header: which installation wrote an automatic mail."""
        name = self._installation.id
        return f"{name};{self._mac(b'loop' + name.encode(), self._installation.signing_key[1]).hex()}"

    def is_own_loop(self, value: str) -> bool:
        """Whether a loop header is one that we wrote ourselves."""
        name, _, mac = value.strip().partition(";")
        if name != self._installation.id:
            return False
        wanted = [self._mac(b"loop" + name.encode(), key).hex() for key in self._installation.keys.values()]
        return any(hmac.compare_digest(one.encode(), mac.strip().lower().encode()) for one in wanted)

    def _token(self, mark: Mark, place: bytes) -> str:
        number, key = self._installation.signing_key
        body = (
            bytes([_VERSION << 4 | mark.audience, number])
            + mark.ticket_id.to_bytes(5, "big")
            + id_bytes(mark.outgoing_id)
            + mark.person
        )
        return _text(body + self._mac(place + body, key))

    def _read_address(self, address: str, prefix: str, place: bytes) -> Mark | None:
        local, at, domain = address.lower().rpartition("@")
        if not at or domain.rstrip(".") not in self._own_domains or not local.startswith(prefix):
            return None
        return self._read(local.removeprefix(prefix), place)

    def _read(self, token: str, place: bytes) -> Mark | None:
        if not _TOKEN.fullmatch(token):
            return None
        raw = b32decode(token.upper() + "=" * (-len(token) % 8))
        if _text(raw) != token:  # the last character has two spare bits: one mark has one spelling
            return None
        body, mac = raw[:_BODY_BYTES], raw[_BODY_BYTES:]
        key = self._installation.keys.get(body[1])
        if key is None or not hmac.compare_digest(self._mac(place + body, key), mac):
            return None
        if body[0] >> 4 != _VERSION or body[0] & 15 not in set(Audience):
            return None
        return Mark(Audience(body[0] & 15), int.from_bytes(body[2:7], "big"), id_text(body[7:17]), body[17:21])

    @staticmethod
    def _mac(message: bytes, key: bytes) -> bytes:
        return hmac.digest(key, message, "sha256")[:_MAC_BYTES]


def _text(raw: bytes) -> str:
    return b32encode(raw).decode().rstrip("=").lower()
