"""One destination where everything hangs does not hold up the others."""

import asyncio

import pytest
from fakes.rows import send_mail
from peers.replydesk import MakeDesk
from peers.sink import Sink
from peers.sinkscript import Act, Step

from outbound.lanes import Lanes


async def test_domain_gets_all_connections_but_one() -> None:
    """Of four connections three go to a domain that asks for many; the fourth is there for another one at once."""
    lanes = Lanes(4)
    hanging, entered = asyncio.Event(), []

    async def one(domain: str) -> None:
        async with lanes.enter(domain):
            entered.append(domain)
            if domain == "slow.example":
                await hanging.wait()

    slow = [asyncio.create_task(one("slow.example")) for _ in range(9)]
    await asyncio.sleep(0.05)
    assert entered == ["slow.example"] * 3
    await asyncio.wait_for(one("quick.example"), 1)
    hanging.set()
    await asyncio.gather(*slow)
    assert len(entered) == 10


async def test_only_connection_is_for_everybody() -> None:
    """A server that allows one connection serves each domain in turn."""
    lanes = Lanes(1)
    for domain in ("a.example", "b.example", "a.example"):
        async with lanes.enter(domain):
            pass


async def test_place_of_who_gave_up_is_free_again() -> None:
    """A mail that is cancelled while it waits takes nobody's place."""
    lanes = Lanes(2)
    async with lanes.enter("a.example"):
        waiting = asyncio.create_task(_through(lanes, "a.example"))
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.wait_for(_through(lanes, "a.example"), 1)


async def _through(lanes: Lanes, domain: str) -> None:
    async with lanes.enter(domain):
        pass


@pytest.mark.parametrize("destinations", [40, pytest.param(5_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_domain_that_hangs_holds_up_nobody_else(make_desk: MakeDesk, sink: Sink, destinations: int) -> None:
    """Ninety mails to a domain that hangs come first; one to each other is sent while all of those still wait.

    Of the twenty connections sixteen hang, as many as one domain may have under way.
    """
    desk = make_desk(sink, connections=20, command_timeout_seconds=600)
    hanging = [f"c{place}@hangs.example" for place in range(90)]
    for address in hanging:
        sink.script.always(Step.RCPT, Act(delay=600), to=address)
    with desk.database.writing() as session:
        for address in [*hanging, *(f"ann@c{place}.example" for place in range(destinations))]:
            send_mail(session, address)
    with desk.relay():
        sink.wait_for(destinations, timeout=60 + destinations / 7)
        sent = sink.mails
        sink.stop()
    assert len(sent) == destinations
    assert not any("hangs" in mail.recipients[0] for mail in sent)
