"""The relay as a process that may be stopped or killed at any moment, and the ways that are no server."""

import os
import signal
import subprocess
import sys
import time
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from peers.ports import until
from peers.replydesk import CUSTOMER, Desk, MakeDesk, open_desk, settings_for
from peers.sink import Sink
from peers.sinkscript import Act, Step, Then

from config.clock import now
from outbound.courier import Courier
from storage.blocklist import block
from storage.channels import Channel, ChannelKind, add_channel, remove_channel
from storage.dispatch import Claim, claim_due, give_up_attempt, mark_dot, take_lost
from storage.due import Wanted
from storage.outbox import DeliveryState
from storage.tickets import Status

SENT = DeliveryState.SENT
PROGRAM = """
import sys
from config.settings import Settings
from outbound.worker import serve_relay
serve_relay(Settings.model_validate_json(sys.argv[1]))
"""


def _start(desk: Desk) -> "subprocess.Popen[bytes]":
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, desk.settings.model_dump_json()],
        env=os.environ | {"PYTHONPATH": str(root)},
        stderr=subprocess.DEVNULL,
    )


def _wait_for_command(sink: Sink, verb: str, timeout: float = 60) -> None:
    until(lambda: any(line.upper().startswith(verb) for _, line in sink.commands), timeout, verb)


@pytest.mark.parametrize("step", [Step.BANNER, Step.MAIL, Step.RCPT, Step.DATA])
def test_relay_killed_before_the_dot_repeats_the_mail(both_desk: Desk, sink: Sink, step: Step) -> None:
    """kill -9 anywhere before the final dot: the next relay sends the mail, once."""
    sink.script.once(step, Act("", then=Then.SILENCE))
    both_desk.reply(both_desk.ticket())
    relay = _start(both_desk)
    if step is Step.BANNER:
        until(lambda: sink.connections > 0, 60, "a connection")
    else:
        _wait_for_command(sink, step.upper())
    relay.kill()
    relay.wait()
    assert both_desk.delivery().state is DeliveryState.SENDING
    with both_desk.relay():
        both_desk.wait_for(SENT)
    sink.stays_at(1, 0.2)


def test_relay_killed_after_the_dot_leaves_an_uncertain_mail(both_desk: Desk, sink: Sink) -> None:
    """kill -9 between the dot and its reply: nobody knows, so nothing is repeated and the ticket says so."""
    sink.script.once(Step.DOT, Act("", then=Then.SILENCE, stored=True))
    number = both_desk.ticket()
    both_desk.reply(number)
    relay = _start(both_desk)
    sink.wait_for(1, timeout=60)
    relay.kill()
    relay.wait()
    with both_desk.relay():
        both_desk.wait_for(DeliveryState.UNCERTAIN)
        sink.stays_at(1, 0.3)
    assert both_desk.read_ticket(number).status is Status.OPEN


def test_sigterm_finishes_the_mail_under_way(desk: Desk, sink: Sink) -> None:
    """SIGTERM while the server thinks about the dot: its answer is still written down, then the process ends."""
    sink.script.once(Step.DOT, Act(delay=1.0))
    desk.reply(desk.ticket())
    relay = _start(desk)
    _wait_for_command(sink, "DATA")
    relay.send_signal(signal.SIGTERM)
    assert relay.wait(10) == 0
    assert desk.delivery().state is SENT


def test_idle_relay_ends_at_once_and_costs_nothing(desk: Desk) -> None:
    """Without work the process uses next to no CPU, and SIGTERM ends it within seconds."""
    relay = _start(desk)
    until((desk.settings.data_dir / "wake-relay").exists, 60, "the relay listens")
    time.sleep(1)
    before = _cpu_seconds(relay.pid)
    time.sleep(3)
    used = _cpu_seconds(relay.pid) - before
    started = time.monotonic()
    relay.send_signal(signal.SIGTERM)
    assert relay.wait(10) == 0
    assert time.monotonic() - started < 5
    assert used < 0.1


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_mail_taken_over_by_another_worker_gets_no_dot(desk: Desk) -> None:
    """A lease that has ended belongs to whoever took it: the first worker may not send the dot any more."""
    desk.reply(desk.ticket())
    with desk.database.writing() as session:
        [first] = claim_due(session, Claim("first", -1, Wanted(10)))
    with desk.database.writing() as session:
        [second] = claim_due(session, Claim("second", 60, Wanted(10)))
    with desk.database.writing() as session:
        assert not mark_dot(session, first.deliveries, 60)
        assert mark_dot(session, second.deliveries, 60)


def test_mail_that_an_error_of_ours_stopped_is_tried_again_soon(
    both_desk: Desk, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error before the dot costs one wait between attempts, not the rest of the lease."""
    real, broken = Courier.send, []

    async def send(self: Courier, *arguments: Any) -> Any:
        if not broken:
            broken.append(True)
            raise TypeError("ours")
        return await real(self, *arguments)

    monkeypatch.setattr(Courier, "send", send)
    both_desk.reply(both_desk.ticket())
    with both_desk.relay():
        [delivery] = both_desk.wait_for(SENT)
    assert delivery.attempts == 2
    assert len(sink.stays_at(1, 0.2)) == 1


def test_mail_given_up_after_the_dot_is_uncertain(desk: Desk) -> None:
    """An error of ours after the dot: nobody knows what became of it, so it is not tried again."""
    desk.reply(desk.ticket())
    with desk.database.writing() as session:
        [job] = claim_due(session, Claim("first", 60, Wanted(10)))
        assert mark_dot(session, job.deliveries, 60)
        give_up_attempt(session, job.deliveries, "ours", now())
    with desk.database.writing() as session:
        assert claim_due(session, Claim("second", 60, Wanted(10))) == []
        assert [lost.state for lost in take_lost(session)] == [DeliveryState.UNCERTAIN]


def test_two_relays_send_each_mail_once(both_desk: Desk, sink: Sink) -> None:
    """Two workers on one database share the work and repeat none of it."""
    for place in range(20):
        both_desk.reply(both_desk.ticket(f"c{place}@customer.example"))
    with both_desk.relay(), both_desk.relay():
        both_desk.wait_for(*[SENT] * 20)
    assert len(sink.stays_at(20, 0.2)) == 20


def test_address_blocked_after_the_reply_gets_nothing(desk: Desk, sink: Sink) -> None:
    """The worker asks the block list again: state blocked, the ticket is told, no connection is made."""
    number = desk.ticket()
    desk.reply(number)
    desk.change(lambda s: block(s, CUSTOMER, "eva"))
    with desk.relay():
        [delivery] = desk.wait_for(DeliveryState.BLOCKED)
    assert "block list" in delivery.last_reply
    assert desk.read_ticket(number).status is Status.OPEN
    assert sink.connections == 0


def test_without_servers_mail_becomes_files(make_desk: MakeDesk, tmp_path: Path) -> None:
    """No default server: an .eml file in `outgoing` that has the envelope on top and the mail unchanged below."""
    desk = make_desk()
    sent = desk.reply(desk.ticket(), cc=["ben@customer.example"])
    with desk.relay():
        [delivery, _] = desk.wait_for(SENT, SENT)
    [path] = (tmp_path / "outgoing").iterdir()
    mail = message_from_bytes(path.read_bytes())
    assert mail["Message-ID"] == sent.header_id
    assert mail.get_all("Delivered-To") == [CUSTOMER, "ben@customer.example"]
    assert str(path) in delivery.last_reply


def test_folder_channel_writes_where_it_says(desk: Desk, sink: Sink, tmp_path: Path) -> None:
    """A channel of kind folder keeps its mail away from the servers."""
    with desk.database.writing() as session:
        channel = add_channel(
            session, Channel(name="Look", key="", kind=ChannelKind.FOLDER, folder=str(tmp_path / "x"))
        )
        desk.queue.answer_via = channel.number
        session.merge(desk.queue)
    desk.reply(desk.ticket())
    with desk.relay():
        desk.wait_for(SENT)
    assert len(list((tmp_path / "x").iterdir())) == 1
    assert sink.connections == 0


def test_mail_of_a_removed_channel_waits(desk: Desk, sink: Sink, tmp_path: Path) -> None:
    """It never takes another way by itself; the reply in the outbox says what happened."""
    with desk.database.writing() as session:
        channel = add_channel(
            session, Channel(name="Gone", key="", kind=ChannelKind.FOLDER, folder=str(tmp_path / "x"))
        )
        desk.queue.answer_via = channel.number
        session.merge(desk.queue)
    desk.reply(desk.ticket())
    desk.change(lambda s: remove_channel(s, "Gone"))
    with desk.relay():
        [delivery] = desk.wait_for(DeliveryState.DEFERRED)
    assert "removed" in delivery.last_reply
    assert sink.connections == 0


def test_folder_that_cannot_be_written_defers(make_desk: MakeDesk, tmp_path: Path) -> None:
    """A full or missing disk is our own fault: the mail waits."""
    (tmp_path / "outgoing").write_text("a file where the folder should be")
    desk = make_desk()
    desk.reply(desk.ticket())
    with desk.relay():
        [delivery] = desk.wait_for(DeliveryState.DEFERRED)
    assert "outgoing" in delivery.last_reply


def test_waits_grow_with_the_attempts_and_are_scattered(tmp_path: Path) -> None:
    """The list of waits is followed, its last one repeats, and no two waits are the same."""
    from datetime import timedelta

    from config.clock import now
    from outbound.outcomes import next_attempt

    settings = settings_for(tmp_path, retry_seconds=[60, 300]).outbound
    waits = [(next_attempt(settings, attempts) - now()).total_seconds() for attempts in (1, 2, 3, 50)]
    assert 53 < waits[0] < 73
    assert all(269 < wait < 361 for wait in waits[1:])
    assert len(set(waits)) == 4
    assert next_attempt(settings, 0) - now() < timedelta(seconds=73)


def test_mail_with_an_address_in_another_alphabet_asks_for_smtputf8(desk: Desk, sink: Sink) -> None:
    """SMTPUTF8 is asked for where it is needed, and only there."""
    desk.reply(desk.ticket("дарья@customer.example"))
    desk.reply(desk.ticket("ann@customer.example"))
    with desk.relay():
        desk.wait_for(SENT, SENT)
    asked = {mail.recipients[0]: "SMTPUTF8" in mail.mail_parameters for mail in sink.mails}
    assert asked == {"дарья@customer.example": True, "ann@customer.example": False}


def test_server_that_cannot_take_the_address_bounces_it(tmp_path: Path) -> None:
    """No SMTPUTF8 there: refused by us, with words that say why."""
    from peers.sinksession import Offer

    with Sink(Offer(smtputf8=False)) as sink:
        desk = open_desk(settings_for(tmp_path, sink))
        desk.reply(desk.ticket("дарья@customer.example"))
        with desk.relay():
            [delivery] = desk.wait_for(DeliveryState.BOUNCED)
        desk.database.close()
        assert "SMTPUTF8" in delivery.last_reply
        assert sink.mails == []


def test_dots_at_the_beginning_of_lines_survive(desk: Desk, sink: Sink) -> None:
    """Dot-stuffing: a line that is only a dot is a line of the mail, not its end."""
    desk.reply(desk.ticket(), text=".\n..\n.hidden\nend", plain=True)
    with desk.relay():
        desk.wait_for(SENT)
    body = message_from_bytes(sink.mails[0].raw).get_payload(decode=True)
    assert body.replace(b"\r\n", b"\n").startswith(b".\n..\n.hidden\nend\n")
    assert sink.violations == []
