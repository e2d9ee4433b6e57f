"""Creation addresses: unguessable, never mistaken for a reply address, routing for ever."""

import re

import pytest
from sqlmodel import Session

from config.errors import AlreadyThere, AskedWrongly, NotFound
from storage.addresses import (
    AddressState,
    find_address,
    list_addresses,
    new_address,
    queue_ids_by_address,
    retire_address,
)
from storage.database import Database
from storage.queues import Queue, add_queue

DOMAIN = "in.desk.example"


def queue(session: Session, name: str = "Support") -> Queue:
    """A queue of this name."""
    return add_queue(session, Queue(name=name))


def test_generated_address_is_slug_dot_and_ten_characters(database: Database) -> None:
    """A queue's address can be read, and ends in ten characters of base32."""
    with database.writing() as session:
        address = new_address(session, queue(session, "Vendas & Cotação"), DOMAIN).address
    assert re.fullmatch(r"vendas-cotacao\.[a-z2-7]{10}@in\.desk\.example", address)


def test_generated_addresses_have_fifty_random_bits(database: Database) -> None:
    """Of 120 addresses no two are alike, and at every place stand nearly all characters of the alphabet."""
    with database.writing() as session:
        support = queue(session)
        secrets = [new_address(session, support, DOMAIN).address.partition(".")[2][:10] for _ in range(120)]
    assert len(set(secrets)) == 120
    # 32 characters at ten places are 2 ** 50. Of 120 draws hardly one character in 45 is missing.
    assert min(len({secret[place] for secret in secrets}) for place in range(10)) >= 25


def test_generated_address_of_any_queue_is_valid_and_not_reserved(database: Database) -> None:
    """Whatever a queue is called, its address has a valid local part that no reply address begins like."""
    for name in ("Re: sales", "B-team", "re-", "客服", "...", "x" * 300, "Ünïcode " * 20):
        with database.writing() as session:
            address = new_address(session, queue(session, name), DOMAIN).address
            assert find_address(session, address.upper()).address == address
        local = address.partition("@")[0]
        assert not local.startswith(("re-", "b-"))
        assert len(local) <= 64


def test_plain_local_part_is_taken_as_written(database: Database) -> None:
    """A local part that is asked for makes this address, in lower case."""
    with database.writing() as session:
        assert new_address(session, queue(session), "In.Desk.Example", local_part="Help").address == f"help@{DOMAIN}"


def test_reserved_local_part_is_refused(database: Database) -> None:
    """Names of the gateway's own addresses cannot be creation addresses."""
    with database.writing() as session:
        support = queue(session)
        for local_part in ("postmaster", "Postmaster", "re-x", "b-1", "RE-x"):
            with pytest.raises(AskedWrongly, match="reserved"):
                new_address(session, support, DOMAIN, local_part=local_part)


def test_bad_local_part_is_refused(database: Database) -> None:
    """A local part that a mail server could stumble over is refused."""
    with database.writing() as session:
        support = queue(session)
        for local_part in ("a b", "a@b", "a..b", ".a", "a.", '"a"', "a+b", "ä", "a" * 65, "a\x00"):
            with pytest.raises(AskedWrongly):
                new_address(session, support, DOMAIN, local_part=local_part)


def test_address_that_is_taken_is_refused(database: Database) -> None:
    """An address is made once, also when it is retired."""
    with database.writing() as session:
        support = queue(session)
        new_address(session, support, DOMAIN, local_part="help")
        retire_address(session, f"help@{DOMAIN}")
        with pytest.raises(AlreadyThere):
            new_address(session, support, DOMAIN, local_part="HELP")


def test_retired_address_still_routes(database: Database) -> None:
    """A retired address is retired and found, and the listener's map still has it."""
    with database.writing() as session:
        support = queue(session)
        address = new_address(session, support, DOMAIN).address
        retire_address(session, address)
        assert find_address(session, address).state is AddressState.RETIRED
        assert queue_ids_by_address(session) == {address: support.number}


def test_addresses_of_one_queue_are_listed_apart(database: Database) -> None:
    """A list names the addresses of the queue that is asked for, oldest first, or all."""
    with database.writing() as session:
        support, sales = queue(session), queue(session, "Sales")
        made = [new_address(session, one, DOMAIN).address for one in (support, sales, support)]
        assert [row.address for row in list_addresses(session)] == made
        assert [row.address for row in list_addresses(session, support.number)] == [made[0], made[2]]


def test_address_that_is_not_ours_is_not_found(database: Database) -> None:
    """A foreign address and garbage are NotFound, never trouble of the database."""
    with database.reading() as session:
        for address in ("nobody@in.desk.example", "garbage", "", "a\x00b@in.desk.example", "\udcff@x.example"):
            with pytest.raises(NotFound):
                find_address(session, address)
