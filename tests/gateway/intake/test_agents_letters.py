"""An agent answers a customer from his own mail program, with the desk in copy: proof makes it part of the ticket."""

from collections.abc import Iterator

import pytest
from fakes.house import House, mail
from fakes.signing import key_zone, sign
from peers.dns import dns_server

from config.receiving import DnsSettings
from config.settings import Settings
from storage.database import Database
from storage.tickets import Status

ALEX, CARLA = "agent@company.example", "carla@customer.example"
ANSWER = "In-Reply-To: <a@x.example>\nCc: support@company.example\n"


@pytest.fixture
def house(settings: Settings, database: Database) -> Iterator[House]:
    """A gateway that asks DNS, with Carla's ticket 1; the agent's company signs its mail."""
    with dns_server(key_zone("company.example")) as server:
        dns = DnsSettings(nameservers=(server.address,), timeout_seconds=1)
        house = House(settings.model_copy(update={"dns": dns}), database)
        house.name_inbox("support@company.example")
        house.receive(mail(message_id="<a@x.example>"))
        yield house
        house.worker.close()


def letter(text: str = "Unplug it.", *, headers: str = ANSWER, **words: str) -> bytes:
    """What the agent writes to Carla."""
    return mail(text, author=ALEX, to=CARLA, headers=headers, **words)


def test_a_proven_letter_joins_the_ticket(house: House) -> None:
    """By any evidence: as the agent's, unflagged, and nothing of it is sent once more."""
    for n, words in enumerate(({}, {"headers": "Cc: support@company.example\n", "subject": "[#1] My printer"})):
        row = house.receive(sign(letter(f"Unplug it. {n}", **words), "company.example"))
        assert house.ticket_of(row).id == 1
        assert house.messages(1)[-1].flags == []
    assert (house.people(1)[ALEX], house.ticket(1).customer_address) == ("agent", CARLA)
    assert house.ticket(1).status is Status.NEW


def test_what_the_customer_answers_to_it_joins_too(house: House) -> None:
    """She answers the agent's letter, which we have never sent."""
    house.receive(sign(letter(message_id="<l@company.example>"), "company.example"))
    row = house.receive(mail("done", subject="x", headers="In-Reply-To: <l@company.example>\n"))
    assert house.ticket_of(row).id == 1


def test_a_letter_without_proof_is_a_linked_ticket(house: House) -> None:
    """An agent's From is easy to guess."""
    other = house.ticket_of(house.receive(letter()))
    assert house.links(other.id) == [(1, "related")]
    assert ALEX not in house.people(1)
