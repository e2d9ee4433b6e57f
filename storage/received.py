"""The Received line of ours, from what the door wrote down. RFC 5321 section 4.4, RFC 3848, RFC 6531 section 4.3.

It stands in front of every copy of a mail that people get. The stored bytes stay as they were received, so that
their digest and the signatures of others can be proven for ever.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from ipaddress import IPv6Address, ip_address

# What may stand where the grammar wants a domain or an address literal; anything else is a comment.
_DOMAIN = re.compile(r"[A-Za-z0-9._-]{1,255}|\[[A-Za-z0-9.:_-]{1,64}\]")
_NOT_IN_COMMENT = re.compile(r"[^\x20-\x7e]")
_COMMENT_SIGNS = re.compile(r"([()\\])")


@dataclass(frozen=True, slots=True)
class Hop:
    """How one mail came in for one recipient."""

    acceptance_id: str
    recipient: str
    peer: str
    helo: str
    protocol: str
    tls: str
    received_at: datetime


def received_line(hop: Hop, by: str) -> bytes:
    """The field with its end; `by` is the name of this server. Nothing for a mail that came through no door."""
    if not hop.peer:
        return b""
    field = (
        f"Received: from {_host(hop.helo)} ({_address(hop.peer)})\r\n"
        f"{_secured(hop.tls)}"
        f"\tby {by} with {hop.protocol} id {hop.acceptance_id}\r\n"
        f"\tfor <{hop.recipient}>;\r\n"
        f"\t{format_datetime(hop.received_at)}\r\n"
    )
    return field.encode("utf-8", "replace")


def _host(helo: str) -> str:
    return helo if _DOMAIN.fullmatch(helo) else f"unknown (helo {_comment(helo)})"


def _address(peer: str) -> str:
    """An address literal (RFC 5321 section 4.1.3); a Unix socket has a word in its place."""
    try:
        address = ip_address(peer)
    except ValueError:
        return _comment(peer)
    return f"[IPv6:{address}]" if isinstance(address, IPv6Address) else f"[{address}]"


def _secured(tls: str) -> str:
    version, _, cipher = tls.partition(" ")
    return f"\t(using {_comment(version)} with cipher {_comment(cipher)})\r\n" if tls else ""


def _comment(text: str) -> str:
    return _COMMENT_SIGNS.sub(r"\\\1", _NOT_IN_COMMENT.sub("?", text))
