"""One destination where everything hangs does not hold up the others."""

import asyncio
import time

from peers.replydesk import MakeDesk
from peers.sink import Sink
from peers.sinkscript import Act, Step

from outbound.lanes import Lanes
from storage.outbox import Delivery, DeliveryState


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


def test_domain_that_hangs_holds_up_nobody_else(make_desk: MakeDesk, sink: Sink) -> None:
    """Ninety mails to a domain that hangs come first; twenty to others are sent while all of those still wait."""
    desk = make_desk(sink, connections=4, command_timeout_seconds=60)
    number = desk.ticket("first@hangs.example")
    for place in range(90):
        sink.script.always(Step.RCPT, Act(delay=30), to=f"c{place}@hangs.example")
    for start in range(0, 90, 30):
        people = [f"c{place}@hangs.example" for place in range(start, start + 30)]
        desk.reply(number, to=people[:1], bcc=people[1:], yes=True, anyway=True)
    for place in range(20):
        desk.reply(desk.ticket(f"ann@c{place}.example"))
    started = time.monotonic()
    with desk.relay():
        while len(_sent(desk.deliveries())) < 20 and time.monotonic() < started + 25:
            time.sleep(0.1)
        took = time.monotonic() - started
        sent = _sent(desk.deliveries())
        sink.stop()
    assert len(sent) == 20, took
    assert not any("hangs" in one.recipient for one in sent)


def _sent(deliveries: list[Delivery]) -> list[Delivery]:
    return [one for one in deliveries if one.state is DeliveryState.SENT]
