"""The main job: a forwarded mail becomes a ticket, an answer reaches the customer, his answer comes back.

Every mail between customer and company goes through a real Postfix, in both directions.
"""

import smtplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
from journeys.answers import answer_address, as_gmail, as_outlook, read, without_thread
from journeys.desk import INBOX, Desk
from peers.gatewayproc import GatewayProc
from peers.postfix import Postfix, Routes
from peers.postgres import PostgresServer
from peers.sink import Sink
from peers.sinksession import SunkMail

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

SALES = "sales@company.example"
CUSTOMER = "carla@client.example"


@dataclass
class Circle:
    """A company with two forwarded inboxes, and the world around it."""

    desk: Desk
    sink: Sink
    postfix: Postfix

    def write(self, to: str, raw: bytes, sender: str = CUSTOMER) -> None:
        """A mail on its way through the company's mail server."""
        with smtplib.SMTP("127.0.0.1", self.postfix.port, timeout=60) as client:
            client.sendmail(sender, [to], raw)

    def answered(self, number: int, text: str) -> SunkMail:
        """The agent answers; the mail as the customer's server took it."""
        already = len(self.sink.mails)
        self.desk.reply(number, text)
        return self.sink.wait_for(already + 1, timeout=60)[already]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def circle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Circle]:
    """One running company for all tests here, on each kind of database."""
    folder: Path = tmp_path_factory.mktemp("circle")
    url = f"sqlite:///{folder}/gateway.db"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.create("circle")
    with Sink() as sink:
        desk = Desk(GatewayProc(folder / "gateway", sink.port, url)).open("--source", INBOX)
        policies = ("--reply-to", "inbox", "--display-name", "The Sales Team", "--acknowledge", "never")
        sales = desk.new_queue("Sales", "--source", SALES, *policies)
        routes = Routes(aliases={INBOX: desk.address, SALES: sales}, relays={"in.desk.example": desk.gateway.port})
        with desk.gateway, Postfix(routes) as postfix:
            yield Circle(desk, sink, postfix)
            audit = desk.audit()
        assert audit["ok"], audit
        assert sink.violations == []


def question(subject: str, to: str = INBOX) -> bytes:
    """A customer's mail with the fields that Postfix would add, so that it adds its trace only."""
    return (
        f"From: Carla Customer <{CUSTOMER}>\r\nTo: Support <{to}>\r\nDate: Mon, 2 Mar 2026 09:00:00 +0000\r\n"
        f"Message-ID: <{subject.replace(' ', '-')}@client.example>\r\nSubject: {subject}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"Olá,\r\n\r\n.it is about {subject}.\r\n\r\nCarla\r\n"
    ).encode()


def test_forwarded_mail_becomes_a_ticket_and_its_bytes_are_kept(circle: Circle) -> None:
    """What Postfix forwards is a ticket of the queue, from the customer, by the known inbox, with its raw bytes."""
    raw = question("the forwarded printer")
    circle.write(INBOX, raw)
    ticket = circle.desk.ticket_about("the forwarded printer")
    [message] = ticket["messages"]
    kept = circle.desk.raw(message["ref"])
    assert (ticket["queue"], ticket["status"]) == ("Support", "new")
    assert ticket["contact"] == {"name": "Carla Customer", "email": CUSTOMER}
    assert (ticket["source_inbox"], message["source_inbox"]) == (INBOX, INBOX)
    assert message["text"].splitlines() == ["Olá,", "", ".it is about the forwarded printer.", "", "Carla"]
    assert kept.endswith(raw)
    trace = kept.removesuffix(raw)
    assert trace.startswith(b"Received: from ")
    assert trace.count(b"\r\nReceived:") + 1 == trace.count(b"Received:")


@pytest.mark.parametrize("program", [as_gmail, as_outlook, without_thread])
def test_answer_to_the_signed_address_comes_back_into_the_ticket(
    circle: Circle, program: Callable[[EmailMessage, str], bytes]
) -> None:
    """What the customer answers, by threads or by the address alone, is the third message, and the ticket is open."""
    subject = f"broken {program.__name__}"
    circle.write(INBOX, question(subject))
    number = circle.desk.ticket_about(subject)["number"]
    sunk = circle.answered(number, "Please unplug it.")
    received = read(sunk.raw)
    circle.write(answer_address(received), program(received, "It is unplugged now."))
    ticket = circle.desk.ticket_with(number, 3)
    last = ticket["messages"][-1]
    assert (last["direction"], last["author"]["email"]) == ("inbound", CUSTOMER)
    assert last["reply_text"].strip() == "It is unplugged now."
    assert (ticket["status"], ticket["assignee"]["email"]) == ("open", "alex@company.example")
    assert [one["state"] for one in ticket["messages"][1]["deliveries"]] == ["sent"]


def test_answer_bears_the_marks_of_its_ticket(circle: Circle) -> None:
    """The answer threads at the customer, comes from the inbox that he wrote to, and leads back by a signed address."""
    circle.write(INBOX, question("marks"))
    number = circle.desk.ticket_about("marks")["number"]
    sunk = circle.answered(number, "Please unplug it.")
    received = read(sunk.raw)
    told = circle.desk.ticket(number)["messages"][1]
    assert sunk.recipients == (CUSTOMER,)
    assert received["In-Reply-To"] == "<marks@client.example>"
    assert received["References"].split() == ["<marks@client.example>"]
    assert received["Message-ID"] == told["message_id"]
    assert received["Message-ID"].endswith("@in.desk.example>")
    assert received["From"] == f"Support <{INBOX}>"
    assert received["Subject"] == "Re: marks"
    assert received["Date"]
    assert answer_address(received).startswith("re-")
    assert answer_address(received).endswith("@in.desk.example")
    assert sunk.reverse_path.endswith("@in.desk.example")
    assert received["Auto-Submitted"] is None


def test_answer_to_the_inbox_comes_back_through_the_forward(circle: Circle) -> None:
    """With Reply-To `inbox` no address of the gateway is seen, and the answer threads by our signed Message-ID."""
    circle.write(SALES, question("an offer", SALES))
    number = circle.desk.ticket_about("an offer")["number"]
    received = read(circle.answered(number, "Ten for the price of nine.").raw)
    assert received["From"] == f"The Sales Team <{SALES}>"
    assert answer_address(received) == SALES
    circle.write(SALES, as_outlook(received, "Ten, please."))
    ticket = circle.desk.ticket_with(number, 3)
    assert ticket["messages"][-1]["reply_text"].strip() == "Ten, please."
    assert (ticket["queue"], ticket["status"]) == ("Sales", "open")


def test_second_answer_carries_the_whole_chain(circle: Circle) -> None:
    """After three messages the References name all of them, oldest first, and In-Reply-To the customer's last."""
    circle.write(INBOX, question("a chain"))
    number = circle.desk.ticket_about("a chain")["number"]
    first = read(circle.answered(number, "One.").raw)
    back = as_gmail(first, "Two.")
    circle.write(answer_address(first), back)
    circle.desk.ticket_with(number, 3)
    second = read(circle.answered(number, "Three.").raw)
    theirs = str(read(back)["Message-ID"])
    assert second["In-Reply-To"] == theirs
    assert second["References"].split() == ["<a-chain@client.example>", str(first["Message-ID"]), theirs]
    assert second["Subject"] == "Re: a chain"


def test_mail_to_nobody_bounces_from_the_companys_server(circle: Circle) -> None:
    """An address that nobody made is refused in the session: the company's own server writes the bounce, not we."""
    already = len(circle.sink.mails)
    circle.write("nobody.aaaaaaaaaa@in.desk.example", question("to nobody"))
    circle.sink.stays_at(already, 2.0)
    assert "550 5.1.1" in circle.postfix.log()
    assert all(ticket["subject"] != "to nobody" for ticket in circle.desk.tickets())
