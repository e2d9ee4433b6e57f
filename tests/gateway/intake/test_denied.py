"""From names somebody who takes part, and his domain denies the mail (DMARC): it is filed, and is not his word."""

from collections.abc import Iterator

import pytest
from fakes.house import House, days_ago, mail
from fakes.signing import key_zone, sign
from peers.dns import dns_server

from config.receiving import DnsSettings
from config.settings import Settings
from outbound.recipients import show_recipients
from storage.contacts import mark_known
from storage.database import Database
from storage.messages import messages_of
from storage.participants import add_participant
from storage.queues import Acknowledge, FreshMail, LateAnswers
from storage.spool import SpoolState
from storage.tickets import Status, get_ticket

CARLA = "carla@customer.example"
BOB = "bob@customer.example"


@pytest.fixture
def judge(settings: Settings, database: Database) -> Iterator[House]:
    """A gateway that asks DNS; customer.example signs all its mail, and says so."""
    zone = key_zone("customer.example")
    zone["_dmarc.customer.example"] = {"TXT": ["v=DMARC1; p=reject"]}
    with dns_server(zone) as server:
        dns = DnsSettings(nameservers=(server.address,), timeout_seconds=1)
        house = House(settings.model_copy(update={"dns": dns}), database)
        yield house
        house.worker.close()


def first(house: House) -> int:
    """Carla's ticket, by a mail that she has really written; an agent has answered her before."""
    number = house.ticket_of(house.receive(sign(mail(message_id="<a@x.example>"), "customer.example"))).id
    with house.database.writing() as session:
        mark_known(session, CARLA)
    return number


def forged(house: House, number: int, way: str) -> bytes:
    """What somebody else writes in Carla's name, with this evidence."""
    marks, mark = house.office.marks, house.mark(number)
    words = {
        "id": {"headers": "In-Reply-To: <a@x.example>\n"},
        "tag": {"subject": f"[#{number}] the bank account"},
        "signed id": {"headers": f"In-Reply-To: {marks.message_id(mark)}\n"},
        "reply address": {"to": marks.reply_address(mark)},
        "text": {"text": f"see {marks.body_mark(mark)}"},
    }[way]
    return mail(**{"text": "Send it all to me.", **words})


@pytest.mark.parametrize("way", ["id", "tag", "signed id", "reply address", "text"])
def test_denied_mail_is_unverified_where_it_belongs(judge: House, way: str) -> None:
    """By any evidence: in the ticket with the flag, since forwarding breaks honest mail too; hers carry none."""
    number = first(judge)
    assert judge.ticket_of(judge.receive(forged(judge, number, way))).id == number
    assert judge.messages(number)[-1].flags == ["unverified"]
    honest = sign(mail("thanks", headers="In-Reply-To: <a@x.example>\n"), "customer.example")
    assert judge.ticket_of(judge.receive(honest)).id == number
    assert judge.messages(number)[-1].flags == []
    assert judge.people(number)[CARLA] == "customer"


@pytest.mark.parametrize(
    "author",
    [
        "Carla <carla@customer.example>\nFrom: eve@evil.example",
        "eve@evil.example\nFrom: Carla <carla@customer.example>",
        "Carla <carla@customer.example>, eve@evil.example",
        '"Customer, Carla" <carla@customer.example>, eve@evil.example',
    ],
)
def test_a_second_author_in_from_does_not_help(judge: House, author: str) -> None:
    """No check can say who wrote such a mail, so it is nobody's word, wherever it is filed."""
    number = first(judge)
    row = judge.receive(mail("Send it to me.", author=author, headers="In-Reply-To: <a@x.example>\n"))
    places = [message for message in judge.messages(number) if message.id == row.message_id]
    assert all("unverified" in message.flags for message in places)


@pytest.mark.parametrize(
    "author", ["Customer, Carla <carla@customer.example>", '"Customer, Carla" <carla@customer.example>']
)
def test_a_comma_in_a_name_is_no_second_author(judge: House, author: str) -> None:
    """Exchange writes names so, and some programs forget the quotes."""
    number = first(judge)
    raw = sign(mail("thanks", author=author, headers="In-Reply-To: <a@x.example>\n"), "customer.example")
    assert judge.ticket_of(judge.receive(raw)).id == number
    assert judge.messages(number)[-1].flags == []


def test_denied_mail_does_not_choose_who_is_answered(judge: House) -> None:
    """An agent's answer still goes to the colleague whom Carla's real mails copy, and is no answer to the forgery."""
    number = first(judge)
    with judge.database.writing() as session:
        add_participant(session, get_ticket(session, number), BOB, "Bob", by="agent@company.example")
    judge.reply(number, "Unplug it.")
    judge.receive(sign(mail("done", headers=f"In-Reply-To: <a@x.example>\nCc: {BOB}\n"), "customer.example"))
    judge.receive(forged(judge, number, "id"))
    with judge.database.reading() as session:
        chosen = show_recipients(session, judge.office, get_ticket(session, number), messages_of(session, number))
    assert [person.email for person in chosen.cc] == [BOB]


def test_denied_mail_joins_no_open_ticket_by_its_from_alone(judge: House) -> None:
    """The policy is for mail of the contact; nothing says that this is his."""
    judge.set_queue("Support", fresh_mail=FreshMail.JOIN_OPEN)
    number = first(judge)
    assert judge.ticket_of(judge.receive(mail("pay me", subject="Bank"))).id != number
    honest = sign(mail("more", subject="Toner"), "customer.example")
    assert judge.ticket_of(judge.receive(honest)).id in (number, number + 1)


def test_denied_mail_is_not_of_a_known_contact(judge: House) -> None:
    """A queue for known contacts holds what only bears the name of one."""
    first(judge)
    judge.set_queue("Support", known_contacts_only=True)
    assert judge.receive(mail("pay me", subject="Bank")).state is SpoolState.HELD
    assert judge.receive(sign(mail("hello", subject="Toner"), "customer.example")).state is SpoolState.FILED


def test_denied_mail_makes_us_write_to_nobody(judge: House) -> None:
    """Neither an acknowledgement nor a refusal goes to the person whose name was used, known as he may be."""
    number = first(judge)
    judge.set_queue("Support", acknowledge=Acknowledge.AUTHENTICATED, late_answers=LateAnswers.REFUSE)
    fresh = judge.receive(mail("pay me", subject="Bank"))
    assert ["acknowledge", "no"] in [line[:2] for line in fresh.trace]
    judge.change_ticket(number, status=Status.CLOSED, settled_at=days_ago(30))
    late = judge.receive(forged(judge, number, "id"))
    assert late.state is SpoolState.HELD
    assert ["refusal", "no"] in [line[:2] for line in late.trace]
