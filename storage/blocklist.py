"""Addresses to which nothing is ever sent. OneDesk calls it Filter Outgoing Email.

What people blocked stands in a table; our own addresses are on the list by themselves, read from where they
live, so that the two can never disagree. `outbound.guard` asks here, in the lowest layer.
"""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from config.errors import NotFound
from storage.address import domain_of
from storage.addresses import BOUNCE_PREFIX, REPLY_PREFIX, CreationAddress
from storage.columns import UtcDateTime, table_of
from storage.mailboxes import Mailbox
from storage.patterns import canonical_pattern, patterns_about, without_tag
from storage.queues import SourceInbox


class Blocked(SQLModel, table=True):
    """A pattern that somebody blocked: `ann@x.example`, `@x.example`, `@.x.example` or with `*`."""

    pattern: str = Field(primary_key=True)
    by: str = ""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


def block(session: Session, pattern: str, by: str) -> Blocked:
    """Put a pattern on the list; twice is once."""
    canonical = canonical_pattern(pattern)
    blocked = session.get(Blocked, canonical) or Blocked(pattern=canonical, by=by)
    session.add(blocked)
    session.flush()
    return blocked


def unblock(session: Session, pattern: str) -> Blocked:
    """Take a pattern off the list. Raises NotFound; our own addresses cannot be taken off."""
    blocked = session.get(Blocked, canonical_pattern(pattern))
    if blocked is None:
        raise NotFound(f"{pattern} is not on the block list as a pattern of its own: see `gateway block list`")
    session.delete(blocked)
    session.flush()
    return blocked


def list_blocked(session: Session) -> list[Blocked]:
    """What people blocked, in the order of the alphabet."""
    return list(session.exec(select(Blocked).order_by(col(Blocked.pattern))).all())


def own_addresses(session: Session) -> dict[str, str]:
    """Our own addresses -> what they are to us."""
    own = dict.fromkeys(session.exec(select(CreationAddress.address)).all(), "creation address")
    confirmed = select(SourceInbox.address).where(col(SourceInbox.confirmed))
    own |= dict.fromkeys(session.exec(confirmed).all(), "source inbox")
    return own | dict.fromkeys(session.exec(select(Mailbox.address)).all(), "mailbox")


def why_blocked(session: Session, address: str, own_domains: tuple[str, ...]) -> str:
    """Why nothing may be sent to this canonical address; empty when it may."""
    return whys_blocked(session, [address], own_domains)[address]


def whys_blocked(session: Session, addresses: Collection[str], own_domains: tuple[str, ...]) -> dict[str, str]:
    """Why nothing may be sent to each of these canonical addresses; empty where it may."""
    own = _own_among(session, addresses, own_domains)
    listed = patterns_about(session, table_of(Blocked).c.pattern, addresses)
    return {address: own.get(address) or _why_listed(listed.match(address)) for address in addresses}


def _why_listed(pattern: str) -> str:
    return f"{pattern} is on the block list" if pattern else ""


def _own_among(session: Session, addresses: Collection[str], own_domains: tuple[str, ...]) -> dict[str, str]:
    names = {name for address in addresses for name in (address, without_tag(address))}
    creation = select(CreationAddress.address).where(col(CreationAddress.address).in_(names))
    ours = dict.fromkeys(session.exec(creation).all(), "a creation address of ours")
    inboxes = select(SourceInbox.address).where(col(SourceInbox.address).in_(names), col(SourceInbox.confirmed))
    ours |= dict.fromkeys(session.exec(inboxes).all(), "a source inbox: it forwards to us")
    mailboxes = select(Mailbox.address).where(col(Mailbox.address).in_(names))
    ours |= dict.fromkeys(session.exec(mailboxes).all(), "a connected mailbox, whose mail we fetch")
    own: dict[str, str] = {}
    for address in addresses:
        name = address if address in ours else without_tag(address)
        if domain_of(address) in own_domains and address.startswith((REPLY_PREFIX, BOUNCE_PREFIX)):
            own[address] = f"{address} is an address that we signed"
        elif name in ours:
            own[address] = f"{name} is {ours[name]}"
    return own
