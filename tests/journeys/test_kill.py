"""Kill -9 in the middle of deliveries: what was answered 250 is one ticket, not none and not two.

The sender is honest and tries again; its ledger is the judge.
"""

import os
import random
import time
from pathlib import Path
from signal import SIGKILL

import pytest
from journeys.answers import read
from journeys.desk import INBOX, Desk, plain_mail
from journeys.load import Load, sending
from journeys.parts import parts_of
from peers.ports import until
from peers.sink import Sink
from peers.sinkscript import Act, Step
from peers.swaks import swaks

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


def kill_often(desk: Desk, load: Load, kills: int) -> None:
    """Kill everything so many times, spread over the load at moments that nobody chose, and start it again."""
    chance = random.Random(kills)
    share = len(load.files) // (kills + 1)
    for number in range(kills):
        load.wait_for(share * number + chance.randrange(1, share))
        time.sleep(chance.uniform(0, 0.1))
        assert load.process.poll() is None, "the load was over before the kill"
        desk.gateway.kill()
        desk.gateway.start()


def test_nothing_is_lost_or_doubled_when_everything_is_killed(desk: Desk, tmp_path: Path) -> None:
    """200 mails, four kills of all processes at once: each 250 is exactly one ticket."""
    with desk.gateway, sending(desk, tmp_path / "load", 200) as load:
        kill_often(desk, load, 4)
        load.finish()
        load.judge(desk)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_is_lost_or_doubled_when_everything_is_killed_again_and_again(desk: Desk, tmp_path: Path) -> None:
    """600 mails, forty kills of all processes at once: each 250 is exactly one ticket."""
    with desk.gateway, sending(desk, tmp_path / "load", 600) as load:
        kill_often(desk, load, 40)
        load.finish()
        load.judge(desk)


def test_killed_part_is_started_again_and_nothing_is_lost(desk: Desk, tmp_path: Path) -> None:
    """Intake, the listener, and intake again die one by one: each is replaced, and the load arrives whole."""
    with desk.gateway, sending(desk, tmp_path / "load", 120) as load:
        for number, role in enumerate(["intake", "listener", "intake"], start=1):
            load.wait_for(25 * number)
            kill_part(desk, role)
        load.finish()
        load.judge(desk)
        assert desk.gateway.log_file.read_text().count("a part died and is started again") == 3


def test_parts_end_by_themselves_when_their_supervisor_is_killed(desk: Desk, tmp_path: Path) -> None:
    """After kill -9 of the supervisor alone no part stays behind, and another gateway takes over the whole load."""
    with desk.gateway, sending(desk, tmp_path / "load", 60) as load:
        load.wait_for(20)
        group = desk.gateway.pid
        os.kill(group, SIGKILL)
        os.waitpid(group, 0)
        until(lambda: not group_lives(group), 60, "the parts end")
        desk.gateway.kill()
        desk.gateway.start()
        load.finish()
        load.judge(desk)


def test_answer_is_sent_again_when_the_relay_is_killed_before_the_dot(desk: Desk, sink: Sink) -> None:
    """The server hesitates at RCPT, the relay dies: it goes out once, with the id that it had."""
    with desk.gateway:
        number = opened_ticket(desk)
        sink.script.once(Step.RCPT, Act(delay=20.0))
        desk.reply(number, "It is in Lisbon.")
        until(lambda: any(line.startswith("RCPT") for _, line in list(sink.commands)), 60, "RCPT was said")
        kill_part(desk, "relay")
        desk.delivery_in(number, "sent")
        [mail] = sink.stays_at(1, 2.0)
        assert read(mail.raw)["Message-ID"] == desk.ticket(number)["messages"][1]["message_id"]


def test_answer_is_uncertain_when_the_relay_is_killed_after_the_dot(desk: Desk, sink: Sink) -> None:
    """The server has the mail and hesitates with its 250, the relay dies: nobody gets it twice, the agent is told."""
    with desk.gateway:
        number = opened_ticket(desk)
        sink.script.once(Step.DOT, Act(delay=20.0))
        desk.reply(number, "It is in Lisbon.")
        sink.wait_for(1, timeout=60)  # stored, and not yet answered
        kill_part(desk, "relay")
        desk.delivery_in(number, "uncertain")
        sink.stays_at(1, 5.0)
        assert desk.ticket(number)["status"] == "open"


def opened_ticket(desk: Desk) -> int:
    """A ticket that a customer has opened."""
    said = swaks(desk.gateway.port, desk.address, data=plain_mail(1, "where is it", to=INBOX))
    assert said.code == 0, said.transcript
    number: int = desk.ticket_about("where is it")["number"]
    return number


def kill_part(desk: Desk, role: str) -> None:
    """Kill one part, and wait until the supervisor has started another."""
    [pid] = parts_of(desk.gateway.pid, role)
    os.kill(pid, SIGKILL)
    until(lambda: parts_of(desk.gateway.pid, role) not in ([pid], []), 60, f"another {role}")


def group_lives(group: int) -> bool:
    """Whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
