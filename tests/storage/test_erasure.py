"""Erasing a person: nothing of his is left, what others have stays, and the ledger adds up. On both databases."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.house import House, mail

from config.errors import Refused
from config.settings import Settings
from storage.audit import audit
from storage.contacts import find_contact
from storage.database import Database
from storage.erasure import Erased, collect_unwanted, erase_contact
from storage.finding import search_messages
from storage.models import metadata
from storage.participants import add_participant
from storage.spool import SpoolState
from storage.tickets import get_ticket

SECRETS = ("carla", "Carla", "smoked salmon", "secret-plan")
WITH_FILE = (
    (
        "From: Carla Customer <carla@customer.example>\nTo: support@company.example\nSubject: About the smoked salmon\n"
        "Message-ID: <1@carla.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n"
        "The smoked salmon.\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; "
        "filename=secret-plan.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQK\n--b--\n"
    )
    .replace("\n", "\r\n")
    .encode()
)


@pytest.fixture
def house(settings: Settings, database: Database) -> Iterator[House]:
    """A mail of Carla's with a file, one of Bob's, and one of Carla's in Bob's ticket."""
    house = House(settings, database)
    house.receive(WITH_FILE, reverse_path="carla@customer.example")
    house.receive(mail("Bob here", author="bob@x.example", message_id="<b@x>"))
    with database.writing() as session:
        add_participant(session, get_ticket(session, 2), "carla@customer.example", "Carla", by="boss")
    house.receive(mail("smoked salmon too", headers="In-Reply-To: <b@x>\n", message_id="<c@carla.example>"))
    yield house
    house.worker.close()


def erase(house: House) -> Erased:
    """Erase Carla."""
    with house.database.writing() as session:
        return erase_contact(session, find_contact(session, "carla@customer.example"), by="boss")


def files(house: House) -> list[Path]:
    """What lies on the disk."""
    return [path for path in Path(house.settings.blob_dir).rglob("*") if path.is_file()]


def collect(house: House, *, age: bool) -> None:
    """Collect what nobody wants, with files that are old or not."""
    old = time.time() - timedelta(hours=2).total_seconds()
    for path in files(house) if age else ():
        os.utime(path, (old, old))
    with house.database.writing() as session:
        collect_unwanted(session, house.office.blobs)


def everything(house: House) -> str:
    """All that any table holds, as text."""
    with house.database.reading() as session:
        rows = [row for table in metadata.sorted_tables for row in session.connection().execute(sa.select(table))]
    return "\n".join(str(row) for row in rows)


def test_no_table_holds_anything_of_an_erased_person(house: House) -> None:
    """Not her name, address, words, files or the digests of her mails; the search neither."""
    digest = house.rows(house.receive(WITH_FILE).id)[0].sha256
    assert all(secret in everything(house) for secret in (*SECRETS, digest))
    done = erase(house)
    assert (done.tickets, done.messages, done.files) == (1, 2, 1)
    collect(house, age=True)
    left = everything(house)
    assert [secret for secret in (*SECRETS, digest) if secret in left] == []
    with house.database.reading() as session:
        assert search_messages(session, "salmon") == []
        assert search_messages(session, "bob") == [2]


def test_what_others_wrote_stays_and_the_audit_adds_up(house: House) -> None:
    """Bob's ticket is as it was but for her message; each accepted mail still has its fate."""
    erase(house)
    assert house.ticket(2).customer_address == "bob@x.example"
    assert [message.text.strip() for message in house.messages(2)] == ["Bob here", ""]
    assert audit(house.database, house.office.blobs).ok


def test_erased_mail_that_comes_again_makes_no_ticket(house: House) -> None:
    """Known by its keyed digest; another mail of hers is a new matter."""
    erase(house)
    assert house.receive(WITH_FILE).state is SpoolState.DUPLICATE
    assert house.receive(mail("a new matter")).state is SpoolState.FILED


def test_held_mail_of_an_erased_person_is_gone_too(house: House) -> None:
    """It can be neither released nor read."""
    house.set_queue("Support", known_contacts_only=True)
    row = house.receive(mail("held", subject="held"), reverse_path="carla@customer.example")
    assert row.state is SpoolState.HELD
    erase(house)
    [row] = house.rows(row.id)
    assert (row.state, row.reason) == (SpoolState.IGNORED, "(erased)")


def test_person_to_whom_mail_is_on_its_way_is_not_erased(house: House) -> None:
    """The refusal names the delivery; nothing has changed."""
    from fakes.rows import send_mail

    with house.database.writing() as session:
        send_mail(session, "carla@customer.example", ticket_id=1)
    before = everything(house)
    with pytest.raises(Refused, match="outbox cancel"):
        erase(house)
    assert everything(house) == before


def test_bytes_of_files_leave_the_disk_when_nothing_else_needs_them(house: House) -> None:
    """Not while they are young: a mail with the same file may be on its way into its ticket."""
    [blob] = files(house)
    erase(house)
    collect(house, age=False)
    assert files(house) == [blob]
    collect(house, age=True)
    assert files(house) == []


def test_file_that_somebody_else_sent_too_stays(house: House) -> None:
    """Bob's copy is his."""
    house.receive(WITH_FILE.replace(b"carla@customer.example", b"bob@x.example").replace(b"<1@", b"<2@"))
    kept = files(house)
    erase(house)
    collect(house, age=True)
    assert files(house) == kept
