"""Read the arguments of MAIL and RCPT. RFC 5321 sections 4.1.2 and 4.1.1.2, 6531 section 3.3.

aiosmtpd reads them with the parser for header fields, which is slow and takes comments, phrases and
folding. Here a path is what the RFC says, and whatever looks like relaying is left to `policy`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from gateway.listener.replies import (
    BAD_RECIPIENT,
    BAD_SENDER,
    MAIL_TOO_LARGE,
    NOT_ASCII,
    SYNTAX,
    UNKNOWN_PARAMETER,
    Reply,
)

# Any octet that a mailbox may hold unquoted, and more: what is wrong for an RFC is only unknown to us.
_PLAIN = re.compile(r'[^\x00-\x20\x7f<>()\[\]\\,;:"@]+(?:@[^\x00-\x20\x7f<>(),;"@\\]+)?')
_QUOTED = re.compile(r'"((?:[^\x00-\x1f\x7f"\\]|\\[\x20-\x7e])*)"(@[^\x00-\x20\x7f<>(),;"@\\]+)')
_ROUTE = re.compile(r"@[^\x00-\x20\x7f<>:]+:")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00-\x20\x7f=]+))?")
_BODIES = ("7BIT", "8BITMIME")
# RFC 5321 section 4.5.3.1.3. Longer ones come from forwarders that wrap an address into another.
_MAX_PATH = 480
_MAX_PARAMETERS = 16


@dataclass(frozen=True, slots=True)
class Path:
    """What stands between `<` and `>`; `address` is empty for the null reverse-path."""

    address: str
    is_routed: bool  # a source route stood before it
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """What SIZE declares (RFC 1870); 0 when it says nothing."""
        return int(self.parameters.get("SIZE", "0"))


def read_sender(argument: str, largest: int) -> Path | Reply:
    """The argument of MAIL, or why it is wrong."""
    path = _read(argument, "FROM:", BAD_SENDER)
    if isinstance(path, Reply):
        return path
    return _wrong_sender_parameter(path.parameters, largest) or _not_ascii(path, "SMTPUTF8" in path.parameters) or path


def read_recipient(argument: str, *, smtp_utf8: bool) -> Path | Reply:
    """The argument of RCPT, or why it is wrong. NOTIFY and ORCPT are not offered, so they are not taken."""
    path = _read(argument, "TO:", BAD_RECIPIENT)
    if isinstance(path, Reply):
        return path
    if not path.address:
        return BAD_RECIPIENT
    return (UNKNOWN_PARAMETER if path.parameters else None) or _not_ascii(path, smtp_utf8) or path


@lru_cache(maxsize=1024)  # the same few recipients and forwarders, again and again
def _read(argument: str, keyword: str, bad: Reply) -> Path | Reply:
    if argument[: len(keyword)].upper() != keyword:
        return SYNTAX
    rest = argument[len(keyword) :].lstrip(" ")
    if not rest.startswith("<"):
        return bad
    route = _ROUTE.match(rest, 1)
    start = route.end() if route else 1
    address, end = _address(rest, start)
    if address is None or rest[end : end + 1] != ">" or end - start > _MAX_PATH:
        return bad
    parameters = _parameters(rest[end + 1 :])
    return SYNTAX if parameters is None else Path(address, route is not None, parameters)


def _address(text: str, start: int) -> tuple[str | None, int]:
    if text.startswith(">", start):
        return "", start
    if plain := _PLAIN.match(text, start):
        return plain[0], plain.end()
    if quoted := _QUOTED.match(text, start):
        return quoted[0], quoted.end()
    return None, start


def _parameters(text: str) -> dict[str, str] | None:
    if not text:
        return {}
    words = text.split()
    if text[0] != " " or len(words) > _MAX_PARAMETERS:
        return None
    found = [_PARAMETER.fullmatch(word) for word in words]
    return {match[1].upper(): match[2] or "" for match in found if match} if all(found) else None


def _wrong_sender_parameter(parameters: Mapping[str, str], largest: int) -> Reply | None:
    for name, value in parameters.items():
        if name == "SIZE":
            if not value.isascii() or not value.isdigit() or len(value) > 20:
                return SYNTAX
            if largest and int(value) > largest:
                return MAIL_TOO_LARGE
        elif name == "BODY":
            if value.upper() not in _BODIES:
                return SYNTAX
        elif name != "SMTPUTF8":
            return UNKNOWN_PARAMETER
        elif value:
            return SYNTAX
    return None


def _not_ascii(path: Path, smtp_utf8: bool) -> Reply | None:
    if path.address.isascii():
        return None
    # Octets that are no UTF-8 came in as lone surrogates: no address of anybody.
    if not smtp_utf8 or any("\ud800" <= character <= "\udfff" for character in path.address):
        return NOT_ASCII
    return None
