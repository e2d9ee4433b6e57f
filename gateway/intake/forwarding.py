"""Which inbox of the company forwarded this mail to us, as headers and envelope tell.

Headers only inform: the queue is the envelope's decision. A forward leaves different traces at each provider:
Gmail rewrites the reverse-path (+caf_) and adds X-Forwarded-For, Microsoft adds Resent-From or rewrites by SRS,
Unix servers leave Delivered-To and X-Original-To. MAIL.md's order, most telling first.
"""

import re
from collections.abc import Iterable, Iterator

from gateway.reading.mail import Mail
from storage.address import canonical_address, domain_of

_ADDRESS = re.compile(r"[^\s<>\"(),;:@]{1,64}@[^\s<>\"(),;:@]{1,255}")
_FOR = re.compile(r"\bfor\s+<?([^\s<>;]{3,320}@[^\s<>;]{1,255})>?", re.IGNORECASE)
_SRS = re.compile(r"srs[01]=", re.IGNORECASE)
# In the order of trust; all fields of a name count, the bottom-most (the first hop) first.
_HEADERS = (
    "X-Forwarded-For",
    "X-Forwarded-To",
    "Resent-From",
    "X-MS-Exchange-Inbox-Rules-Loop",
    "X-MS-Exchange-ForwardingLoop",
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "X-Delivered-To",
)
_MAX_FIELDS = 20


def source_inbox(mail: Mail, reverse_path: str, known: Iterable[str], own_domains: tuple[str, ...]) -> tuple[str, str]:
    """The forwarding inbox and the evidence for it; empty when nothing tells.

    An inbox that an operator has named wins over any other trace.
    """
    named = set(known)
    traces = [(address, why) for address, why in _traces(mail, reverse_path) if domain_of(address) not in own_domains]
    for address, why in traces:
        if address in named:
            return address, why
    return next((trace for trace in traces if trace[1] not in ("to", "cc", "received")), ("", ""))


def _traces(mail: Mail, reverse_path: str) -> Iterator[tuple[str, str]]:
    yield from _canonical(_from_reverse_path(reverse_path), "reverse-path")
    for name in _HEADERS:
        for value in reversed(mail.header_all(name)[:_MAX_FIELDS]):
            yield from _canonical(_ADDRESS.findall(value[:1000])[:1], name.lower())
    for value in reversed(mail.header_all("Received")[:_MAX_FIELDS]):
        yield from _canonical(_FOR.findall(value[:2000]), "received")
    yield from _canonical((person.email for person in mail.to), "to")
    yield from _canonical((person.email for person in mail.cc), "cc")


def _canonical(addresses: Iterable[str], why: str) -> Iterator[tuple[str, str]]:
    for address in addresses:
        canonical = canonical_address(address)
        if canonical:
            yield canonical, why


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
    """The reverse-path before a forwarder rewrote it (SRS0, SRS1), or as it is. It proves nothing."""
    local, _, _ = path.rpartition("@")
    if not _SRS.match(local):
        return path
    parts = local.split("=")
    return f"{parts[-1]}@{parts[-2]}" if len(parts) >= 5 else path
