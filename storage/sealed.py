"""Every secret that stands sealed in the database, wherever that is: found by the models' own word.

A table that keeps one has a property `secret_purpose`, `table:row:column`, by which it is sealed.
"""

from collections.abc import Iterator

from sqlmodel import Session, SQLModel, select

import storage.models  # noqa: F401 - so that every table is known
from config.secrets import Seal
from storage.database import Database


def change_key(database: Database, seal: Seal) -> int:
    """Seal everything with a new key, while everybody goes on; returns how many secrets that were.

    Whoever sealed with the old key and has not stored it yet is not lost: that key opens until the next change.
    """
    seal.add_key()
    count = 0
    # Once more until nothing is left: somebody may have stored what he sealed with the old key a moment ago.
    while True:
        with database.writing() as session:
            sealed = seal_anew(session, seal)
        if not sealed:
            break
        count += sealed
    seal.forget_old_keys()
    return count


def seal_anew(session: Session, seal: Seal) -> int:
    """Seal with the newest key what another one has sealed; returns how many secrets that were."""
    count = 0
    for row, column, purpose in _sealed(session):
        sealed = getattr(row, column)
        if not seal.is_current(sealed):
            setattr(row, column, seal.close(seal.open(sealed, purpose), purpose))
            session.add(row)
            count += 1
    session.flush()
    return count


def _sealed(session: Session) -> Iterator[tuple[SQLModel, str, str]]:
    models = [mapper.class_ for mapper in SQLModel._sa_registry.mappers if hasattr(mapper.class_, "secret_purpose")]
    for model in models:
        # Locked, so that on PostgreSQL nobody puts a new token there meanwhile.
        for row in session.exec(select(model).with_for_update()).all():
            purpose: str = row.secret_purpose
            column = purpose.rpartition(":")[2]
            if getattr(row, column):
                yield row, column, purpose
