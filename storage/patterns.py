"""Patterns of addresses: `ann@x.example` (and ann+tag), `@x.example`, `@.x.example` (with subdomains), or with `*`.

What a list of them means (never sent to, never held) is said by the list: `storage.blocklist`, `storage.allowlist`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TypeVar

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from config.errors import AskedWrongly, NotFound
from storage.address import canonical_address, canonical_domain, domain_of
from storage.columns import UtcDateTime, table_of


class Listed(SQLModel):
    """A pattern that somebody put on a list. Each list is a table of its own."""

    pattern: str = Field(primary_key=True)
    by: str = ""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


Row = TypeVar("Row", bound=Listed)


def put_on_list(session: Session, made: Row) -> Row:
    """Put a pattern on its list, in its stored form; twice is once. Raises AskedWrongly."""
    made.pattern = canonical_pattern(made.pattern)
    row = session.get(type(made), made.pattern) or made
    session.add(row)
    session.flush()
    return row


def take_off_list(session: Session, rows: type[Row], pattern: str, name: str) -> Row:
    """Take a pattern off the list of this name. Raises NotFound."""
    row = session.get(rows, canonical_pattern(pattern))
    if row is None:
        raise NotFound(f"{pattern} is not on the {name} list as a pattern of its own: see `gateway {name} list`")
    session.delete(row)
    session.flush()
    return row


def whole_list(session: Session, rows: type[Row]) -> list[Row]:
    """A list, in the order of the alphabet."""
    return list(session.exec(select(rows).order_by(col(rows.pattern))).all())


def canonical_pattern(pattern: str) -> str:
    """The stored form of a pattern. Raises AskedWrongly."""
    pattern = pattern.strip().lower()
    local, at, domain = pattern.rpartition("@")
    if "*" in pattern and at and domain and not any(character.isspace() for character in pattern):
        plain_domain = domain if "*" in domain else canonical_domain(domain)
        if plain_domain:
            return f"{local.casefold()}@{plain_domain}"
    if pattern.startswith("@"):
        dot = "." if pattern.startswith("@.") else ""
        whole_domain = canonical_domain(pattern.removeprefix("@" + dot))
        if whole_domain:
            return f"@{dot}{whole_domain}"
    address = canonical_address(pattern)
    if address is None:
        raise AskedWrongly(f"{pattern!r}: write an address, @domain, @.domain (with subdomains) or a pattern with *")
    return address


@dataclass(frozen=True, slots=True)
class Patterns:
    """Those patterns of a list that may concern some addresses."""

    exact: frozenset[str]
    globs: tuple[str, ...]

    def match(self, address: str) -> str:
        """The pattern that this canonical address meets; empty when there is none."""
        found = [pattern for pattern in _exact_patterns(address) if pattern in self.exact]
        return next(iter(found or [glob for glob in self.globs if _matches(address, glob)]), "")


def patterns_about(session: Session, rows: type[Listed], addresses: Collection[str]) -> Patterns:
    """What a list says about these addresses: one query, whose size is theirs and not the list's."""
    column = table_of(rows).c.pattern
    asked = {pattern for address in addresses for pattern in _exact_patterns(address)}
    query = sa.select(column).where(sa.or_(column.in_(asked), column.contains("*")))
    found = set(session.connection().execute(query).scalars())
    return Patterns(frozenset(found), tuple(sorted(pattern for pattern in found if "*" in pattern)))


def without_tag(address: str) -> str:
    """Most servers deliver user+tag to user; what is said of the one is said of the other."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def _exact_patterns(address: str) -> list[str]:
    domain = domain_of(address)
    parents = [domain[i + 1 :] for i, character in enumerate(domain) if character == "."]
    return [address, without_tag(address), f"@{domain}", f"@.{domain}", *(f"@.{p}" for p in parents)]


def _matches(address: str, glob: str) -> bool:
    # fnmatch knows ? and [] too; here only * means something.
    return fnmatchcase(address, glob.replace("[", "[[]").replace("?", "[?]"))
