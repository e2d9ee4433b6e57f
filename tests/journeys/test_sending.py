"""How answers leave: the next server, a channel of somebody's own, refusals at once and refusals that come later."""

import smtplib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from journeys.answers import read
from journeys.desk import Desk, plain_mail
from peers.gatewayproc import GatewayProc
from peers.ports import free_port
from peers.postfix import Postfix, Routes
from peers.postgres import PostgresServer
from peers.sink import Sink
from peers.sinkscript import Act, Step

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


@dataclass
class House:
    """A running desk whose first server is down, and that has a channel beside the second."""

    desk: Desk
    sink: Sink
    acme: Sink
    acme_address: str

    def ticket_from(self, name: str, to: str = "") -> int:
        """A ticket that this customer has opened."""
        to = to or self.desk.address
        raw = plain_mail(1, f"question of {name}", to=to).replace(b"customer1@", f"{name}@".encode())
        with smtplib.SMTP("127.0.0.1", self.desk.gateway.port, timeout=60) as client:
            client.sendmail(f"{name}@client.example", [to], raw)
        number: int = self.desk.ticket_about(f"question of {name}")["number"]
        return number


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for all tests here, on each kind of database."""
    folder: Path = tmp_path_factory.mktemp("sending")
    url = f"sqlite:///{folder}/gateway.db"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.create("sending")
    with Sink() as sink, Sink() as acme:
        servers = [{"host": "127.0.0.1", "port": port, "security": "none"} for port in (free_port(), sink.port)]
        desk = Desk(GatewayProc(folder / "gateway", sink.port, url, {"outbound": {"servers": servers}})).open()
        desk.gateway.run(
            "channel", "add", "Acme", "--kind", "smtp", "--host", "127.0.0.1", "--port", str(acme.port),
            "--security", "none", "--from", "help@acme.example",
        )  # fmt: skip
        address = desk.gateway.run("address", "new", "Support", "--answer-via", "Acme", "--json")["address"]
        with desk.gateway:
            yield House(desk, sink, acme, address)
        assert sink.violations == acme.violations == []


def test_next_server_is_used_when_the_first_is_down(house: House) -> None:
    """Nobody listens on the first server's port: the answer goes out at once by the second."""
    number = house.ticket_from("ana")
    house.desk.reply(number, "Here you are.")
    delivery = house.desk.delivery_in(number, "sent")
    assert (delivery["attempts"], delivery["last_reply"]) == (1, "250 2.0.0 Stored")
    assert [mail.recipients for mail in house.sink.mails if "ana@client.example" in mail.recipients] == [
        ("ana@client.example",)
    ]


def test_channel_of_an_address_answers_what_came_in_through_it(house: House) -> None:
    """The answer leaves by the address's own channel, as that channel's From, and not by the default servers."""
    number = house.ticket_from("bia", to=house.acme_address)
    house.desk.reply(number, "Acme answers.")
    house.desk.delivery_in(number, "sent")
    [mail] = house.acme.mails
    assert mail.recipients == ("bia@client.example",)
    assert mail.reverse_path == "help@acme.example"
    assert read(mail.raw)["From"] == "Support <help@acme.example>"
    assert all("bia@client.example" not in mail.recipients for mail in house.sink.mails)


def test_channel_that_is_down_never_falls_back_to_the_default_servers(house: House) -> None:
    """While the channel's server refuses us the answer waits; it goes out by the channel when that works again."""
    number = house.ticket_from("caio", to=house.acme_address)
    house.acme.script.always(Step.MAIL, Act("451 4.3.0 Not now"))
    house.desk.reply(number, "Acme answers later.")
    house.desk.delivery_in(number, "deferred")
    house.acme.script.usual(Step.MAIL)
    house.desk.delivery_in(number, "sent")
    assert all("caio@client.example" not in mail.recipients for mail in house.sink.mails)
    assert sum("caio@client.example" in mail.recipients for mail in house.acme.mails) == 1


def test_temporary_refusal_is_tried_again(house: House) -> None:
    """A 451 for the recipient defers the answer; the next attempt delivers the same Message-ID, once."""
    number = house.ticket_from("davi")
    house.sink.script.once(Step.RCPT, Act("451 4.7.1 Greylisted"), to="davi@client.example")
    house.desk.reply(number, "Patience.")
    assert house.desk.delivery_in(number, "sent")["attempts"] == 2
    [mail] = [mail for mail in house.sink.mails if "davi@client.example" in mail.recipients]
    assert read(mail.raw)["Message-ID"] == house.desk.ticket(number)["messages"][1]["message_id"]


def test_permanent_refusal_is_seen_on_the_ticket(house: House) -> None:
    """A 550 for the recipient bounces the answer at once: the delivery shows the words, and the ticket is open."""
    number = house.ticket_from("edu")
    house.sink.script.once(Step.RCPT, "550 5.1.1 No such user", to="edu@client.example")
    house.desk.reply(number, "Are you there?")
    delivery = house.desk.delivery_in(number, "bounced")
    assert delivery["attempts"] == 1
    assert "550 5.1.1 No such user" in delivery["last_reply"]
    assert house.desk.ticket(number)["status"] == "open"


def test_answer_to_a_blocked_address_is_refused_at_once(house: House) -> None:
    """The command names the address and ends with 1, nothing is filed or queued, and the text is kept."""
    number = house.ticket_from("fabio")
    house.desk.gateway.run("block", "add", "fabio@client.example")
    refused = house.desk.gateway.attempt("ticket", "reply", str(number), "-m", "Not for you.", "--now")
    assert refused.returncode == 1
    assert b"fabio@client.example" in refused.stderr
    assert len(house.desk.ticket(number)["messages"]) == 1
    assert [row for row in house.desk.gateway.run("outbox", "list", "--all", "--json") if row["ticket"] == number] == []
    drafts = list((house.desk.gateway.folder / "var" / "drafts").iterdir())
    assert any("Not for you." in draft.read_text() for draft in drafts)


def test_bounce_of_an_answer_comes_back_to_its_ticket(database_url: str, tmp_path: Path) -> None:
    """Postfix takes the answer and reports a later refusal to its return path: bounced, and the ticket is open."""
    port = free_port()
    with Sink() as theirs, Postfix(Routes(relays={"in.desk.example": port, "client.example": theirs.port})) as postfix:
        theirs.script.always(Step.RCPT, "550 5.1.1 mailbox is gone")
        gateway = GatewayProc(
            tmp_path / "gateway", postfix.port, database_url, {"listener": [{"address": f"127.0.0.1:{port}"}]}
        )
        gateway.port = port
        desk = Desk(gateway).open()
        with gateway:
            with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
                client.sendmail("customer1@client.example", [desk.address], plain_mail(1, "a last word"))
            number = desk.ticket_about("a last word")["number"]
            desk.reply(number, "Are you there?")
            delivery = desk.delivery_in(number, "bounced")
            ticket = desk.ticket(number)
            audit = desk.audit()
    assert "5.1.1" in delivery["last_reply"]
    assert "mailbox is gone" in delivery["last_reply"]
    assert ticket["status"] == "open"
    assert [message["kind"] for message in ticket["messages"]] == ["human", "reply", "dsn"]
    assert (audit["ok"], audit["outgoing"]["bounced"]) == (True, 1)
