"""Marks and their keys: old ones verify for ever, made-up ones never."""

import os
import random
from base64 import b32encode

import pytest

from config.errors import Refused
from outbound.marks import Audience, Mark, Marks
from storage.addresses import BOUNCE_PREFIX, REPLY_PREFIX
from storage.database import Database
from storage.ids import new_id
from storage.installation import Installation, load_installation, rotate_key

OWN = ("in.desk.example", "old.desk.example")
# The whole number is a million: GATEWAY_TEST_TOKENS=1000000.
TOKENS = int(os.environ.get("GATEWAY_TEST_TOKENS", "20000"))


def opened(database: Database) -> Marks:
    """The marks as a process knows them that starts now."""
    with database.reading() as session:
        return Marks(load_installation(session), OWN)


def rotate(database: Database) -> int:
    """A command makes a new key."""
    with database.writing() as session:
        return rotate_key(session)


def test_marks_of_every_key_verify_for_ever(database: Database) -> None:
    """Ten rotations: what each key signed is still read, by a process that starts after the last of them."""
    mark = Mark(Audience.CUSTOMER, 12, new_id())
    addresses, ids = [], []
    for _ in range(10):
        marks = opened(database)
        addresses.append(marks.reply_address(mark))
        ids.append(marks.message_id(mark))
        rotate(database)
    assert len(set(addresses)) == 10
    marks = opened(database)
    assert {marks.read_reply_address(address.upper()) for address in addresses} == {mark}
    assert {marks.read_message_id(id_) for id_ in ids} == {mark}


def test_running_process_learns_a_new_key(database: Database) -> None:
    """It knows nothing of the new key's marks until it renews, and signs with it afterwards."""
    running, mark = opened(database), Mark(Audience.CUSTOMER, 12, new_id())
    rotate(database)
    address = opened(database).reply_address(mark)
    assert running.read_reply_address(address) is None
    with database.reading() as session:
        running.renew(session)
    assert running.read_reply_address(address) == mark
    assert running.reply_address(mark) == address


def test_key_whose_number_does_not_fit_is_refused(database: Database) -> None:
    """A mark has one octet for it: the 256th key is not made, and nothing breaks later."""
    for _ in range(254):
        last = rotate(database)
    assert last == 255
    with pytest.raises(Refused):
        rotate(database)


def made_up(chance: random.Random, number: int) -> str:
    """A token that somebody guesses: any, or one in which only the signature is a guess."""
    body = bytes([1 << 4 | number % 4, 1]) + (number % 1000).to_bytes(5, "big") + chance.randbytes(10) + bytes(4)
    raw = body + chance.randbytes(10) if number % 2 else chance.randbytes(31)
    return b32encode(raw).decode().rstrip("=").lower()


def test_made_up_tokens_are_never_accepted() -> None:
    """Half of them are right but for the signature; at no place is one taken for ours."""
    chance = random.Random(4711)
    marks = Marks(Installation("test", {1: chance.randbytes(32), 2: chance.randbytes(32)}), OWN)
    accepted = []
    for number in range(TOKENS):
        token = made_up(chance, number)
        local = (REPLY_PREFIX + token, BOUNCE_PREFIX + token, token)[number % 3]
        address = f"{local}@{OWN[0]}"
        if marks.read_recipient(address) or marks.read_message_id(f"<{address}>"):
            accepted.append(address)
    assert accepted == []
