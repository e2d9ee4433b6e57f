"""Creation addresses: generated, one queue each, active or retired; a retired one still routes."""

import re
import unicodedata
from datetime import datetime
from enum import StrEnum
from secrets import choice

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from config.errors import AlreadyThere, AskedWrongly, NotFound
from storage.address import canonical_address
from storage.columns import Choice, UtcDateTime
from storage.queues import Queue

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
# 50 bits; the harvest limits of the listener do the rest.
_RANDOM_CHARACTERS = 10
_MAX_SLUG = 24
_LOCAL_PART = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
# Reply addresses and return paths begin so (outbound.marks); a creation address must not look like one.
REPLY_PREFIX = "re-"
BOUNCE_PREFIX = "b-"
_RESERVED = (REPLY_PREFIX, BOUNCE_PREFIX)


class AddressState(StrEnum):
    """active -> retired; there is no way back but a new address."""

    ACTIVE = "active"
    RETIRED = "retired"  # still routes, is shown to nobody as the one to use


class CreationAddress(SQLModel, table=True):
    """An address that makes tickets. `address` is canonical."""

    __tablename__ = "address"

    id: int | None = Field(default=None, primary_key=True)
    address: str = Field(unique=True)
    queue_id: int = Field(foreign_key="queue.id", index=True)
    state: AddressState = Field(default=AddressState.ACTIVE, sa_column=sa.Column(Choice(AddressState), nullable=False))
    label: str = ""
    answer_via: int | None = Field(default=None, foreign_key="channel.id")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


def new_address(
    session: Session, queue: Queue, domain: str, *, local_part: str = "", label: str = "", answer_via: int | None = None
) -> CreationAddress:
    """Make a creation address for a queue: slug, dot, 10 random characters, unless a local part is asked for."""
    address = canonical_address(f"{_checked(local_part) or _generated(queue.name)}@{domain}")
    if address is None:
        raise AskedWrongly(f"{local_part}@{domain} is no mail address")
    if session.exec(select(CreationAddress).where(CreationAddress.address == address)).first():
        raise AlreadyThere(f"{address} is taken")
    made = CreationAddress(address=address, queue_id=queue.number, label=label, answer_via=answer_via)
    session.add(made)
    session.flush()
    return made


def _checked(local_part: str) -> str:
    local_part = local_part.strip().lower()
    if not local_part:
        return ""
    if not _LOCAL_PART.fullmatch(local_part) or ".." in local_part:
        raise AskedWrongly(f"{local_part!r}: a local part has letters, digits, dots and hyphens, 64 at most")
    if local_part == "postmaster" or local_part.startswith(_RESERVED):
        raise AskedWrongly(f"{local_part!r} is reserved for the gateway itself")
    return local_part


def _generated(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_MAX_SLUG].strip("-") or "queue"
    if slug.startswith(_RESERVED):
        slug = f"queue-{slug}"[:_MAX_SLUG].strip("-")
    return f"{slug}.{''.join(choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))}"


def rotate_address(session: Session, address: str, domain: str) -> tuple[CreationAddress, CreationAddress]:
    """Retire an address and make a new one for the same purpose: the old one, and the new one."""
    old = retire_address(session, address)
    queue = session.get_one(Queue, old.queue_id)
    return old, new_address(session, queue, domain, label=old.label, answer_via=old.answer_via)


def find_address(session: Session, address: str) -> CreationAddress:
    """The creation address of this spelling. Raises NotFound."""
    canonical = canonical_address(address)
    found = canonical and session.exec(select(CreationAddress).where(CreationAddress.address == canonical)).first()
    if not found:
        raise NotFound(f"{address} is no creation address of ours: see `gateway address list`")
    return found


def list_addresses(session: Session, queue_id: int | None = None) -> list[CreationAddress]:
    """All creation addresses, oldest first, of one queue or of all."""
    query = select(CreationAddress).order_by(col(CreationAddress.id))
    if queue_id is not None:
        query = query.where(CreationAddress.queue_id == queue_id)
    return list(session.exec(query).all())


def queue_ids_by_address(session: Session) -> dict[str, int]:
    """Every address that routes -> its queue: what the listener keeps in memory."""
    rows = session.exec(select(CreationAddress.address, CreationAddress.queue_id)).all()
    return dict(rows)


def retire_address(session: Session, address: str) -> CreationAddress:
    """Take an address out of use. Mail to it still makes tickets."""
    found = find_address(session, address)
    found.state = AddressState.RETIRED
    session.add(found)
    session.flush()
    return found
