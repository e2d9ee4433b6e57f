"""Addresses that refuse our mail get no automatic mail, until somebody writes from there."""

import sqlalchemy as sa
from fakes.house import House, mail

from outbound.drafts import Draft, SentReply
from outbound.guard import why_not
from outbound.replies import send_reply
from storage.messages import Direction
from storage.outbox import Delivery, DeliveryState, OutgoingKind
from storage.suppression import Suppressed, list_suppressed, suppress

CARLA = "carla@customer.example"


def _answer(house: House) -> SentReply:
    """An agent has answered Carla's mail, and it was sent."""
    ticket = house.ticket_of(house.receive(mail()))
    reply = send_reply(house.database, house.office, house.agent, ticket.id, Draft("Turn it off.", now=True))
    with house.database.writing() as session:
        session.exec(sa.update(Delivery).values(state=DeliveryState.SENT))
    return reply


def _suppressed(house: House) -> list[Suppressed]:
    with house.database.reading() as session:
        return list_suppressed(session)


def _failure(reply: SentReply, status: str) -> bytes:
    return _report(
        f"Final-Recipient: rfc822; {CARLA}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; 550 {status} no\n",
        "delivery-status",
        "message/delivery-status",
        reply.header_id,
    )


def _complaint(reply: SentReply) -> bytes:
    block = f"Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\nOriginal-Rcpt-To: <{CARLA}>\n"
    return _report(block, "feedback-report", "message/feedback-report", reply.header_id)


def _report(block: str, kind: str, content_type: str, original_id: str) -> bytes:
    """RFC 3464, or RFC 5965."""
    text = f"""From: Mail Delivery System <mailer-daemon@mx.example>
To: someone@in.desk.example
Subject: Report
Message-ID: <{kind}.{abs(hash(block))}@mx.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind}; boundary="b"

--b
Content-Type: text/plain

About your mail.

--b
Content-Type: {content_type}

Reporting-MTA: dns; mx.example

{block}
--b
Content-Type: message/rfc822

Message-ID: {original_id}
Subject: Re: My printer smokes

--b--
"""
    return text.replace("\n", "\r\n").encode()


def test_hard_bounce_stops_automatic_mail_and_warns_the_next_agent(house: House) -> None:
    """5.1.1: the address is remembered with what its server said, and the next answer to it is a warned one."""
    reply = _answer(house)
    house.receive(_failure(reply, "5.1.1"), reverse_path="")
    [row] = _suppressed(house)
    assert row.address == CARLA
    assert "5.1.1" in row.reason
    again = send_reply(house.database, house.office, house.agent, reply.ticket, Draft("Again.", anyway=True))
    assert any("refused our mail" in line for line in again.lines)


def test_full_mailbox_stops_nothing(house: House) -> None:
    """5.2.2 is no word about the address: nobody is silenced."""
    house.receive(_failure(_answer(house), "5.2.2"), reverse_path="")
    assert _suppressed(house) == []


def test_complaint_stops_automatic_mail(house: House) -> None:
    """Who calls our mail unwanted gets no more by itself; what was delivered stays delivered."""
    reply = _answer(house)
    house.receive(_complaint(reply), reverse_path="complaints@provider.example")
    [row] = _suppressed(house)
    assert (row.address, "complained" in row.reason) == (CARLA, True)


def test_report_that_cites_nothing_of_ours_silences_nobody(house: House) -> None:
    """A stranger's report has no valid id of ours in it."""
    reply = _answer(house)
    forged = _failure(reply, "5.1.1").replace(reply.header_id.encode(), b"<forged@elsewhere.example>")
    house.receive(forged, reverse_path="")
    assert _suppressed(house) == []


def test_suppressed_address_gets_answers_and_no_automatic_mail(house: House) -> None:
    """The guard stops an acknowledgement, with what the server said, and lets an agent's answer pass."""
    with house.database.writing() as session:
        suppress(session, CARLA, "550 5.1.1 no such user")
    with house.database.reading() as session:
        whys = {kind: why_not(session, house.office, CARLA, kind) for kind in OutgoingKind}
    assert whys[OutgoingKind.REPLY] == ""
    assert "550 5.1.1" in whys[OutgoingKind.ACKNOWLEDGEMENT]
    assert "550 5.1.1" in whys[OutgoingKind.NOTICE]


def test_any_mail_from_the_address_ends_it(house: House) -> None:
    """Who writes is there: his mail is acknowledged again."""
    house.set_queue("Support", acknowledge="all")
    with house.database.writing() as session:
        suppress(session, CARLA, "550 5.1.1 no such user")
    ticket = house.ticket_of(house.receive(mail()))
    assert _suppressed(house) == []
    assert [m.direction for m in house.messages(ticket.id)] == [Direction.INBOUND, Direction.OUTBOUND]


def test_report_is_no_sign_of_life(house: House) -> None:
    """A report that pretends to come from the address itself does not end it."""
    reply = _answer(house)
    with house.database.writing() as session:
        suppress(session, CARLA, "550 5.1.1 no such user")
    report = _failure(reply, "5.1.1").replace(b"mailer-daemon@mx.example", CARLA.encode())
    house.receive(report, reverse_path="")
    assert [row.address for row in _suppressed(house)] == [CARLA]
