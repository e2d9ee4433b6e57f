"""A forward by a real mail server, tried with `queue check`: it works, or the refusal is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from journeys.desk import INBOX, Desk
from peers.gatewayproc import GatewayProc
from peers.postfix import Postfix, Routes
from peers.sink import Sink
from peers.sinkscript import Step

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


@pytest.fixture
def forwarded(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """A desk whose answers leave through Postfix, which forwards the inbox to the desk."""
    with Sink() as elsewhere:
        desk = Desk(GatewayProc(tmp_path / "gateway", elsewhere.port, database_url)).open()
        routes = Routes(aliases={INBOX: desk.address}, relays={"in.desk.example": desk.gateway.port})
        with Postfix(routes) as postfix:
            settings = desk.gateway.settings_file
            settings.write_text(settings.read_text().replace(f"port = {elsewhere.port}", f"port = {postfix.port}"))
            with desk.gateway:
                yield desk


def check(desk: Desk, exits: int, *words: str) -> Any:
    """The result of the test of one inbox."""
    [told] = desk.gateway.run("queue", "check", "Support", *words, "--json", exits=exits)
    return told


def test_check_of_a_forward_that_works_tells_its_way(forwarded: Desk) -> None:
    """The mail goes round by Postfix; the inbox is learnt, nothing of it was changed, and there is no ticket."""
    told = check(forwarded, 0, "--inbox", INBOX, "--seconds", "60")
    assert (told["state"], told["address"]) == ("arrived", forwarded.address)
    assert told["seconds"] < 60
    assert told["changed"] == []
    assert {"From", "Subject", "Message-ID", "X-Gateway-Loop"} <= set(told["kept"])
    assert forwarded.tickets() == []
    assert forwarded.audit()["fates"]["setup"] == 1
    assert forwarded.gateway.run("queue", "show", "Support", "--json")["sources"] == [INBOX]


def test_check_of_an_inbox_that_refuses_tells_its_words(tmp_path: Path, sink: Sink, desk: Desk) -> None:
    """What the first server says ends it, with exit status 1."""
    sink.script.always(Step.RCPT, "550 5.1.1 No such user", to=INBOX)
    with desk.gateway:
        told = check(desk, 1, "--seconds", "60")
    assert told["state"] == "refused"
    assert "No such user" in told["refusal"]
    assert desk.tickets() == []
