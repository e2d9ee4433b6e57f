"""The installation: its id and keys are made once and kept for ever."""

from sqlmodel import select

from storage.database import Database
from storage.ids import is_id
from storage.installation import SigningKey, found_installation, load_installation, rotate_key


def test_new_database_has_an_id_and_one_key(database: Database) -> None:
    """The first key has number one and 32 random bytes."""
    with database.reading() as session:
        installation = load_installation(session)
    assert is_id(installation.id)
    number, key = installation.signing_key
    assert (number, len(key), set(installation.keys)) == (1, 32, {1})
    assert len(set(key)) > 10


def test_founding_again_changes_nothing(database: Database) -> None:
    """A database that has an id keeps it and its keys."""
    with database.writing() as session:
        before = load_installation(session)
        found_installation(session)
        assert load_installation(session) == before


def test_rotated_key_signs_and_the_old_one_stays(database: Database) -> None:
    """After a rotation the new key signs, and what the old one signed can still be verified."""
    with database.writing() as session:
        old = load_installation(session).signing_key
        assert rotate_key(session) == 2
    with database.reading() as session:
        installation = load_installation(session)
        assert installation.signing_key[0] == 2
        assert installation.keys[1] == old[1] != installation.keys[2]
        assert len(session.exec(select(SigningKey)).all()) == 2
