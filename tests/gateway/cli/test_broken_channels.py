"""An operator's bad day: every channel is broken in its own way, each command says what to do, and no mail is lost."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from fakes.commandline import Cli
from fakes.house import mail
from peers.deaf import deaf
from peers.ports import free_port
from peers.replydesk import Desk
from peers.sink import Sink
from peers.sinkscript import Act, Step

from outbound import probe
from outbound.envelope import Patience
from storage.outbox import DeliveryState


@dataclass(frozen=True, slots=True)
class Broken:
    """A channel, where it leads, and what a person is told to do about it."""

    name: str
    port: int
    advice: str
    host: str = "127.0.0.1"


@pytest.fixture
def broken() -> Iterator[list[Broken]]:
    """Servers that are there, and are of no use."""
    with ExitStack() as stack:
        storm, grey, locked = (stack.enter_context(Sink()) for _ in range(3))
        storm.script.always(Step.MAIL, Act("421 4.3.2 Too many connections"))
        grey.script.always(Step.RCPT, Act("451 4.7.1 <ann@x.example>: Recipient address rejected: Greylisted"))
        locked.script.always(Step.AUTH, Act("535 5.7.8 Username and password not accepted"))
        yield [
            Broken("Deaf", stack.enter_context(deaf()), "no firewall is in between"),
            Broken("Gone", free_port(), "nothing answers there: check --host and --port"),
            Broken("Nameless", 587, "check --host", host="no-such-host.invalid"),
            Broken("Storm", storm.port, "lower --connections"),
            Broken("Grey", grey.port, "there is nothing to do"),
            Broken("Locked", locked.port, "set them again with `gateway channel edit`"),
        ]


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A server that takes everything."""
    with Sink() as running:
        yield running


@pytest.fixture
def desk(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The same installation with a relay that loses its patience soon."""
    quick = "undo_seconds = 0, command_timeout_seconds = 3, retry_seconds = [3600]"
    cli.config.write_text(cli.config.read_text().replace("undo_seconds = 60", quick))
    monkeypatch.setattr(probe, "_PATIENCE", Patience(2, 2))
    house = cli.house
    return Desk(house.settings, house.database, house.office, None, None)  # type: ignore[arg-type]


def _add(cli: Cli, way: Broken, place: int) -> None:
    """The channel, and an answer that leaves through it."""
    words = ("--kind", "smtp", "--host", way.host, "--port", str(way.port), "--from", f"{way.name}@company.example")
    security = "none" if way.host == "127.0.0.1" else "starttls"
    user = ("--security", security, "--user", "desk", "--password-stdin")
    cli.run("channel", "add", way.name, *words, *user, stdin="s3cret\n")
    cli.run("queue", "set", "Support", "--answer-via", way.name)
    cli.house.receive(mail(f"text {place}", author=f"c{place}@customer.example", subject=f"Matter {place}"))
    cli.run("reply", str(place), "-m", "Unplug it.")


def test_every_broken_channel_says_what_to_do_and_loses_nothing(
    cli: Cli, desk: Desk, broken: list[Broken], sink: Sink
) -> None:
    """`channel test`, `outbox show` and `status` agree; when all is put right each mail arrives, once."""
    for place, way in enumerate(broken, 1):
        _add(cli, way, place)
    with desk.relay():
        found = desk.wait_for(*[DeliveryState.DEFERRED] * len(broken))
    status = cli.run("status")
    delays = {one["channel"]: one for one in cli.json("status")["delays"]}
    for delivery, way in zip(found, broken, strict=True):
        assert way.advice in cli.json("outbox", "show", str(delivery.id))["advice"], way
        assert way.advice in cli.run("outbox", "show", str(delivery.id))
        assert (delays[way.name]["mails"], way.advice in delays[way.name]["advice"]) == (1, True)
        assert f"1 mail waits for {way.name} ({way.host}:{way.port})" in status
        assert way.advice in cli.run("channel", "test", way.name, "--send-to", "eva@other.example", exits=1)
    for way in broken:
        cli.run("channel", "edit", way.name, "--host", "127.0.0.1", "--port", str(sink.port), "--security", "none")
    with desk.relay():
        desk.wait_for(*[DeliveryState.SENT] * len(broken))
        time.sleep(0.2)
    assert sorted(one.recipients[0] for one in sink.mails) == [f"c{place}@customer.example" for place in range(1, 7)]
    assert cli.json("status")["delays"] == []
