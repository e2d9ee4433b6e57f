"""Contacts: one person, however he spells his address."""

import pytest

from config.errors import AlreadyThere, AskedWrongly, NotFound
from storage.contacts import add_contact, addresses_of, contact_for, find_contact, list_contacts, mark_known
from storage.database import Database


def names(database: Database, words: str) -> list[str]:
    """Who is found."""
    with database.reading() as session:
        return [contact.name for contact in list_contacts(session, words)]


def test_writer_becomes_one_contact(database: Database) -> None:
    """The same mailbox in two spellings is one contact, unknown, under the first name that was given."""
    with database.writing() as session:
        first = contact_for(session, "Ann@X.example")
        second = contact_for(session, "ann@x.example", "Ann")
        contact_for(session, "ann@x.example", "Mallory")
        assert first.id == second.id == 1
        assert (second.name, second.known) == ("Ann", False)
        assert [(row.address, row.spelling) for row in addresses_of(session, 1)] == [("ann@x.example", "Ann@X.example")]


def test_contact_of_an_agent_is_known_with_all_addresses(database: Database) -> None:
    """What an agent enters is known, and every one of its addresses leads to it."""
    with database.writing() as session:
        made = add_contact(session, " Ann ", ["ann@x.example", "Ann@Y.example"], phone="1")
        assert (made.name, made.known) == ("Ann", True)
        for named in (str(made.id), "ANN@x.example", "ann@y.example"):
            assert find_contact(session, named).id == made.id


def test_address_of_somebody_else_is_refused(database: Database) -> None:
    """An address belongs to one contact; garbage belongs to nobody."""
    with database.writing() as session:
        add_contact(session, "Ann", ["ann@x.example"])
        with pytest.raises(AlreadyThere):
            add_contact(session, "Eve", ["ANN@x.example"])
        with pytest.raises(AskedWrongly):
            add_contact(session, "Eve", ["eve"])


def test_contact_that_is_not_there_is_not_found(database: Database) -> None:
    """A number of any length and a stranger's address are NotFound."""
    with database.reading() as session:
        for named in ("", "7", "0", "2147483648", "9" * 30, "9" * 9999, "²", "nobody@x.example", "garbage"):
            with pytest.raises(NotFound):
                find_contact(session, named)


def test_answered_address_makes_its_contact_known(database: Database) -> None:
    """A contact whom an agent answered is known; an address of nobody changes nothing."""
    with database.writing() as session:
        contact_for(session, "ann@x.example")
        mark_known(session, "ann@x.example")
        mark_known(session, "nobody@x.example")
    with database.reading() as session:
        assert find_contact(session, "ann@x.example").known


FOUND = {
    "ann": ["Ann"],
    "ÉMILE": ["Émile"],
    "émile": ["Émile"],
    "x.example": ["Ann", "Émile"],
    "%": ["50% off"],
    "_": ["a_b"],
    "\\": ["back\\slash"],
    "' OR 1=1": [],
}


def test_contacts_are_found_by_name_or_address(database: Database) -> None:
    """Letters of any language match in any case, and the signs of LIKE are plain signs. The same on both."""
    with database.writing() as session:
        for name, email in [
            ("Ann", "ann@x.example"),
            ("Émile", "e@x.example"),
            ("50% off", "o@y.example"),
            ("a_b", "u@y.example"),
            ("back\\slash", "b@y.example"),
        ]:
            add_contact(session, name, [email])
    assert {words: names(database, words) for words in FOUND} == FOUND
