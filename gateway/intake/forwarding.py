"""Which inbox of the company forwarded this mail to us, as headers and envelope tell.

Headers only inform: the queue is the envelope's decision. A forward leaves different traces at each provider:
Gmail rewrites the reverse-path (+caf_) and adds X-Forwarded-For, Microsoft adds Resent-From or rewrites by SRS,
Yahoo, iCloud and Fastmail have headers of their own, Unix servers leave Delivered-To and X-Original-To or nothing but
the `for` of their Received. The most telling comes first.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.reading.mail import Mail
from storage.address import canonical_address, domain_of

_ADDRESS = re.compile(r"[^\s<>\"(),;:@]{1,64}@[^\s<>\"(),;:@]{1,255}")
_FOR = re.compile(r"\bfor\s+<?([^\s<>;]{3,320}@[^\s<>;]{1,255})>?", re.IGNORECASE)
_SRS = re.compile(r"srs[01]=", re.IGNORECASE)
# In the order of trust; all fields of a name count, the bottom-most (the first hop) first.
_HEADERS = (
    "x-forwarded-for",
    "x-forwarded-to",
    "resent-from",
    "x-ms-exchange-inbox-rules-loop",
    "x-ms-exchange-forwardingloop",
    "x-yahoo-forwarded",
    "x-original-to",
    "delivered-to",
    "envelope-to",
    "x-envelope-to",
    "x-delivered-to",
    "x-resolved-to",  # Fastmail, Cyrus
    "x-apparently-to",  # Yahoo
    "original-recipient",  # iCloud: RFC 8098 section 2.3
)
_LOOKED_AT = frozenset((*_HEADERS, "received"))
_MAX_FIELDS = 20
_WRITTEN_BY_AUTHOR = ("to", "cc")


@dataclass(frozen=True, slots=True)
class Source:
    """The forwarding inbox, canonical or empty, and what told of it."""

    address: str = ""
    why: str = ""

    @property
    def is_trace(self) -> bool:
        """The way of the mail tells it, not only whom its author wrote to."""
        return bool(self.address) and self.why not in _WRITTEN_BY_AUTHOR


def source_inbox(mail: Mail, reverse_path: str, known: Iterable[str], own_domains: tuple[str, ...]) -> Source:
    """The forwarding inbox. One that an operator has named wins over any other trace."""
    named = set(known)
    traces = [one for one in _traces(mail, reverse_path) if domain_of(one.address) not in own_domains]
    written_to = {one.address for one in traces if one.why in _WRITTEN_BY_AUTHOR}
    for one in traces:
        if one.address in named:
            return one
    # A Received alone may be of any hop; together with To or Cc it is the inbox that people write to.
    likely = (one for one in traces if one.is_trace and (one.why != "received" or one.address in written_to))
    return next(likely, Source())


def _traces(mail: Mail, reverse_path: str) -> Iterator[Source]:
    rewritten = list(_canonical(_from_reverse_path(reverse_path), "reverse-path"))
    # Under a tenant's technical domain stands the same mailbox, but not the address that people know.
    technical = [one for one in rewritten if domain_of(one.address).endswith(".onmicrosoft.com")]
    yield from (one for one in rewritten if one not in technical)
    fields = mail.headers_among(_LOOKED_AT)
    for name in _HEADERS:
        for value in reversed(fields.get(name, [])[:_MAX_FIELDS]):
            yield from _canonical(_ADDRESS.findall(value[:1000])[:1], name)
    for value in reversed(fields.get("received", [])[:_MAX_FIELDS]):
        yield from _canonical(_FOR.findall(value[:2000]), "received")
    yield from technical
    yield from _canonical((person.email for person in mail.to), "to")
    yield from _canonical((person.email for person in mail.cc), "cc")


def _canonical(addresses: Iterable[str], why: str) -> Iterator[Source]:
    for address in addresses:
        canonical = canonical_address(address)
        if canonical:
            yield Source(canonical, why)


def _from_reverse_path(path: str) -> Iterator[str]:
    local, _, domain = path.rpartition("@")
    before, caf, _ = local.partition("+caf_=")
    if caf:
        yield f"{before}@{domain}"
    # Microsoft's SRS keeps the forwarding mailbox in front; the classic form names only its domain, and a
    # tenant's `bounces+SRS=` names no inbox at all.
    before, srs, _ = local.partition("+SRS=")
    if srs and before.lower() != "bounces":
        yield f"{before}@{domain}"


def original_sender(path: str) -> str:
    """The reverse-path before a forwarder rewrote it (SRS0, SRS1) or its sender signed it (BATV), or as it is.

    It proves nothing.
    """
    local, _, domain = path.rpartition("@")
    if local.lower().startswith("prvs=") and local.count("=") >= 2:
        return f"{local.split('=', 2)[2]}@{domain}"
    if not _SRS.match(local):
        return path
    parts = local.split("=")
    return f"{parts[-1]}@{parts[-2]}" if len(parts) >= 5 else path
