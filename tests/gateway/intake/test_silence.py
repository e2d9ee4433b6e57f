"""A queue that usually gets mail and gets none: told once, by its own past, and over when mail comes."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
import time_machine
from fakes.house import House
from sqlmodel import select

from gateway.doctor_desk import examine_desk
from gateway.intake.silence import watch_silence
from storage import ids
from storage.accepting import accept
from storage.agents import Role, find_agent
from storage.mailboxes import Mailbox, MailboxKind, add_mailbox
from storage.notices import Notice
from storage.queues import find_queue
from storage.silence import silent_queues
from storage.spool import Arrival, SpoolState, find_rows

# A Monday; since ten o'clock nothing has come.
AT = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)
LAST = datetime(2026, 11, 23, 9, 20, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def past(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids of this test begin in its past, and end with it."""
    monkeypatch.setattr(ids, "_sequence", ids._Sequence())


def come(house: House, at: datetime, count: int, *, to: str = "", written: datetime | None = None) -> str:
    """So many mails come at a time; returns the id of the first."""
    contents = [f"Subject: {at} {number}\r\n\r\nHello\r\n".encode() for number in range(count)]
    arrivals = [
        Arrival("a@x.example", (to or house.address,), sha256(raw).hexdigest(), len(raw), raw, written or at)
        for raw in contents
    ]
    with time_machine.travel(at, tick=False), house.database.writing_connection() as connection:
        return accept(connection, arrivals)[0]


def usual_weeks(house: House, *mails: int, to: str = "") -> None:
    """So many mails between ten and half past one, in each of the weeks before; and one at nine today."""
    for back, count in zip(range(len(mails), 0, -1), mails, strict=True):
        come(house, LAST - back * WEEK, 1, to=to)
        if count:
            come(house, AT - timedelta(hours=2) - back * WEEK, count, to=to)
    come(house, LAST, 1, to=to)


def look(house: House, at: datetime = AT) -> list[str]:
    """What the chores do at this time, several times; which queues are silent then."""
    with time_machine.travel(at, tick=False):
        for _ in range(3):
            with house.database.writing() as session:
                watch_silence(session, house.settings)
        with house.database.reading() as session:
            return [one.queue for one in silent_queues(session)]


def told(house: House) -> list[str]:
    """What agents are told."""
    with house.database.reading() as session:
        return [one.headline for one in session.exec(select(Notice)).all()]


@pytest.fixture
def manager(house: House) -> None:
    """Its agent is a manager, who has asked to hear nothing."""
    with house.database.writing() as session:
        find_agent(session, house.agent.email).role = Role.MANAGER


def test_silent_queue_is_told_once_and_until_mail_comes(house: House, manager: None) -> None:
    """To the managers where nobody asked to hear of it; doctor says so too. The next mail ends it."""
    usual_weeks(house, 12, 12, 14, 11)
    assert look(house) == ["Support"]
    assert look(house, AT + timedelta(hours=1)) == ["Support"]
    assert told(house) == ["the queue Support gets no mail since 2026-11-23 10:00 UTC"]
    with house.database.reading() as session:
        assert any("gets no mail since" in one.text for one in examine_desk(session))
    come(house, AT + timedelta(hours=2), 1)
    assert look(house, AT + timedelta(hours=2)) == []
    assert len(told(house)) == 1


@pytest.mark.parametrize(
    "mails",
    [(12,), (12, 12, 12, 0), (3, 3, 60, 3), (2, 2, 2, 2)],
    ids=["one-week-known", "one-week-quiet", "one-week-busy", "little-mail"],
)
def test_silence_that_happens_is_no_alarm(house: House, manager: None, mails: tuple[int, ...]) -> None:
    """Where the past is short, where it was silent before, where one week was a feast, where little comes at all."""
    usual_weeks(house, *mails)
    assert look(house) == []
    assert told(house) == []


def test_night_and_weekend_are_as_silent_as_ever(house: House, manager: None) -> None:
    """Only the same hours of the week are compared."""
    usual_weeks(house, 12, 12, 12, 12)
    come(house, AT - timedelta(hours=2), 12)
    assert look(house, AT + timedelta(hours=30)) == []


def test_mail_of_the_past_does_not_count(house: House, manager: None) -> None:
    """An import does not make a queue busy."""
    for back in (4, 3, 2, 1):
        come(house, LAST - back * WEEK, 1)
        come(house, AT - timedelta(hours=2) - back * WEEK, 12, written=AT - 20 * WEEK)
    come(house, LAST, 1)
    assert look(house) == []


def test_plumbing_does_not_end_a_silence(house: House, manager: None) -> None:
    """A test of the forward came home by another way; customers' mail did not."""
    usual_weeks(house, 12, 12, 12, 12)
    id_ = come(house, AT - timedelta(hours=1), 1)
    with house.database.writing() as session:
        for row in find_rows(session, id_):
            session.merge(row).state = SpoolState.SETUP
    assert look(house) == ["Support"]


def test_connected_mailbox_counts_for_its_queue(house: House, manager: None) -> None:
    """Its mail has the mailbox's address as its recipient."""
    inbox = "inbox@company.example"
    with house.database.writing() as session:
        queue = find_queue(session, "Support").number
        add_mailbox(session, Mailbox(address=inbox, queue_id=queue, kind=MailboxKind.IMAP, host="h", user="u"))
    usual_weeks(house, 12, 12, 12, 12, to=inbox)
    assert look(house) == ["Support"]


def test_without_the_setting_nothing_is_counted(house: House, manager: None) -> None:
    """`silence_mails = 0`."""
    forwarding = house.settings.forwarding.model_copy(update={"silence_mails": 0})
    house.settings = house.settings.model_copy(update={"forwarding": forwarding})
    usual_weeks(house, 12, 12, 12, 12)
    assert look(house) == []


def test_long_past_is_counted_in_portions(house: House, manager: None) -> None:
    """Nobody is judged by half of it."""
    for hour in range(40):
        come(house, AT - 4 * WEEK - timedelta(days=3) + timedelta(hours=hour), 1)
    usual_weeks(house, 12, 12, 12, 12)
    with time_machine.travel(AT, tick=False), house.database.writing() as session:
        watch_silence(session, house.settings)
        assert silent_queues(session) == []
    assert look(house) == ["Support"]
