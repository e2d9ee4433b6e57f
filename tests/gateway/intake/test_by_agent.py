"""Agents write by mail: with the address of their own notice and proof, and neither alone is anything."""

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes

import pytest
from fakes.house import House, mail
from fakes.signing import key_zone, sign
from peers.dns import dns_server
from sqlmodel import select

from config.receiving import DnsSettings
from config.settings import Settings
from gateway.intake.agent_words import agent_words
from outbound.marks import Audience, person_tag
from outbound.notices import send_due_notices
from storage import notices
from storage.agents import NoticePace, add_agent, join_queue
from storage.database import Database
from storage.joining import split_ticket
from storage.messages import Direction, Message
from storage.outbox import Outgoing, OutgoingKind
from storage.outbox_view import deliveries_of, list_deliveries
from storage.queues import list_queues
from storage.spool import Spool, SpoolState, release
from storage.tickets import Status, get_ticket

ALEX = "agent@company.example"
CARLA = "carla@customer.example"


@pytest.fixture
def desk(settings: Settings, database: Database) -> Iterator[House]:
    """A gateway whose agents may write by mail, and a DNS server that knows their company; ticket 1 is Carla's."""
    with dns_server(key_zone("company.example")) as server:
        asking = settings.model_copy(
            update={
                "dns": DnsSettings(nameservers=(server.address,), timeout_seconds=1),
                "intake": settings.intake.model_copy(update={"agents_by_mail": True}),
            }
        )
        house = House(asking, database)
        house.receive(mail())
        yield house
        house.worker.close()


def notice_address(house: House, agent: str = ALEX) -> str:
    """The reply address of a notice about ticket 1 that was made for an agent."""
    mark = house.mark(1, person=person_tag(agent), audience=Audience.AGENT)
    return house.office.marks.reply_address(mark)


def answer(
    house: House, text: str, *, author: str = ALEX, to: str = "", signed: bool = True, headers: str = ""
) -> Spool:
    """A mail to the address of a notice."""
    raw = mail(text, author=author, subject="Re: My printer smokes", headers=headers)
    return house.receive(sign(raw, "company.example") if signed else raw, to=to or notice_address(house))


def sent_to(house: House) -> list[str]:
    """Who gets a mail from us that a person wrote."""
    with house.database.reading() as session:
        found = list_deliveries(session, everything=True)
        return [delivery.recipient for delivery, outgoing in found if outgoing.kind is OutgoingKind.REPLY]


def last(house: House) -> Message:
    """The newest message of ticket 1."""
    return house.messages(1)[-1]


def test_proven_answer_to_a_notice_goes_to_the_customer(desk: House) -> None:
    """As the agent, into the thread, once; the mail is accounted for by the message that it became."""
    row = answer(desk, "Unplug it.\n\n> It smokes.\n")
    message = last(desk)
    assert (row.state, row.message_id) == (SpoolState.FILED, message.id)
    assert (message.direction, message.author_email, message.text) == (Direction.OUTBOUND, ALEX, "Unplug it.\n")
    assert sent_to(desk) == [CARLA]
    assert (desk.ticket(1).status, desk.ticket(1).assignee_id) == (Status.PENDING, desk.agent.id)
    with desk.database.reading() as session:
        assert len(deliveries_of(session, [message.id])[message.id]) == 1


def test_answer_to_a_real_notice_goes_to_the_customer(desk: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an agent's mail program does with Reply-To is enough."""
    monkeypatch.setattr(notices, "_GATHER", timedelta(0))
    with desk.database.writing() as session:
        alex = session.merge(desk.agent)
        alex.notify, alex.notice_pace = ",".join(notices.NoticeKind), NoticePace.IMMEDIATE
        session.add(alex)
        join_queue(session, alex, list_queues(session)[0])
    second = desk.ticket_of(desk.receive(mail(subject="Toner"))).id
    assert send_due_notices(desk.database, desk.office) == 1
    with desk.database.reading() as session:
        [notice] = session.exec(select(Outgoing).where(Outgoing.kind == OutgoingKind.NOTICE)).all()
    to = message_from_bytes(notice.content)["Reply-To"].partition("<")[2].rstrip(">")
    answer(desk, "It is in the cupboard.", to=to)
    assert desk.messages(second)[-1].text == "It is in the cupboard.\n"
    assert sent_to(desk) == [CARLA]


def test_answer_that_comes_twice_is_sent_once(desk: House) -> None:
    """A retry with other trace headers is the same mail."""
    to = notice_address(desk)
    raw = mail("Unplug it.", author=ALEX, message_id="<once@company.example>")
    desk.receive(sign(raw, "company.example"), to=to)
    again = desk.receive(b"Received: from x by y; today\r\n" + sign(raw, "company.example"), to=to)
    assert again.state is SpoolState.DUPLICATE
    assert sent_to(desk) == [CARLA]


def test_unproven_answer_is_held_until_somebody_confirms_it(desk: House) -> None:
    """A guessable From with a leaked address is nothing; released, it is the agent's."""
    row = answer(desk, "Unplug it.", signed=False)
    assert (row.state, row.reason.partition(":")[0]) == (SpoolState.HELD, "by-agent")
    assert (sent_to(desk), desk.ticket(1).messages) == ([], 1)
    with desk.database.writing() as session:
        release(session, session.merge(row))
    desk.work()
    assert desk.rows(row.id)[0].state is SpoolState.FILED
    assert sent_to(desk) == [CARLA]


def test_answer_to_a_notice_of_before_a_split_is_held(desk: House) -> None:
    """What the notice told of may be another customer's matter now; a person says who is meant."""
    to = notice_address(desk)
    eve = mail("mine too", author="eve@customer.example")
    desk.receive(eve, to=desk.office.marks.reply_address(desk.mark(1)))
    with desk.database.writing() as session:
        split_ticket(session, get_ticket(session, 1), session.get_one(Message, last(desk).id), by=ALEX)
    row = answer(desk, "Unplug it.", to=to)
    assert (row.state, "was split" in row.reason, sent_to(desk)) == (SpoolState.HELD, True, [])
    with desk.database.writing() as session:
        release(session, session.merge(row))
    desk.work()
    assert sent_to(desk) == [CARLA]


def test_address_of_a_notice_in_other_hands_is_nothing(desk: House) -> None:
    """A stranger's, and another agent's: held; released, it is an ordinary mail of that person."""
    with desk.database.writing() as session:
        add_agent(session, "eva@company.example", "Eva")
    for author in ("eva@company.example", "mallory@evil.example"):
        row = answer(desk, "Send money.", author=author)
        assert row.state is SpoolState.HELD
        with desk.database.writing() as session:
            release(session, session.merge(row))
        desk.work()
        filed = desk.rows(row.id)[0]
        assert desk.ticket_of(filed).id != 1
    assert sent_to(desk) == []


def test_proven_agent_without_the_address_is_an_ordinary_writer(desk: House) -> None:
    """His mail to the customer's reply address is no answer of the desk."""
    address = desk.office.marks.reply_address(desk.mark(1))
    row = answer(desk, "Unplug it.", to=address)
    assert row.state is SpoolState.FILED
    assert (last(desk).direction, sent_to(desk)) == (Direction.INBOUND, [])


def test_agents_by_mail_are_off_by_default(house: House) -> None:
    """Without the setting an answer to a notice is held, and says why; released, it is an ordinary mail."""
    house.receive(mail())
    row = house.receive(mail("Unplug it.", author=ALEX), to=notice_address(house))
    assert (row.state, "agents_by_mail" in row.reason) == (SpoolState.HELD, True)
    with house.database.writing() as session:
        release(session, session.merge(row))
    house.work()
    assert house.ticket_of(house.rows(row.id)[0]).id != 1
    assert sent_to(house) == []


def test_absence_of_an_agent_is_ignored(desk: House) -> None:
    """His automatic answer to a notice becomes nothing, and nothing answers it."""
    row = answer(desk, "I am away.", headers="Auto-Submitted: auto-replied\n")
    assert (row.state, desk.ticket(1).messages) == (SpoolState.IGNORED, 1)


def test_commands_in_the_first_lines_are_carried_out(desk: House) -> None:
    """Assigned, answered and closed with one mail; the commands are not sent."""
    with desk.database.writing() as session:
        eva = add_agent(session, "eva@company.example", "Eva")
    answer(desk, "#assign eva@company.example\n#close\n\nUnplug it.\n")
    ticket = desk.ticket(1)
    assert (ticket.assignee_id, ticket.status) == (eva.id, Status.CLOSED)
    assert last(desk).text == "Unplug it.\n"


def test_note_stays_inside(desk: House) -> None:
    """`#note` writes to agents alone."""
    answer(desk, "#note\nShe is a friend of the boss.\n")
    assert (last(desk).direction, last(desk).text) == (Direction.NOTE, "She is a friend of the boss.\n")
    assert sent_to(desk) == []


def test_what_cannot_be_done_stays_as_a_note_that_says_why(desk: House) -> None:
    """Nothing of a mail whose command is wrong is done; its text is not lost."""
    row = answer(desk, "#assign nobody@here.example\nUnplug it.\n")
    assert row.state is SpoolState.FILED
    assert last(desk).direction is Direction.NOTE
    assert "was not sent: There is no agent" in last(desk).text
    assert "Unplug it." in last(desk).text
    assert (sent_to(desk), desk.ticket(1).assignee_id) == ([], None)


def test_agent_names_the_customer_of_a_forwarded_mail(desk: House) -> None:
    """`@fwd EMAIL` above any text: the ticket is his, and the line is gone."""
    raw = mail("@fwd Dora@customer.example\n\nShe called: no toner left.\n", author=ALEX, subject="Fwd: Toner")
    ticket = desk.ticket_of(desk.receive(sign(raw, "company.example")))
    assert (ticket.customer_address, ticket.subject) == ("dora@customer.example", "Toner")
    assert desk.messages(ticket.id)[0].text.strip() == "She called: no toner left."


@pytest.mark.parametrize("named", ["agent@company.example", "no-reply@shop.example", "x@in.desk.example", "nonsense"])
def test_nobody_becomes_a_customer_by_command(desk: House, named: str) -> None:
    """An agent, a robot, an address of ours: the ticket stays the agent's."""
    raw = mail(f"@fwd {named}\n\nLook at this.\n", author=ALEX)
    assert desk.ticket_of(desk.receive(sign(raw, "company.example"))).customer_address == ALEX


@pytest.mark.parametrize("text", ["#1 is broken", "#notes are good", "Hello\n#close", "#assign", "@fwding", "# close"])
def test_text_that_looks_like_a_command_stays_text(text: str) -> None:
    """Only whole lines of known words that begin the text count."""
    assert agent_words(text).text == text
    assert agent_words(text).commands == ()
