"""What agents are told by mail: what they asked for, in one mail, and never what they did themselves."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message as Mail

import pytest
from fakes.house import House, mail
from peers.replydesk import CUSTOMER, Desk, MakeDesk
from peers.sink import Sink
from peers.sinkscript import STORE_AND_CLOSE, Act, Step
from sqlmodel import Session, select

from config.settings import Settings
from outbound.notices import send_due_notices
from storage import notices as stored
from storage.agents import Agent, NoticePace, add_agent, join_queue
from storage.database import Database
from storage.notices import Notice, _due
from storage.outbox import DeliveryState, Outgoing, OutgoingKind
from storage.queues import list_queues
from storage.suppression import suppress
from storage.tickets import assign, get_ticket

BEN = "ben@company.example"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time to gather."""
    monkeypatch.setattr(stored, "_GATHER", timedelta(0))


@pytest.fixture
def desk(sink: Sink, make_desk: MakeDesk) -> Desk:
    """A desk with Eva, who answers, and Ben in the queue's team, who wants to hear everything."""
    made = make_desk(sink, retry_seconds=[3600])
    made.change(_add_ben)
    return made


@pytest.fixture
def house(settings: Settings, database: Database) -> Iterator[House]:
    """A house whose agent and Ben both want to hear everything."""
    made = House(settings, database)
    with database.writing() as session:
        _add_ben(session)
        _listen(session, "agent@company.example", "all")
    yield made
    made.worker.close()


def _add_ben(session: Session) -> None:
    ben = add_agent(session, BEN, "Ben")
    for queue in list_queues(session):
        join_queue(session, ben, queue)
    _listen(session, BEN, "all")


def _listen(session: Session, email: str, words: str, pace: NoticePace = NoticePace.IMMEDIATE) -> None:
    agent = session.exec(select(Agent).where(Agent.email == email)).one()
    agent.notify = ",".join(stored.NoticeKind) if words == "all" else words
    agent.notice_pace = pace
    session.add(agent)


def _noted(where: Desk | House) -> list[tuple[str, str]]:
    """To whom what is noted."""
    with where.database.reading() as session:
        query = select(Agent.email, Notice.kind).where(Agent.id == Notice.agent_id).order_by(Notice.id)
        return [(email.partition("@")[0], str(kind)) for email, kind in session.exec(query)]


def _written(where: Desk | House) -> list[Mail]:
    """The notices that are in the outbox once those that are due were written."""
    send_due_notices(where.database, where.office)
    with where.database.reading() as session:
        query = select(Outgoing).where(Outgoing.kind == OutgoingKind.NOTICE).order_by(Outgoing.id)
        return [message_from_bytes(one.content) for one in session.exec(query)]


def test_new_ticket_is_told_to_the_team_of_its_queue(house: House) -> None:
    """Ben is in the team and hears of it, with what the customer wrote; who is in no team does not."""
    ticket = house.ticket_of(house.receive(mail("It smokes.")))
    assert _noted(house) == [("ben", "new")]
    [notice] = _written(house)
    assert notice["To"] == f"Ben <{BEN}>"
    assert f"#{ticket.id} My printer smokes" in notice["Subject"]
    assert "It smokes." in notice.get_payload()
    assert (notice["Auto-Submitted"], notice["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert _noted(house) == []


def test_answer_of_a_customer_is_told_to_the_assignee(house: House) -> None:
    """Once somebody is responsible, the others are left alone."""
    first = mail()
    ticket = house.ticket_of(house.receive(first))
    with house.database.writing() as session:
        agent = session.exec(select(Agent).where(Agent.email == "agent@company.example")).one()
        assign(session, get_ticket(session, ticket.id), agent.id, by=BEN, text=agent.email)
    id_ = message_from_bytes(first)["Message-ID"]
    house.receive(mail("And now it burns.", headers=f"In-Reply-To: {id_}\n"))
    assert _noted(house) == [("ben", "new"), ("agent", "assigned"), ("agent", "answered")]
    told = _written(house)
    assert [notice["To"] for notice in told] == ["Alex Agent <agent@company.example>", f"Ben <{BEN}>"]
    assert "And now it burns." in told[0].get_payload()
    assert "assigned to you by ben@company.example" in told[0].get_payload()


def test_out_of_office_of_a_customer_is_no_news(house: House) -> None:
    """A machine's answer changes nothing, and nobody is told."""
    first = mail()
    house.receive(first)
    id_ = message_from_bytes(first)["Message-ID"]
    house.receive(mail("Away.", headers=f"In-Reply-To: {id_}\nAuto-Submitted: auto-replied\n"))
    assert _noted(house) == [("ben", "new")]


def test_nobody_is_told_what_he_did_himself(desk: Desk) -> None:
    """Ben takes a ticket: no notice. Eva gives it to him: one."""
    number = desk.ticket()
    with desk.database.writing() as session:
        ben = session.exec(select(Agent).where(Agent.email == BEN)).one()
        assign(session, get_ticket(session, number), ben.id, by=BEN, text=BEN)
        assign(session, get_ticket(session, number), None, by=BEN, text="nobody")
    assert _noted(desk) == []
    desk.change(lambda s: assign(s, get_ticket(s, number), ben.id, by="eva@company.example", text=BEN))
    assert _noted(desk) == [("ben", "assigned")]


@pytest.mark.parametrize(
    ("step", "act", "state"),
    [
        (Step.RCPT, Act("550 5.1.1 No such user"), DeliveryState.BOUNCED),
        (Step.DOT, STORE_AND_CLOSE, DeliveryState.UNCERTAIN),
    ],
    ids=["bounced", "uncertain"],
)
def test_answer_that_fails_is_told_to_its_author(
    desk: Desk, sink: Sink, step: Step, act: Act, state: DeliveryState
) -> None:
    """Eva wrote it, so she hears of it, with the server's words; Ben does not."""
    desk.change(lambda s: _listen(s, "eva@company.example", "failed"))
    sink.script.once(step, act)
    desk.reply(desk.ticket())
    with desk.relay():
        [_, notice] = desk.wait_for(state, DeliveryState.SENT)
    assert notice.recipient == "eva@company.example"
    told = next(one for one in sink.mails if one.recipients == ("eva@company.example",))
    assert told.reverse_path == ""
    assert CUSTOMER.encode() in told.raw


def test_answer_that_waits_for_hours_is_told_once(desk: Desk, sink: Sink) -> None:
    """After four hours of attempts the author hears of it; further attempts tell nothing more."""
    desk.change(lambda s: _listen(s, "eva@company.example", "failed"))
    sink.script.always(Step.RCPT, "451 4.7.1 Greylisted")
    desk.reply(desk.ticket())
    desk.make_older(4 * 3600 + 1)
    for _ in range(2):
        with desk.relay():
            desk.wait_for(DeliveryState.DEFERRED, *[DeliveryState.DEFERRED] * (len(desk.deliveries()) - 1))
            desk.change(lambda s: s.connection().exec_driver_sql("UPDATE delivery SET next_attempt = '2020-01-01'"))
    kinds = [mail["To"] for mail in _written(desk)]
    assert kinds == ["Eva <eva@company.example>"]


def test_what_happens_together_comes_in_one_mail(desk: Desk) -> None:
    """Three tickets are given to Ben: one mail that names all three, and leads to none of them by its address."""
    numbers = [desk.ticket(f"c{place}@customer.example") for place in range(3)]
    with desk.database.writing() as session:
        ben = session.exec(select(Agent).where(Agent.email == BEN)).one()
        for number in numbers:
            assign(session, get_ticket(session, number), ben.id, by="eva@company.example", text=BEN)
    [notice] = _written(desk)
    assert "3 things" in notice["Subject"]
    assert all(f"#{number} " in notice.get_payload() for number in numbers)
    assert notice["Reply-To"] is None


def test_mark_in_a_notice_is_bound_to_its_agent(desk: Desk) -> None:
    """The reply address says that it was written to an agent, and to which."""
    number = desk.ticket()
    with desk.database.writing() as session:
        ben = session.exec(select(Agent).where(Agent.email == BEN)).one()
        assign(session, get_ticket(session, number), ben.id, by="eva@company.example", text=BEN)
    [notice] = _written(desk)
    mark = desk.office.marks.read_reply_address(notice["Reply-To"].partition("<")[2].rstrip(">"))
    assert mark is not None
    assert (mark.audience.name, mark.ticket_id, mark.is_bound) == ("AGENT", number, True)


def test_digest_waits_for_its_hour_or_its_morning() -> None:
    """Hourly: when the hour is over; daily: the next morning."""
    at = datetime(2026, 3, 4, 15, 20, tzinfo=UTC)
    assert _due(NoticePace.HOURLY, at) == datetime(2026, 3, 4, 16, 0, tzinfo=UTC)
    assert _due(NoticePace.DAILY, at) == datetime(2026, 3, 5, 6, 0, tzinfo=UTC)
    assert _due(NoticePace.DAILY, at.replace(hour=5)) == datetime(2026, 3, 4, 6, 0, tzinfo=UTC)
    assert _due(NoticePace.IMMEDIATE, at) == at


def test_storm_of_news_becomes_few_mails(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many mails in an hour the rest is gathered."""
    monkeypatch.setattr("outbound.notices._MAILS_PER_HOUR", 2)
    for _ in range(4):
        number = desk.ticket()
        with desk.database.writing() as session:
            ben = session.exec(select(Agent).where(Agent.email == BEN)).one()
            assign(session, get_ticket(session, number), ben.id, by="eva@company.example", text=BEN)
        send_due_notices(desk.database, desk.office)
    assert len(_written(desk)) == 2
    assert len(_noted(desk)) == 2


def test_agent_whose_address_refuses_is_not_written_to(desk: Desk) -> None:
    """A suppressed address gets no notice, and what was noted for it does not pile up."""
    desk.change(lambda s: suppress(s, BEN, "550 5.1.1 No such user"))
    number = desk.ticket()
    with desk.database.writing() as session:
        ben = session.exec(select(Agent).where(Agent.email == BEN)).one()
        assign(session, get_ticket(session, number), ben.id, by="eva@company.example", text=BEN)
    assert _written(desk) == []
    assert _noted(desk) == []
