"""What belongs to setting a forward up: providers' questions, and our own test mail coming home."""

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes

import pytest
from fakes.house import House, days_ago, mail
from fakes.signing import key_zone, sign
from peers.dns import dns_server
from sqlmodel import select

from config.errors import Refused
from config.settings import Settings
from gateway.intake.canary import watch_forwards
from outbound.forward_check import send_check
from storage.agents import Role, find_agent
from storage.confirmations import ConfirmationView, confirmations_of
from storage.database import Database
from storage.forward_checks import CheckState, ForwardCheck, latest_check
from storage.notices import Notice
from storage.outbox import Outgoing
from storage.queues import find_queue, name_source_inbox
from storage.spool import SpoolState

INBOX = "support@company.example"
ASKING = mail(
    f"{INBOX} has requested to automatically forward mail to your email address\n"
    "Confirmation code: 123456789\n\nhttps://mail-settings.google.com/mail/vf-abc\n",
    author="Gmail Team <forwarding-noreply@google.com>",
    subject=f"(#123456789) Gmail Forwarding Confirmation - Receive Mail from {INBOX}",
)


@pytest.fixture
def judge(settings: Settings, database: Database) -> Iterator[House]:
    """A gateway that knows the keys of Google and of somebody else, with a mail server to send through."""
    with dns_server(key_zone("google.com", "evil.example")) as names:
        changed = {
            "dns": {"nameservers": [names.address], "timeout_seconds": 1},
            "outbound": {"servers": [{"host": "127.0.0.1", "port": 9, "security": "none"}]},
        }
        house = House(Settings.model_validate(settings.model_dump() | changed), database)
        yield house
        house.worker.close()


def confirmations(house: House) -> list[ConfirmationView]:
    """What was asked about Support."""
    with house.database.reading() as session:
        return confirmations_of(session, find_queue(session, "Support").number)


def test_providers_question_is_kept_for_the_queue(judge: House) -> None:
    """Signed by Google it is trusted; its code, link and inbox stand there, and there is no ticket."""
    row = judge.receive(sign(ASKING, "google.com"))
    [kept] = confirmations(judge)
    assert row.state is SpoolState.SETUP
    assert (kept.provider, kept.code, kept.inbox, kept.trusted) == ("Gmail", "123456789", INBOX, True)
    assert kept.link == "https://mail-settings.google.com/mail/vf-abc"
    assert kept.address == judge.address


@pytest.mark.parametrize("signer", ["", "evil.example"])
def test_question_that_the_provider_did_not_sign_is_not_trusted(judge: House, signer: str) -> None:
    """Anybody can write such a mail: it is shown, and no ticket either."""
    row = judge.receive(sign(ASKING, signer) if signer else ASKING)
    assert row.state is SpoolState.SETUP
    assert [kept.trusted for kept in confirmations(judge)] == [False]


def send(house: House) -> tuple[ForwardCheck, bytes]:
    """A test of the inbox as it leaves."""
    with house.database.writing() as session:
        queue = find_queue(session, "Support")
        name_source_inbox(session, queue, INBOX)
        made = send_check(session, house.office, queue, INBOX, channel=None)
        return made, session.get_one(Outgoing, made.id).content


def newest(house: House) -> ForwardCheck:
    """The newest test of the inbox."""
    with house.database.reading() as session:
        found = latest_check(session, INBOX)
    assert found is not None
    return found


def test_test_mail_that_comes_home_proves_the_forward(judge: House) -> None:
    """Its fate is setup although it bears our loop mark; the inbox, the address and what survived are noted."""
    _, content = send(judge)
    forwarded = content.replace(b"Precedence: bulk\r\n", b"")
    row = judge.receive(forwarded, reverse_path=f"support+caf_={judge.address.replace('@', '=')}@company.example")
    found = newest(judge)
    assert row.state is SpoolState.SETUP
    assert (found.state, found.address, found.source_inbox) == (CheckState.ARRIVED, judge.address, INBOX)
    assert found.changed == ["Precedence"]
    assert {"From", "To", "Subject", "Message-ID", "X-Gateway-Loop"} <= set(found.kept)


def test_test_mail_is_known_by_its_subject_when_its_id_was_rewritten(judge: House) -> None:
    """The signed id stands in both places."""
    _, content = send(judge)
    header_id = message_from_bytes(content)["Message-ID"].strip().encode()
    row = judge.receive(content.replace(b"Message-ID: " + header_id, b"Message-ID: <other@provider.example>"))
    assert (row.state, newest(judge).state) == (SpoolState.SETUP, CheckState.ARRIVED)


def test_only_one_test_of_an_inbox_is_under_way(judge: House) -> None:
    """A second one is refused until the first has ended."""
    send(judge)
    with pytest.raises(Refused, match="under way"):
        send(judge)


def test_refusal_of_the_forward_is_kept_in_its_words(judge: House) -> None:
    """Microsoft's report comes to the return path of the test; it makes no ticket and says why."""
    made, content = send(judge)
    with judge.database.reading() as session:
        path = session.get_one(Outgoing, made.id).reverse_path
    header_id = message_from_bytes(content)["Message-ID"].strip()
    report = (
        "From: postmaster@company.example\nTo: x@in.desk.example\nSubject: Undeliverable\n"
        "Message-ID: <r@company.example>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n\nNo.\n\n--b\n'
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        f"Final-Recipient: rfc822; {judge.address}\nAction: failed\nStatus: 5.7.520\n"
        "Diagnostic-Code: smtp; 550 5.7.520 Access denied, Your organization does not allow external forwarding.\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {header_id}\n\n--b--\n"
    )
    row = judge.receive(report.replace("\n", "\r\n").encode(), to=path, reverse_path="")
    found = newest(judge)
    assert (row.state, found.state) == (SpoolState.SETUP, CheckState.REFUSED)
    assert "does not allow external forwarding" in found.refusal


def test_machine_that_answers_a_test_makes_no_ticket_and_a_person_does(judge: House) -> None:
    """An absence note is set-up; what a person writes to us is always read by somebody."""
    _, content = send(judge)
    header_id = message_from_bytes(content)["Message-ID"].strip()
    answer = f"In-Reply-To: {header_id}\n"
    absent = mail("I am away.", subject="Automatic reply: test", headers=f"{answer}Auto-Submitted: auto-replied\n")
    assert judge.receive(absent).state is SpoolState.SETUP
    assert judge.receive(mail("What is this?", headers=answer)).state is SpoolState.FILED


def test_forged_test_mail_is_no_test(judge: House) -> None:
    """The subject alone proves nothing."""
    send(judge)
    row = judge.receive(mail(subject="Forwarding test of the ticket gateway <x@in.desk.example>"))
    assert (row.state, newest(judge).state) == (SpoolState.FILED, CheckState.WAITING)


def test_canary_goes_round_by_itself_and_tells_when_the_forward_dies(judge: House) -> None:
    """One test when it is due and not before; one that is not seen in time is lost, told once, and the next is sent."""
    forwarding = judge.settings.forwarding.model_copy(update={"canary_hours": 1})
    judge.office = replace(judge.office, settings=judge.settings.model_copy(update={"forwarding": forwarding}))
    with judge.database.writing() as session:
        name_source_inbox(session, find_queue(session, "Support"), INBOX)
    for _ in range(2):
        with judge.database.writing() as session:
            watch_forwards(session, judge.office)
            find_agent(session, judge.agent.email).role = Role.MANAGER
    for _ in range(2):
        with judge.database.writing() as session:
            session.merge(newest(judge)).sent_at = days_ago(1)
        with judge.database.writing() as session:
            watch_forwards(session, judge.office)
    with judge.database.reading() as session:
        checks = session.exec(select(ForwardCheck).order_by(ForwardCheck.id)).all()  # type: ignore[arg-type]
        told = [one.headline for one in session.exec(select(Notice)).all()]
    assert [one.state for one in checks] == [CheckState.LOST, CheckState.LOST, CheckState.WAITING]
    assert all(one.is_canary for one in checks)
    assert told == [f"mail to {INBOX} is not forwarded to us any more"]


def test_without_the_setting_nothing_is_sent_to_an_inbox(judge: House) -> None:
    """People would see it there."""
    with judge.database.writing() as session:
        name_source_inbox(session, find_queue(session, "Support"), INBOX)
        watch_forwards(session, judge.office)
    with judge.database.reading() as session:
        assert latest_check(session, INBOX) is None
