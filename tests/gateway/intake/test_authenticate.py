"""Authenticity from the socket's facts to the ticket, with DNS from a server of the test."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fakes.house import House, mail
from fakes.signing import key_zone, seal, sign
from peers.dns import DnsServer, dns_server

from config.receiving import DnsSettings
from config.settings import Settings
from gateway.intake.dns import Lookups
from gateway.reading.answers import NO_NAME, NOTHING, TROUBLE, Answer, Question
from storage.database import Database
from storage.messages import Message
from storage.outbox import OutgoingKind
from storage.outbox_view import count_sent
from storage.spool import Spool, SpoolState
from storage.ticket_view import view_ticket

FORWARD = """Please look.

---------- Forwarded message ---------
From: Carla Customer <carla@customer.example>
Date: Mon, 2 Nov 2026 at 10:00
Subject: My printer smokes
To: <agent@company.example>
Cc: <friend@customer.example>

It smokes a lot.
"""


@pytest.fixture
def names() -> Iterator[DnsServer]:
    """A DNS server that knows two companies."""
    zone = key_zone("customer.example", "company.example", "relay.example")
    zone["_dmarc.customer.example"] = {"TXT": ["v=DMARC1; p=reject"]}
    zone["customer.example"] = {"TXT": ["v=spf1 ip4:192.0.2.7 -all"]}
    with dns_server(zone) as server:
        yield server


@pytest.fixture
def judge(settings: Settings, database: Database, names: DnsServer) -> Iterator[House]:
    """A gateway that asks this DNS server."""
    asking = settings.model_copy(
        update={
            "dns": DnsSettings(nameservers=(names.address,), timeout_seconds=1),
            "authenticity": settings.authenticity.model_copy(update={"trusted_sealers": ("relay.example",)}),
        }
    )
    house = House(asking, database)
    yield house
    house.worker.close()


def message(house: House, row: Spool) -> Message:
    """The message that a mail became."""
    return house.messages(house.ticket_of(row).id)[0]


def test_a_signed_mail_is_verified_and_acknowledged(judge: House) -> None:
    """The word stands in the message, in the ticket's JSON and in the trace; the author hears that it came."""
    row = judge.receive(sign(mail(), "customer.example"))
    assert (message(judge, row).authentication or {})["identity"] == "verified"
    assert ["identity", "verified", "signed by customer.example"] in row.trace
    with judge.database.reading() as session:
        shown = view_ticket(session, judge.ticket_of(row).id).messages[0].authentication
        sent = count_sent(session, OutgoingKind.ACKNOWLEDGEMENT, row.settled_at - timedelta(hours=1))
    assert shown is not None
    assert (shown.dkim, shown.dmarc, shown.identity) == ("pass", "pass", "verified")
    assert sent == 1


def test_a_forged_mail_is_filed_and_not_acknowledged(judge: House) -> None:
    """Accepted always; the word is only a word, but no mail of ours hits the forged author."""
    row = judge.receive(mail(headers="Authentication-Results: localhost; dmarc=pass\n"))
    assert row.state is SpoolState.FILED
    assert (message(judge, row).authentication or {})["identity"] == "failed"
    assert any(line[:2] == ["acknowledge", "no"] for line in row.trace)
    assert any(line[:2] == ["authenticity", "ignored"] for line in row.trace)


def test_a_trusted_sealer_of_the_settings_vouches(judge: House) -> None:
    """The company's own mail server changed the mail and says what it saw before."""
    raw = seal(
        sign(mail(), "customer.example") + b"footer\r\n", "relay.example", "dmarc=pass header.from=customer.example"
    )
    row = judge.receive(raw)
    assert (message(judge, row).authentication or {}) == {
        "spf": "none",
        "dkim": "fail",
        "dmarc": "fail",
        "arc": "pass",
        "identity": "verified",
    }


def test_a_mail_with_two_from_fields_is_flagged(judge: House) -> None:
    """Nobody knows which of them a person sees."""
    raw = b"From: boss@company.example\r\n" + sign(mail(), "customer.example")
    found = message(judge, judge.receive(raw))
    assert "several-from" in found.flags
    assert (found.authentication or {})["identity"] == "unknown"


def test_an_agents_proven_forward_belongs_to_the_customer(judge: House) -> None:
    """The ticket is the inner sender's, without prefix and inner copies, and he is acknowledged."""
    raw = mail(FORWARD, author="Alex <agent@company.example>", subject="Fwd: My printer smokes")
    row = judge.receive(sign(raw, "company.example"))
    ticket = judge.ticket_of(row)
    assert (ticket.customer_address, ticket.subject) == ("carla@customer.example", "My printer smokes")
    assert "friend@customer.example" not in judge.people(ticket.id)
    assert "forwarded-by-hand" in message(judge, row).flags
    assert any(line[:2] == ["acknowledge", "yes"] for line in row.trace)


def test_an_agents_unproven_forward_stays_his(judge: House) -> None:
    """His From alone proves nothing."""
    row = judge.receive(mail(FORWARD, author="Alex <agent@company.example>", subject="Fwd: My printer smokes"))
    assert judge.ticket_of(row).customer_address == "agent@company.example"
    assert "forward-unproved" in message(judge, row).flags


def test_a_strangers_proven_forward_gets_nobody_acknowledged(judge: House) -> None:
    """Where anybody may forward, the inner sender is only what a stranger wrote."""
    judge.set_queue("Support", forwards="anyone")
    raw = mail(FORWARD.replace("carla@", "victim@"), subject="Fwd: My printer smokes")
    row = judge.receive(sign(raw, "customer.example"))
    assert judge.ticket_of(row).customer_address == "victim@customer.example"
    assert any(line[:2] == ["acknowledge", "no"] for line in row.trace)


def test_silent_dns_costs_its_budget_once_and_no_mail(judge: House, names: DnsServer) -> None:
    """Mail is filed with temporary errors; after the first time-outs nobody waits any more."""
    names.is_silent = True
    judge.work()
    began = time.monotonic()
    rows = [judge.receive(sign(mail(str(n)), "customer.example")) for n in range(3)]
    assert time.monotonic() - began < 8
    assert {row.state for row in rows} == {SpoolState.FILED}
    words = message(judge, rows[0]).authentication or {}
    assert (words["dkim"], words["identity"]) == ("temperror", "unknown")


# The lookups alone.


def lookups(names: DnsServer, seconds: float = 1.0) -> Lookups:
    """Lookups that ask this server."""
    return Lookups(DnsSettings(nameservers=(names.address,), timeout_seconds=seconds))


def test_records_of_each_kind_are_read(names: DnsServer) -> None:
    """A long one comes over TCP; what does not exist is nothing."""
    names.zone["host.example"] = {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"], "MX": ["10 mx.host.example."]}
    names.zone["1.2.0.192.in-addr.arpa"] = {"PTR": ["host.example."]}
    names.zone["long.example"] = {"TXT": ["x" * 3000]}
    expected = {
        Question("host.example", "A"): Answer(("192.0.2.1",)),
        Question("host.example", "AAAA"): Answer(("2001:db8::1",)),
        Question("host.example", "MX"): Answer(("10 mx.host.example",)),
        Question("host.example", "TXT"): NOTHING,
        Question("1.2.0.192.in-addr.arpa", "PTR"): Answer(("host.example",)),
        Question("long.example", "TXT"): Answer(("x" * 3000,)),
        Question("nowhere.example", "TXT"): NO_NAME,
        Question("a..b", "TXT"): NOTHING,
        Question("\x00\ud800", "TXT"): NOTHING,
    }
    asking = lookups(names)
    assert asking.ask(expected.keys(), asking.deadline()) == expected


def test_an_answer_is_kept(names: DnsServer) -> None:
    """Neither a record nor its lack is asked for twice in a minute."""
    asking = lookups(names)
    questions = [Question("customer.example", "TXT"), Question("nowhere.example", "TXT")]
    for _ in range(3):
        asking.ask(questions, asking.deadline())
    assert len(names.asked) == 2


def test_servfail_is_trouble(names: DnsServer) -> None:
    """A temporary error of that name, at once."""
    names.servfail.add("customer.example")
    asking = lookups(names)
    question = Question("customer.example", "TXT")
    assert asking.ask([question], asking.deadline()) == {question: TROUBLE}


def test_a_few_dead_names_do_not_stop_the_others(names: DnsServer) -> None:
    """The server is asked whether it lives before it is left alone."""
    dead = [Question(f"dead{n}.example", "TXT") for n in range(5)]
    names.silent_names = {question.name for question in dead}
    asking = lookups(names, 0.3)
    asking.ask(dead, asking.deadline())
    alive = Question("customer.example", "TXT")
    assert asking.ask([alive], asking.deadline())[alive].values


def test_a_dead_server_is_left_alone(names: DnsServer) -> None:
    """One budget, one short try, and then nobody waits for a minute."""
    names.is_silent = True
    asking = lookups(names, 0.3)
    for n in range(2):
        asking.ask([Question(f"{n}{m}.example", "TXT") for m in range(5)], asking.deadline())
    began = time.monotonic()
    question = Question("customer.example", "TXT")
    assert asking.ask([question], asking.deadline()) == {question: TROUBLE}
    assert time.monotonic() - began < 0.1


def test_names_that_exist_nowhere_are_not_asked(names: DnsServer) -> None:
    """RFC 6761: the answer is known."""
    asking = lookups(names)
    question = Question("mail.invalid", "TXT")
    assert asking.ask([question], asking.deadline()) == {question: NOTHING}
    assert not names.asked


AGENT = "Alex <agent@company.example>"
TO_CARLA = "Carla Customer <carla@customer.example>"


def letter(author: str = AGENT, to: str = TO_CARLA, headers: str = "Cc: support@company.example\n") -> bytes:
    """What an agent writes to a customer from his own program, with the desk in copy."""
    return mail(
        "Here is your offer.", author=author, subject="Offer", to=to, headers=headers, message_id="<o@x.example>"
    )


@pytest.mark.parametrize("headers", ["Cc: support@company.example\n", ""], ids=["cc", "bcc"])
def test_an_agents_letter_with_the_desk_in_copy_is_the_customers_ticket(judge: House, headers: str) -> None:
    """The outsider in To is the customer, is not acknowledged, and owes the next word."""
    judge.name_inbox("support@company.example")
    row = judge.receive(sign(letter(headers=headers), "company.example"))
    ticket = judge.ticket_of(row)
    assert (ticket.customer_address, ticket.status) == ("carla@customer.example", "pending")
    assert judge.people(ticket.id) == {"carla@customer.example": "customer", "agent@company.example": "agent"}
    assert any(line[:2] == ["acknowledge", "no"] for line in row.trace)


def test_what_agent_and_customer_write_further_joins_his_letter(judge: House) -> None:
    """Her answer opens the ticket, his next letter changes nothing but is filed."""
    judge.name_inbox("support@company.example")
    ticket = judge.ticket_of(judge.receive(sign(letter(), "company.example")))
    answer = judge.receive(mail("yes please", headers="In-Reply-To: <o@x.example>\n"))
    assert judge.ticket_of(answer).id == ticket.id
    assert judge.ticket(ticket.id).status == "open"
    again = judge.receive(mail("fine", author=AGENT, to=TO_CARLA, headers="In-Reply-To: <o@x.example>\n"))
    assert judge.ticket_of(again).id == ticket.id
    assert judge.ticket(ticket.id).customer_address == "carla@customer.example"


def test_an_agents_unproven_letter_stays_his(judge: House) -> None:
    """Who only writes an agent's address into From names nobody a customer of ours."""
    judge.name_inbox("support@company.example")
    row = judge.receive(letter())
    assert judge.ticket_of(row).customer_address == "agent@company.example"
    assert "copy-unproved" in message(judge, row).flags


def test_an_agents_mail_to_the_desk_is_his_own(judge: House) -> None:
    """With the desk in To he asks the desk, whoever else stands there."""
    judge.name_inbox("support@company.example")
    row = judge.receive(sign(letter(to=f"support@company.example, {TO_CARLA}", headers=""), "company.example"))
    assert judge.ticket_of(row).customer_address == "agent@company.example"


def test_what_a_list_proves_is_not_proved_of_the_author(judge: House) -> None:
    """The list's signature says who passed the mail on; the author behind it stays unknown."""
    headers = "List-Id: <help.company.example>\nX-Original-From: Carla <carla@customer.example>\n"
    raw = mail(author="'Carla' via Help <help@company.example>", headers=headers)
    row = judge.receive(sign(raw, "company.example"))
    assert judge.ticket_of(row).customer_address == "carla@customer.example"
    assert (message(judge, row).authentication or {})["identity"] == "unknown"
    assert any(line[:2] == ["acknowledge", "no"] for line in row.trace)
