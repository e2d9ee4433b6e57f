"""Organisations: the companies that contacts write from, known by the domains of their addresses."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.errors import AskedWrongly, NotFound
from storage.address import canonical_address, domain_of


class Organisation(SQLModel, table=True):
    """A domain and whose it is; a company with several domains has a row for each."""

    domain: str = Field(primary_key=True)
    name: str = Field(index=True)


def name_organisation(session: Session, domain: str, name: str) -> Organisation:
    """Say whose domain it is; everybody with an address there belongs to it. Raises AskedWrongly."""
    canonical = _domain(domain)
    if not name.strip():
        raise AskedWrongly("An organisation needs a name")
    row = session.get(Organisation, canonical) or Organisation(domain=canonical, name="")
    row.name = name.strip()
    session.add(row)
    session.flush()
    return row


def forget_organisation(session: Session, domain: str) -> Organisation:
    """The domain is nobody's. Raises NotFound."""
    row = session.get(Organisation, _domain(domain))
    if row is None:
        raise NotFound(f"No organisation has the domain {domain}: see `gateway contact organisation`")
    session.delete(row)
    session.flush()
    return row


def list_organisations(session: Session) -> list[Organisation]:
    """All of them by name."""
    return list(session.exec(select(Organisation).order_by(sa.func.lower(Organisation.name), col(Organisation.domain))))


def organisations_of(session: Session, addresses: Collection[str]) -> dict[str, str]:
    """The organisation of each address that has one, by address."""
    domains = {domain_of(address) for address in addresses}
    rows = session.exec(select(Organisation).where(col(Organisation.domain).in_(domains))).all()
    names = {row.domain: row.name for row in rows}
    return {address: names[domain_of(address)] for address in addresses if domain_of(address) in names}


def _domain(text: str) -> str:
    canonical = canonical_address(f"anybody@{text.strip().removeprefix('@')}")
    if canonical is None:
        raise AskedWrongly(f"{text!r} is no domain")
    return domain_of(canonical)
