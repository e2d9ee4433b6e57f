"""Two gateways of two companies that write to each other, with acknowledgements on: they fall silent.

Each is the other's whole internet, so that nothing between them can stop a loop but they.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from journeys.desk import Desk
from peers.gatewayproc import GatewayProc
from peers.ports import LOOPBACK, free_port
from peers.swaks import swaks

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]
SILENCE_SECONDS = 6.0


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[Desk, Desk]]:
    """Two desks that acknowledge everybody; what one sends the other takes."""
    port = free_port()
    one = GatewayProc(tmp_path / "one", port, settings={"domain": "in.one.example"})
    listener = [{"address": f"{LOOPBACK}:{port}"}]
    two = GatewayProc(tmp_path / "two", one.port, settings={"domain": "in.two.example", "listener": listener})
    two.port = port
    desks = Desk(one).open("--acknowledge", "all"), Desk(two).open("--acknowledge", "all")
    with one, two:
        yield desks


def mails(desks: tuple[Desk, Desk]) -> int:
    """How many mails both have taken, as soon as nothing is under way, and for a while after that."""
    count, since = -1, 0.0
    while time.monotonic() < since + SILENCE_SECONDS or count < 0:
        audits = [desk.gateway.run("audit", "--json") for desk in desks]
        now = sum(audit["accepted"] for audit in audits)
        if now != count or any(audit["pending"] for audit in audits):
            count, since = now, time.monotonic()
        time.sleep(0.5)
    return count


def test_gateways_that_acknowledge_each_other_fall_silent(mirror: tuple[Desk, Desk]) -> None:
    """A mail of the one company's address to the other: it, its acknowledgement, and not one mail more."""
    one, two = mirror
    raw = f"From: Two <{two.address}>\r\nTo: {one.address}\r\nSubject: Hello\r\nMessage-ID: <h@x.example>\r\n\r\nHi\r\n"
    assert swaks(one.gateway.port, one.address, data=raw.encode()).code == 0
    two.until(lambda: bool(two.tickets()), "the acknowledgement is a ticket there")
    assert mails(mirror) <= 4
    [ticket] = two.tickets()
    assert two.ticket(ticket["number"])["messages"][0]["automatic"] is True


def test_agent_who_writes_to_another_gateway_hears_it_once(mirror: tuple[Desk, Desk]) -> None:
    """An agent's mail opens a ticket there, whose acknowledgement comes back into his ticket: then there is silence."""
    one, two = mirror
    one.gateway.run(
        "ticket", "new", "--queue", "Support", "--to", two.address, "--subject", "Order", "-m", "Please.", "--now"
    )
    two.ticket_about("Order")
    one.ticket_with(1, 2)
    assert mails(mirror) <= 4
    assert len(one.tickets()) == len(two.tickets()) == 1
