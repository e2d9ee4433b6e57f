"""Bounces that come back: what they change, and what a stranger's false one does not."""

import json
import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.house import House, mail

from outbound.drafts import Draft, SentReply
from outbound.marks import Audience, Mark, person_tag
from outbound.replies import send_reply
from storage.address import canonical_address
from storage.outbox import Delivery, DeliveryState
from storage.spool import SpoolState
from storage.tickets import Event, Status

CORPUS = os.environ.get("GATEWAY_TEST_BOUNCES", "")
CUSTOMER = "carla@customer.example"


def _answer(house: House, customer: str = CUSTOMER) -> tuple[int, SentReply]:
    """A ticket whose answer has left."""
    ticket = house.ticket_of(house.receive(mail(author=f"Carla <{customer}>", subject=customer)))
    return ticket.id, _send(house, ticket.id)


def _send(house: House, number: int) -> SentReply:
    sent = send_reply(house.database, house.office, house.agent, number, Draft("Off.", anyway=True, now=True))
    with house.database.writing() as session:
        session.exec(sa.update(Delivery).values(state=DeliveryState.SENT))
    return sent


def _delivery(house: House, sent: SentReply) -> Delivery:
    with house.database.reading() as session:
        return session.get_one(Delivery, next(iter(sent.deliveries)))


def _return_path(house: House, number: int, sent: SentReply) -> str:
    delivery = _delivery(house, sent)
    mark = Mark(Audience.CUSTOMER, number, delivery.outgoing_id, person_tag(delivery.recipient))
    return house.office.marks.return_path(mark)


def _report(
    cited: str, recipient: str = CUSTOMER, *, own_id: str = "<dsn@mail.example>", action: str = "failed"
) -> bytes:
    status = "5.1.1" if action == "failed" else "4.4.1"
    text = f"""From: MAILER-DAEMON@mail.example
To: somebody@in.desk.example
Subject: Undelivered Mail Returned to Sender
Message-ID: {own_id}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It did not work.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 No such user
--b
Content-Type: text/rfc822-headers

From: support@company.example
Subject: Re: x
Message-ID: {cited}

--b--
"""
    return text.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("by", ["return path", "id"])
def test_bounce_marks_its_recipient_and_reopens_the_ticket(house: House, by: str) -> None:
    """By the return path alone, and by the id of the returned mail alone; it stands in the ticket."""
    number, sent = _answer(house)
    cited = sent.header_id if by == "id" else "<other@x.example>"
    to = house.address if by == "id" else _return_path(house, number, sent)
    row = house.receive(_report(cited), to=to, reverse_path="")
    assert house.ticket_of(row).id == number
    assert _delivery(house, sent).state is DeliveryState.BOUNCED
    assert "5.1.1" in _delivery(house, sent).last_reply
    assert house.ticket(number).status is Status.OPEN


def test_delay_changes_nothing_and_stands_in_the_ticket(house: House) -> None:
    """The mail may still arrive."""
    number, sent = _answer(house)
    row = house.receive(_report(sent.header_id, action="delayed"), reverse_path="")
    assert house.ticket_of(row).id == number
    assert _delivery(house, sent).state is DeliveryState.SENT
    assert house.ticket(number).status is Status.PENDING


def test_report_that_bears_the_id_of_our_mail_is_no_loop(house: House) -> None:
    """Some servers give a report the id of the mail that it is about."""
    number, sent = _answer(house)
    row = house.receive(_report(sent.header_id, own_id=sent.header_id), reverse_path="")
    assert house.ticket_of(row).id == number
    assert _delivery(house, sent).state is DeliveryState.BOUNCED


def test_guess_by_address_annotates_and_silences_nobody(house: House) -> None:
    """A report without our marks: no ticket, no change of state, one line in the newest ticket of that address."""
    number, sent = _answer(house)
    row = house.receive(_report("<forged@evil.example>"), reverse_path="")
    assert row.state is SpoolState.REPORT
    assert f"perhaps about ticket {number}" in row.reason
    assert _delivery(house, sent).state is DeliveryState.SENT
    assert house.ticket(number).status is Status.PENDING
    with house.database.reading() as session:
        events = session.exec(sa.select(Event.text).where(Event.ticket_id == number, Event.kind == "report")).all()
    assert len(events) == 1
    assert "without proof" in events[0][0]


def test_report_about_somebody_else_says_nothing(house: House) -> None:
    """Backscatter about an address that we never wrote to."""
    _answer(house)
    row = house.receive(_report("<x@y.example>", "nobody@elsewhere.example"), reverse_path="")
    assert (row.state, row.reason) == (SpoolState.REPORT, "report: a report that cites no mail of ours")


@pytest.mark.skipif(not CORPUS, reason="GATEWAY_TEST_BOUNCES names no folder of bounces with an expected.jsonl")
@pytest.mark.timeout(1200)
def test_bounces_of_many_systems_find_their_mail(house: House) -> None:
    """At least 97 of 100 that cite a mail of ours reach its recipient, and none opens a ticket."""
    right = wrong = 0
    tickets: dict[str, int] = {}
    for line in (Path(CORPUS) / "expected.jsonl").read_text().splitlines():
        told = json.loads(line)
        original = told["expect"].get("report.original_message_id", "").strip("<>").encode()
        raw = (Path(CORPUS) / told["file"]).read_bytes()
        address = told["expect"].get("report.recipients.0.address", "")
        if not original or original not in raw or canonical_address(address) is None:
            continue
        if address not in tickets:
            tickets[address], _ = _answer(house, address)
        number, sent = tickets[address], _send(house, tickets[address])
        row = house.receive(raw.replace(original, sent.header_id.strip("<>").encode()), reverse_path="")
        assert row.message_id is None or house.ticket_of(row).id == number, told["file"]
        is_failed = told["expect"].get("report.recipients.0.action", "failed") == "failed"
        is_right = row.message_id is not None and (
            _delivery(house, sent).state is DeliveryState.BOUNCED or not is_failed
        )
        right, wrong = right + is_right, wrong + (not is_right)
    assert right > 100
    assert right / (right + wrong) >= 0.97
