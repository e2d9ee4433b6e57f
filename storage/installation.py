"""What belongs to this one installation and must live with its data: its id and its signing keys.

Keys sign what we write into mail (reply addresses, Message-IDs, loop marks); `outbound.marks` owns the
form. Old keys verify for ever, so they are never deleted, and a backup of the database has them all.
"""

from dataclasses import dataclass
from datetime import datetime
from secrets import token_bytes

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from config.errors import Refused
from storage.columns import UtcDateTime, table_of
from storage.ids import new_id

_KEY_BYTES = 32
_MAX_KEYS = 255


class Fact(SQLModel, table=True):
    """One value of the installation by name."""

    name: str = Field(primary_key=True)
    value: str


class SigningKey(SQLModel, table=True):
    """A key for HMAC-SHA-256; the number stands in every mark that it signed."""

    __tablename__ = "signing_key"

    id: int = Field(primary_key=True)
    secret: bytes = Field(sa_column=sa.Column(sa.LargeBinary, nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)


# Made once: it is asked for every batch of mail.
_NEWEST_KEY = sa.select(sa.func.max(table_of(SigningKey).c.id))


@dataclass(frozen=True, slots=True)
class Installation:
    """Who we are among all gateways: an id and the keys by number; the highest number signs."""

    id: str
    keys: dict[int, bytes]

    @property
    def signing_key(self) -> tuple[int, bytes]:
        """The number and the secret of the key that signs today."""
        number = max(self.keys)
        return number, self.keys[number]


def found_installation(session: Session) -> None:
    """Give a new database its id and its first key; a database that has them keeps them."""
    if session.get(Fact, "installation") is None:
        session.add(Fact(name="installation", value=new_id()))
        session.add(SigningKey(id=1, secret=token_bytes(_KEY_BYTES), created_at=now()))
        session.flush()


def load_installation(session: Session) -> Installation:
    """The id and all keys."""
    fact = session.get_one(Fact, "installation")
    keys = session.exec(select(SigningKey).order_by(col(SigningKey.id))).all()
    return Installation(fact.value, {key.id: key.secret for key in keys})


def read_fact(session: Session, name: str) -> str:
    """What was noted under this name; empty when nothing was."""
    fact = session.get(Fact, name)
    return fact.value if fact else ""


def note_fact(session: Session, name: str, value: str) -> None:
    """Note a value of the installation, over the one that was there."""
    session.merge(Fact(name=name, value=value))
    session.flush()


def newest_key(session: Session) -> int:
    """The number of the key that signs today."""
    return int(session.connection().execute(_NEWEST_KEY).scalar_one())


def rotate_key(session: Session) -> int:
    """Sign with a new key from now on; returns its number. Raises Refused when the number does not fit into a mark."""
    number = newest_key(session) + 1
    if number > _MAX_KEYS:
        raise Refused(f"There are {_MAX_KEYS} keys already: a mark has one octet for their number")
    session.add(SigningKey(id=number, secret=token_bytes(_KEY_BYTES), created_at=now()))
    session.flush()
    return number
