"""A queue may refuse answers to what it does not reopen: they are held, and their authors are told once."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from fakes.house import House, days_ago, mail
from sqlmodel import col, select

from storage.messages import Direction
from storage.outbox import Outgoing, OutgoingKind
from storage.queues import Acknowledge, LateAnswers
from storage.spool import Spool, SpoolState, release
from storage.tickets import Status

STRANGER = "Sam Stranger <sam@elsewhere.example>"
CARLA = "carla@customer.example"
ANSWER = "In-Reply-To: <a@x.example>\n"


@pytest.fixture
def closed(house: House) -> int:
    """Carla's ticket, which an agent answered, closed a month ago, in a queue that refuses late answers."""
    house.set_queue("Support", late_answers=LateAnswers.REFUSE)
    number = house.ticket_of(house.receive(mail(message_id="<a@x.example>"))).id
    house.reply(number, "Unplug it.")
    house.change_ticket(number, status=Status.CLOSED, settled_at=days_ago(30))
    return number


def refusals(house: House) -> list[EmailMessage]:
    """What we wrote to authors of late answers, the oldest first."""
    query = select(Outgoing.content).where(Outgoing.kind == OutgoingKind.REFUSAL).order_by(col(Outgoing.id))
    with house.database.reading() as session:
        mails = [message_from_bytes(content, policy=policy.default) for content in session.exec(query).all()]
    return [one for one in mails if isinstance(one, EmailMessage)]


def told(row: Spool) -> tuple[str, str]:
    """Whether the author was told, and why not."""
    return next((answer, why) for asked, answer, why in row.trace if asked == "refusal")


def test_a_late_answer_is_held_and_its_author_is_told(house: House, closed: int) -> None:
    """The mail waits for a person, the ticket stays closed and shows both, and the words are nobody's but ours."""
    row = house.receive(mail("SPAM again", message_id="<late@x.example>", headers=ANSWER))
    assert (row.state, row.reason.partition(":")[0], told(row)[0]) == (SpoolState.HELD, "late-answer", "yes")
    [sent] = refusals(house)
    assert (sent["To"], sent["Auto-Submitted"], sent["In-Reply-To"]) == (CARLA, "auto-replied", "<late@x.example>")
    assert "SPAM" not in str(sent)
    assert str(closed) in str(sent.get_body(("plain",)))
    assert house.ticket(closed).status is Status.CLOSED
    newest = house.messages(closed)[-1]
    assert (newest.direction, newest.kind, newest.automatic) == (Direction.OUTBOUND, "refusal", True)
    assert ("held", f"an answer of {CARLA} came too late: {row.id}") in house.events(closed)


def test_an_author_is_told_once(house: House, closed: int) -> None:
    """Every late answer is held; of the same ticket he hears once, of all tickets once a day."""
    rows = [house.receive(mail(f"again {n}", headers=ANSWER)) for n in range(3)]
    assert [row.state for row in rows] == [SpoolState.HELD] * 3
    assert [told(row)[0] for row in rows] == ["yes", "no", "no"]
    assert f"about ticket {closed}" in told(rows[1])[1]
    other = house.ticket_of(house.receive(mail(subject="Other", message_id="<b@x.example>"))).id
    house.change_ticket(other, status=Status.SOLVED, settled_at=days_ago(20))
    late = house.receive(mail("and this", subject="Other", headers="In-Reply-To: <b@x.example>\n"))
    assert (late.state, told(late)[0], len(refusals(house))) == (SpoolState.HELD, "no", 1)


def test_who_answers_the_refusal_gets_a_linked_ticket(house: House, closed: int) -> None:
    """By its reply address, or by its Message-ID through the inbox: he insists, and nothing is refused again."""
    house.receive(mail("again", headers=ANSWER))
    [sent] = refusals(house)
    address = sent["Reply-To"].addresses[0].addr_spec
    first = house.ticket_of(house.receive(mail("please", headers=ANSWER), to=address)).id
    second = house.ticket_of(house.receive(mail("really", headers=f"In-Reply-To: {sent['Message-ID']}\n{ANSWER}"))).id
    assert house.links(first) == [(closed, "follow-up")]
    assert house.links(second) == [(closed, "follow-up")]


def test_a_released_late_answer_is_a_linked_ticket(house: House, closed: int) -> None:
    """The person who looked at it has decided."""
    row = house.receive(mail("again", headers=ANSWER))
    with house.database.writing() as session:
        release(session, session.merge(row))
    house.work()
    made = house.ticket_of(house.rows(row.id)[0])
    assert house.links(made.id) == [(closed, "follow-up")]


def test_within_reopen_days_nothing_is_refused(house: House, closed: int) -> None:
    """Young tickets reopen as ever; with 0 days every answer to a solved one is late."""
    house.change_ticket(closed, settled_at=days_ago(3))
    assert house.ticket_of(house.receive(mail("again", headers=ANSWER))).id == closed
    assert house.ticket(closed).status is Status.OPEN
    house.set_queue("Support", reopen_days=0)
    house.change_ticket(closed, status=Status.SOLVED, settled_at=days_ago(0))
    assert house.receive(mail("and again", headers=ANSWER)).state is SpoolState.HELD


def test_a_new_subject_is_a_new_matter(house: House, closed: int) -> None:
    """He answers an old mail because it is at hand, and does what he would be told to do."""
    made = house.ticket_of(house.receive(mail("x", subject="Invoice", headers=ANSWER)))
    assert house.links(made.id) == [(closed, "follow-up")]


@pytest.mark.parametrize(
    "headers", ["Auto-Submitted: auto-replied\n", "Precedence: bulk\n", "X-Gateway-Loop: other;00\n"]
)
def test_a_machine_is_filed_and_told_nothing(house: House, closed: int, headers: str) -> None:
    """It belongs where it belongs, and nobody writes to it; so two gateways that refuse fall silent."""
    row = house.receive(mail("away", headers=ANSWER + headers))
    assert (house.ticket_of(row).id, refusals(house)) == (closed, [])
    assert house.ticket(closed).status is Status.CLOSED


def test_a_stranger_with_a_leaked_address_is_told_nothing(house: House, closed: int) -> None:
    """Nothing proves that he is who he says: his mail is held, and no forged sender gets a mail."""
    address = house.office.marks.reply_address(house.mark(closed))
    row = house.receive(mail("hello", author=STRANGER), to=address)
    assert (row.state, told(row)[0], refusals(house)) == (SpoolState.HELD, "no", [])


def test_a_queue_that_acknowledges_all_tells_all(house: House, closed: int) -> None:
    """What an acknowledgement may do, this may."""
    house.set_queue("Support", acknowledge=Acknowledge.ALL)
    address = house.office.marks.reply_address(house.mark(closed))
    assert told(house.receive(mail("hello", author=STRANGER), to=address))[0] == "yes"


def test_nobody_is_told_at_an_address_where_nobody_reads(house: House, closed: int) -> None:
    """The guard of all automatic mail is asked here too."""
    house.set_queue("Support", acknowledge=Acknowledge.ALL)
    address = house.office.marks.reply_address(house.mark(closed))
    row = house.receive(mail("hello", author="no-reply@shop.example"), to=address)
    assert refusals(house) == []
    assert row.state in (SpoolState.HELD, SpoolState.FILED)
