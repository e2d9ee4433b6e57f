"""Keys by which our mail is signed (DKIM): whose domain, under which selector, and the sealed private half.

How a mail is signed is `outbound.dkim`. Every key of a domain that is not retired signs, so that an old one goes on
while a new one spreads through DNS. RFC 6376 section 3.1, RFC 8463.
"""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from config.errors import AlreadyThere, NotFound
from storage.columns import Choice, UtcDateTime


class Algorithm(StrEnum):
    """How a key signs."""

    RSA = "rsa"  # what every receiver reads
    ED25519 = "ed25519"  # short and quick, and not read everywhere


class DkimKey(SQLModel, table=True):
    """One key. `secret` is sealed for `dkim_key:<selector>._domainkey.<domain>:secret`; a retired key has none."""

    __tablename__ = "dkim_key"

    id: int | None = Field(default=None, primary_key=True)
    domain: str  # in A-labels
    selector: str
    algorithm: Algorithm = Field(sa_column=sa.Column(Choice(Algorithm), nullable=False))
    secret: str
    public: str  # what stands behind p= in DNS
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (sa.UniqueConstraint("domain", "selector"),)

    @property
    def record_name(self) -> str:
        """Where its public half stands in DNS. RFC 6376 section 3.6.2.1."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The TXT record to publish. RFC 6376 section 3.6.1."""
        return f"v=DKIM1; k={self.algorithm}; p={self.public}"

    @property
    def secret_purpose(self) -> str:
        """What `secret` is sealed for."""
        return f"dkim_key:{self.record_name}:secret"


def add_dkim_key(session: Session, key: DkimKey) -> DkimKey:
    """Store a new key. Raises AlreadyThere when its selector was ever used: receivers keep old records for days."""
    query = select(DkimKey).where(DkimKey.domain == key.domain, DkimKey.selector == key.selector)
    if session.exec(query).first():
        raise AlreadyThere(f"There was a key {key.record_name} already: name another one with --selector")
    session.add(key)
    session.flush()
    return key


def list_dkim_keys(session: Session, domain: str = "", *, retired: bool = False) -> list[DkimKey]:
    """The keys of one domain or of all, the oldest first; on demand the retired ones too."""
    query = select(DkimKey).order_by(col(DkimKey.domain), col(DkimKey.id))
    if domain:
        query = query.where(DkimKey.domain == domain)
    if not retired:
        query = query.where(col(DkimKey.retired_at).is_(None))
    return list(session.exec(query).all())


def signing_keys(session: Session, domain: str) -> list[DkimKey]:
    """The keys that sign for a domain: its own, else those of the nearest domain above, which is aligned as well.

    RFC 7489 section 3.1.1.
    """
    labels = domain.split(".")
    above = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    query = select(DkimKey).where(col(DkimKey.domain).in_(above), col(DkimKey.retired_at).is_(None))
    found = session.exec(query.order_by(col(DkimKey.id))).all()
    nearest = max((key.domain for key in found), key=len, default="")
    return [key for key in found if key.domain == nearest]


def retire_dkim_key(session: Session, domain: str, selector: str) -> DkimKey:
    """Let a key sign no more, and forget its private half. Raises NotFound with the selectors that there are."""
    keys = list_dkim_keys(session, domain)
    found = next((key for key in keys if key.selector == selector), None)
    if found is None:
        known = ", ".join(key.selector for key in keys) or "none"
        raise NotFound(f"No key of {domain} that signs has the selector {selector!r}. Selectors: {known}")
    found.secret, found.retired_at = "", now()
    session.add(found)
    session.flush()
    return found
