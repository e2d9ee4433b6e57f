"""Addresses to which nothing is ever sent. OneDesk calls it Filter Outgoing Email.

What people blocked stands in a table; our own addresses are on the list by themselves, read from where they
live, so that the two can never disagree. `outbound.guard` asks here, in the lowest layer.
"""

from collections.abc import Collection

from sqlmodel import Session, col, select

from storage.address import domain_of
from storage.addresses import BOUNCE_PREFIX, REPLY_PREFIX, CreationAddress
from storage.mailboxes import Mailbox
from storage.patterns import Listed, patterns_about, put_on_list, take_off_list, whole_list, without_tag
from storage.queues import SourceInbox


class Blocked(Listed, table=True):
    """A pattern that somebody blocked: `ann@x.example`, `@x.example`, `@.x.example` or with `*`."""


def block(session: Session, pattern: str, by: str) -> Blocked:
    """Put a pattern on the list; twice is once."""
    return put_on_list(session, Blocked(pattern=pattern, by=by))


def unblock(session: Session, pattern: str) -> Blocked:
    """Take a pattern off the list. Raises NotFound; our own addresses cannot be taken off."""
    return take_off_list(session, Blocked, pattern, "block")


def list_blocked(session: Session) -> list[Blocked]:
    """What people blocked, in the order of the alphabet."""
    return whole_list(session, Blocked)


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
    listed = patterns_about(session, Blocked, addresses)
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
