"""Storms are held and go on by themselves when they are over; people who write much are no storm."""

from datetime import timedelta

import pytest
import time_machine
from fakes.house import House, mail

from config.clock import now
from gateway.intake import worker
from gateway.intake.subject import layers
from gateway.reading.child_process import Unreadable
from outbound.marks import LOOP_HEADER
from storage.allowlist import allow
from storage.spool import SpoolState
from storage.storms import release_allowed

FILED, HELD = SpoolState.FILED, SpoolState.HELD
CARLA = "carla@customer.example"


def alarms(house: House, count: int) -> list[str]:
    """So many different mails of one author; their ids."""
    ids = [house.accept(mail(f"text {n}", subject=f"Alarm {n}")) for n in range(count)]
    house.work()
    return ids


def states(house: House, ids: list[str]) -> list[SpoolState]:
    """What became of them."""
    return [house.rows(id_)[0].state for id_ in ids]


def later(house: House, minutes: float) -> None:
    """The worker does its chores so much later."""
    with time_machine.travel(now() + timedelta(minutes=minutes), tick=True):
        house.worker._chores._storms_at = 0.0
        house.worker._chores.do_due()
        house.work()


@pytest.mark.parametrize(
    "subject",
    [
        "[#7254] Undeliverable: [#7253]",
        "Automatic reply: Automatic reply: Automatic reply: Printer",
        "Re: [#3] Re: [#2] Re: [#1] Printer",
        "Unzustellbar: Abwesenheitsnotiz: Réponse automatique: Drucker",
    ],
)
def test_subject_that_robots_have_grown_is_held(house: House, subject: str) -> None:
    """Three layers of robots in a subject: the reason names both ends."""
    row = house.receive(mail(subject=subject))
    assert (row.state, row.reason.partition(":")[0]) == (HELD, "growing-subject")
    assert CARLA in row.reason
    assert house.address in row.reason


@pytest.mark.parametrize("subject", ["Re: Re: Re: Re: AW: Fwd: Printer", "Re: [#12] Printer", "Undeliverable: Printer"])
def test_subject_that_people_have_grown_is_no_storm(house: House, subject: str) -> None:
    """Answers to answers, one tag, one returned mail: ordinary."""
    assert layers(subject) < 2
    assert house.receive(mail(subject=subject)).state is FILED


def test_mails_that_cannot_be_read_are_no_repetition(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their substitutes share a subject and a forwarder: ten of them are ten tickets."""
    broken = Unreadable("broken", is_deterministic=True)
    monkeypatch.setattr(house.worker._reader, "read", lambda raws, _: [broken for _ in raws])
    ids = [house.accept(mail(f"text {n}")) for n in range(10)]
    house.work()
    assert set(states(house, ids)) == {SpoolState.QUARANTINED}


def test_mails_that_say_all_in_their_subject_are_no_repetition(house: House) -> None:
    """No text is not the same text."""
    ids = [house.accept(mail("", subject=f"Order {n}")) for n in range(6)]
    house.work()
    assert set(states(house, ids)) == {FILED}


def test_allowed_author_is_never_held_as_a_storm(house: House) -> None:
    """His mail passes, and the trace says why; another author is held as before."""
    with house.database.writing() as session:
        allow(session, "@monitor.example", "agent@company.example")
    rows = [house.receive(mail("down", subject="Alarm", author="a@monitor.example")) for _ in range(5)]
    assert {row.state for row in rows} == {FILED}
    assert ["repetition", "allowed"] in [line[:2] for line in rows[-1].trace]
    assert house.receive(mail("down", subject="Alarm")).state is FILED
    assert [house.receive(mail("down", subject="Alarm")).state for _ in range(3)][-1] is HELD


def test_allowing_an_author_lets_his_held_mail_go_on(house: House) -> None:
    """What is held of him is filed at once, what is held of others stays."""
    ids = alarms(house, 23)
    others = [house.receive(mail("x", subject="Beep", author="b@else.example")).id for _ in range(4)]
    with house.database.writing() as session:
        allow(session, CARLA, "agent@company.example")
        assert len(release_allowed(session)) == 3
    house.work()
    assert set(states(house, ids)) == {FILED}
    assert states(house, others)[-1] is HELD


def test_storm_that_is_over_goes_on_by_itself(house: House) -> None:
    """Not within the hour, and after it without anybody's word; the reason stands in the trace."""
    ids = alarms(house, 23)
    later(house, 30)
    assert states(house, ids).count(HELD) == 3
    later(house, 61)
    assert set(states(house, ids)) == {FILED}
    assert ["flood", "waived"] in [line[:2] for line in house.rows(ids[-1])[0].trace]


def test_large_storm_goes_on_in_portions(house: House) -> None:
    """As many at once as an author may open tickets, the next ones an hour later."""
    ids = alarms(house, 50)
    assert states(house, ids).count(HELD) == 30
    later(house, 61)
    assert states(house, ids).count(HELD) == 10
    later(house, 90)
    assert states(house, ids).count(HELD) == 10
    later(house, 125)
    assert states(house, ids).count(HELD) == 0


def test_author_who_goes_on_is_not_quiet(house: House) -> None:
    """Each further mail that is held begins the hour again."""
    ids = alarms(house, 21)
    with time_machine.travel(now() + timedelta(minutes=40), tick=True):
        ids.append(house.receive(mail("more", subject="Alarm more")).id)
    later(house, 61)
    assert states(house, ids).count(HELD) == 2
    later(house, 102)
    assert states(house, ids).count(HELD) == 0


def test_what_is_held_for_another_reason_waits_for_a_person(house: House) -> None:
    """Unknown contacts are no storm that ends."""
    house.set_queue("Support", known_contacts_only=True)
    row = house.receive(mail())
    later(house, 10_000)
    assert house.rows(row.id)[0].state is HELD


def test_loop_mark_of_a_foreign_gateway_means_a_machine(house: House) -> None:
    """It stands on automatic mail only: a ticket, and no acknowledgement, though nothing else says so."""
    house.set_queue("Support", acknowledge="all")
    row = house.receive(mail(headers=f"{LOOP_HEADER}: 0dk3v8q2c1a5m7n9;00112233445566778899\n"))
    assert row.state is FILED
    assert house.ticket_of(row).messages == 1
    assert "loop mark" in next(why for asked, _, why in row.trace if asked == "acknowledge")


def test_chores_release_at_once_when_a_worker_starts(house: House) -> None:
    """A gateway that was off over the hour does not wait another one."""
    ids = alarms(house, 21)
    with time_machine.travel(now() + timedelta(hours=2), tick=True):
        fresh = worker.IntakeWorker(house.settings, house.database, house.office)
        while fresh.work_once():
            pass
        fresh.close()
    assert set(states(house, ids)) == {FILED}
