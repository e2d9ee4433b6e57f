"""Stored mail is read anew: what it says is put right, what was done because of it stays."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from fakes.house import House, mail
from sqlmodel import col

from gateway.intake.replay import Replay, Replayed
from gateway.reading.child_process import Unreadable
from storage.columns import table_of
from storage.contacts import find_contact
from storage.finding import search_messages
from storage.messages import Message, MessageAttachment, attachments_of
from storage.spool import SpoolState
from storage.tickets import ParticipantRole, Status, events_of

FORM = (
    'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n'
    "In-Reply-To: <other@customer.example>\nCc: Dora <dora@customer.example>\n"
)
TEXT = (
    "--b\nContent-Type: text/plain\n\nHello, it smokes.\n\n--b\nContent-Type: text/csv\n"
    'Content-Disposition: attachment; filename="a.csv"\n\n1,2\n--b--\n'
)


@pytest.fixture
def replay(house: House) -> Iterator[Replay]:
    """What the command uses."""
    replay = Replay(house.settings, house.database, house.office)
    yield replay
    replay.close()


def run(replay: Replay, *ids: str, is_dry: bool = False) -> list[Replayed]:
    """Replay some mails as an agent does."""
    return replay.replay(ids, by="agent@company.example", is_dry=is_dry)


def spoil(house: House, number: int, **values: object) -> None:
    """A message as a worse reader would have stored it."""
    table = table_of(Message)
    with house.database.writing() as session:
        session.connection().execute(sa.update(table).where(table.c.id == number).values(values))
        session.connection().execute(sa.delete(MessageAttachment).where(col(MessageAttachment.message_id) == number))


def fields(found: list[Replayed]) -> set[str]:
    """What was read otherwise."""
    return {change.field for one in found for change in one.changes}


def test_replay_of_what_is_stored_well_changes_nothing(house: House, replay: Replay) -> None:
    """The same reader finds the same: no difference, no event, no line in the trace."""
    row = house.receive(mail(TEXT, headers=FORM))
    assert run(replay, row.id) == []
    assert house.rows(row.id)[0].trace == row.trace


def test_replay_puts_the_content_right_and_says_what(house: House, replay: Replay) -> None:
    """Text, people, files, kind, ids and the words by which it is found; the trace and the ticket tell of it."""
    row = house.receive(mail(TEXT, headers=FORM))
    number = row.message_id or 0
    wrong = {
        "text": "garbage",
        "reply_text": "",
        "kind": "bulk",
        "recipients_cc": [],
        "html": "<p>x</p>",
        "flags": ["no-author"],
    }
    spoil(house, number, **wrong)
    [found] = run(replay, row.id)
    assert fields([found]) == {"text", "reply_text", "kind", "recipients_cc", "html", "flags", "attachments"}
    [message] = house.messages(1)
    assert (message.text.strip(), message.kind, message.recipients_cc) == (
        "Hello, it smokes.",
        "human",
        [["Dora", "dora@customer.example"]],
    )
    assert (message.html, message.flags) == (None, [])
    with house.database.reading() as session:
        assert [file.filename for file in attachments_of(session, [number])[number]] == ["a.csv"]
        assert search_messages(session, "smokes") == [number]
        assert events_of(session, 1)[-1].kind == "replayed"
    assert house.rows(row.id)[0].trace[-1][0] == "replay"
    assert run(replay, row.id) == []


def test_dry_replay_changes_nothing(house: House, replay: Replay) -> None:
    """It finds the same differences, twice."""
    row = house.receive(mail())
    spoil(house, row.message_id or 0, text="garbage")
    assert fields(run(replay, row.id, is_dry=True)) == {"text"}
    assert fields(run(replay, row.id, is_dry=True)) == {"text"}
    assert house.messages(1)[0].text == "garbage"


def test_replay_leaves_what_agents_did(house: House, replay: Replay) -> None:
    """Queue, status, customer and people stay; the flag that its place gave it stays too."""
    row = house.receive(mail())
    other = house.add_queue("Sales")
    house.change_ticket(1, queue_id=2, status=Status.SOLVED, customer_address="eva@customer.example")
    spoil(house, row.message_id or 0, text="garbage", flags=["unverified"])
    before, people = house.ticket(1), house.people(1)
    run(replay, row.id)
    after = house.ticket(1)
    assert (after.queue_id, after.status, after.customer_address) == (2, Status.SOLVED, "eva@customer.example")
    assert (after.updated_at, house.people(1)) == (before.updated_at, people)
    assert people["carla@customer.example"] == ParticipantRole.CUSTOMER
    assert house.messages(1)[0].flags == ["unverified"]
    assert other


def test_name_and_subject_follow_while_they_are_the_mails_own(house: House, replay: Replay) -> None:
    """A name that was learnt and a title that was taken from the mail are put right with it."""
    row = house.receive(mail())
    spoil(house, row.message_id or 0, author_name="=?x?", subject="=?y?")
    house.change_ticket(1, subject="=?y?")
    with house.database.writing() as session:
        contact = find_contact(session, "carla@customer.example")
        contact.name = "=?x?"
        session.add(contact)
    assert fields(run(replay, row.id)) == {"author_name", "subject"}
    assert house.ticket(1).subject == "My printer smokes"
    with house.database.reading() as session:
        assert find_contact(session, "carla@customer.example").name == "Carla Customer"


def test_proof_that_was_had_is_kept(house: House, replay: Replay) -> None:
    """What DNS said when the mail came stands, whatever it says today."""
    row = house.receive(mail())
    words = {"spf": "fail", "dkim": "pass", "dmarc": "pass", "arc": "none", "identity": "verified"}
    spoil(house, row.message_id or 0, authentication=words)
    assert run(replay, row.id) == []
    assert house.messages(1)[0].authentication == words


def test_mail_in_quarantine_that_can_be_read_now_is_released(
    house: House, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is decided about from the beginning; what cannot be read stays where it is."""
    broken = Unreadable("broken", is_deterministic=True)
    with monkeypatch.context() as old_reader:
        old_reader.setattr(house.worker._reader, "read", lambda raws, _: [broken for _ in raws])
        row = house.receive(mail())
    assert row.state is SpoolState.QUARANTINED
    assert fields(run(replay, row.id, is_dry=True)) == {"quarantine"}
    assert fields(run(replay, row.id)) == {"quarantine"}
    house.work()
    filed = house.rows(row.id)[0]
    assert filed.state is SpoolState.FILED
    assert house.ticket_of(filed).subject == "My printer smokes"
