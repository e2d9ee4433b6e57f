"""The daily digest of what waits for a person's decision: to managers, once a day, and only when there is something."""

from datetime import timedelta

from fakes.house import House, mail
from sqlmodel import select

from config.clock import now
from config.settings import Settings
from gateway.intake.digest import headers_of, waiting_mails, write_digest
from gateway.intake.worker import IntakeWorker
from gateway.reading.parse import read_mail
from outbound.post_office import open_post_office
from storage.agents import NoticeKind, Role, add_agent
from storage.notices import Notice
from storage.rules import Rule, add_rule

DAY = timedelta(days=1)


def add_manager(house: House) -> int:
    """A manager who wants to hear nothing else."""
    with house.database.writing() as session:
        manager = add_agent(session, "boss@company.example", "Bo Boss")
        manager.role = Role.MANAGER
        session.add(manager)
        return manager.id or 0


def hold(house: House, count: int = 1) -> list[str]:
    """Mails that a rule holds; their ids."""
    with house.database.writing() as session:
        add_rule(session, Rule(position=0, conditions=["subject contains offer"], actions=["hold"]))
    authors = [f"Ann <ann{number}@customer.example>" for number in range(count)]
    return [house.receive(mail(f"Buy {author}", subject="An offer", author=author)).id for author in authors]


def remind(house: House, settings: Settings, *, later: timedelta = DAY) -> list[Notice]:
    """What the worker does, at a later time; all notices that there are then."""
    at = (now() + later).replace(hour=12)
    with house.database.writing() as session:
        rows = waiting_mails(session, settings, at)
        mails = [read_mail(header) for header in headers_of(session, house.office.blobs, rows)]
        if rows:
            write_digest(session, settings, at, rows, mails)
    with house.database.reading() as session:
        return list(session.exec(select(Notice)).all())


def test_manager_is_told_each_mail_with_the_command_that_releases_it(house: House) -> None:
    """Who wrote, what about, why it is held, and what to type."""
    manager = add_manager(house)
    [id_] = hold(house)
    [notice] = remind(house, house.settings)
    assert (notice.agent_id, notice.kind, notice.headline) == (
        manager,
        NoticeKind.HELD,
        "A mail waits for your decision",
    )
    assert f"gateway mail release {id_}\n" in notice.excerpt
    assert "ann0@customer.example: An offer (rule 1: hold" in notice.excerpt


def test_digest_comes_once_a_day_and_counts_what_it_does_not_show(house: House) -> None:
    """Twelve wait, ten are shown; the same day nothing more comes, the next day it does."""
    add_manager(house)
    hold(house, 12)
    [notice] = remind(house, house.settings)
    assert notice.headline == "12 mails wait for your decision"
    assert notice.excerpt.count("gateway mail release") == 10
    assert "... and 2 more: gateway mail held" in notice.excerpt
    assert len(remind(house, house.settings)) == 1
    assert len(remind(house, house.settings, later=2 * DAY)) == 2


def test_nobody_is_told_when_nothing_waits_or_nobody_manages_or_it_is_off(house: House) -> None:
    """Three reasons for silence."""
    hold(house)
    assert remind(house, house.settings) == []
    add_manager(house)
    intake = house.settings.intake.model_copy(update={"held_digest_hour": -1})
    assert remind(house, house.settings.model_copy(update={"intake": intake})) == []
    with house.database.writing() as session:
        session.connection().exec_driver_sql("UPDATE spool SET state = 'ignored'")
    assert remind(house, house.settings) == []


def test_worker_writes_the_digest_by_itself(house: House) -> None:
    """Its chores do it, once."""
    add_manager(house)
    hold(house)
    intake = house.settings.intake.model_copy(update={"held_digest_hour": 0})
    settings = house.settings.model_copy(update={"intake": intake})
    again = IntakeWorker(settings, house.database, open_post_office(settings, house.database))
    again.work_once()
    again.close()
    with house.database.reading() as session:
        assert len(session.exec(select(Notice)).all()) == 1
