"""One bad mail costs one mail; nothing that was accepted is lost, whatever happens to a worker."""

import os
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.house import House, mail
from sqlmodel import col, select

from config.errors import DatabaseUnavailable
from gateway.intake import batch, chores, worker
from gateway.reading.child_process import Unreadable
from storage.arrivals import remove_free_packs
from storage.blobs import FolderBlobs
from storage.claims import claim
from storage.messages import attachments_of
from storage.spool import Raw, Spool, SpoolState, move_raw_to_blob, raw_bytes, release


def test_a_mail_that_cannot_be_filed_does_not_hold_up_the_others(house: House, monkeypatch) -> None:
    """The others of its batch are filed at once; it is tried again and ends as unreadable, with its raw bytes."""

    def file_batch(session, office, owner, ready):
        if any(one.mail.subject == "poison" for one in ready):
            raise ZeroDivisionError("poison")
        return batch.file_batch(session, office, owner, ready)

    monkeypatch.setattr(worker, "file_batch", file_batch)
    good = [house.accept(mail(f"text {n}", subject=f"good {n}")) for n in range(3)]
    raw = mail(subject="poison")
    bad = house.accept(raw)
    house.work()
    assert [house.rows(id_)[0].state for id_ in good] == [SpoolState.FILED] * 3
    row = house.rows(bad)[0]
    assert row.state is SpoolState.QUARANTINED
    ticket = house.ticket_of(row)
    with house.database.reading() as session:
        (file,) = attachments_of(session, [row.message_id])[row.message_id]
        assert (ticket.subject, file.sha256) == ("Unreadable mail", row.sha256)
        assert raw_bytes(session, house.office.blobs, row.sha256) == raw


def test_a_mail_beyond_the_limits_is_quarantined_at_once(house: House, monkeypatch) -> None:
    """A breached limit would be breached again: no retry, a ticket with the raw mail."""
    too_long = Unreadable("wall", is_deterministic=True)
    monkeypatch.setattr(house.worker._reader, "read", lambda raws, _arrived: [too_long for _ in raws])
    row = house.receive(mail())
    assert (row.state, row.reason, row.attempts) == (SpoolState.QUARANTINED, "unreadable: wall", 0)
    assert house.messages(house.ticket_of(row).id)[0].flags[-1] == "unreadable"


def test_a_quarantined_mail_is_filed_after_its_release(house: House, monkeypatch) -> None:
    """When the reader has learnt to read it, a person lets it go on; the unreadable message stays."""
    with monkeypatch.context() as broken:
        too_long = Unreadable("wall", is_deterministic=True)
        broken.setattr(house.worker._reader, "read", lambda raws, _arrived: [too_long for _ in raws])
        row = house.receive(mail())
    with house.database.writing() as session:
        release(session, session.merge(row))
    house.work()
    row = house.rows(row.id)[0]
    assert (row.state, house.ticket_of(row).subject) == (SpoolState.FILED, "My printer smokes")


def test_an_unexplained_death_of_the_reader_is_tried_again(house: House, monkeypatch) -> None:
    """After three deaths the mail is filed as unreadable; the mail beside it is not touched by them."""
    real = house.worker._reader.read

    def read(raws, arrived):
        return [
            Unreadable("died", is_deterministic=False) if b"killer" in raw else answer
            for raw, answer in zip(raws, real(raws, arrived), strict=True)
        ]

    monkeypatch.setattr(house.worker._reader, "read", read)
    killer, good = house.accept(mail("killer")), house.accept(mail("good"))
    house.work()
    assert house.rows(good)[0].state is SpoolState.FILED
    assert (house.rows(killer)[0].state, house.rows(killer)[0].attempts) == (SpoolState.QUARANTINED, 3)


def test_what_a_dead_worker_held_is_taken_over_at_once(house: House, monkeypatch) -> None:
    """A lease of a process that is gone needs not be waited for, and its mail is filed once."""
    id_ = house.accept(mail())
    with house.database.writing() as session:
        claim(session, "a-host/1/intake-x", 50, 300)
    monkeypatch.setattr(chores, "is_dead", lambda owner: owner.startswith("a-host"))
    house.work()
    assert house.rows(id_)[0].state is SpoolState.FILED


def test_what_was_claimed_is_filed_when_the_database_is_back(house: House, monkeypatch) -> None:
    """While the database is away leases cannot be given back either; the worker does not wait for their end."""
    id_ = house.accept(mail())

    def away(*_: object) -> None:
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as trouble:
        trouble.setattr(worker, "file_batch", away)
        trouble.setattr(worker, "give_back", away)
        trouble.setattr(worker, "_TROUBLE_SECONDS", 0)
        assert house.worker._guarded() == 0
    house.work()
    assert house.rows(id_)[0].state is SpoolState.FILED


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"cut")], ids=["gone", "cut"])
def test_a_mail_whose_blob_is_damaged_holds_up_nobody(house: House, damage) -> None:
    """The mail beside it is filed; a ticket names what is lost, and after the restore of the blob it is released."""
    raw = mail("large\n" * 5000)
    digest, large = sha256(raw).hexdigest(), house.accept(raw)
    blob = house.settings.blob_dir / digest[:2] / digest[2:4] / digest
    house.office.blobs.put(raw, digest)
    with house.database.writing() as session:
        move_raw_to_blob(session, [digest])
    damage(blob)
    good = house.accept(mail("good", subject="good"))
    house.work()
    row = house.rows(large)[0]
    assert (house.rows(good)[0].state, row.state) == (SpoolState.FILED, SpoolState.QUARANTINED)
    assert digest in house.messages(house.ticket_of(row).id)[0].text
    blob.unlink(missing_ok=True)
    house.office.blobs.put(raw, digest)
    with house.database.writing() as session:
        release(session, session.merge(row))
    house.work()
    assert house.rows(large)[0].state is SpoolState.FILED


def test_a_worker_that_lost_its_lease_files_nothing(house: House, monkeypatch) -> None:
    """The fence: what another worker has taken over meanwhile is left to him."""
    id_ = house.accept(mail())

    def prepare_slowly(*arguments):
        ready = real(*arguments)
        with house.database.writing() as session:
            session.connection().exec_driver_sql("UPDATE spool SET lease_owner = 'another'")
        return ready

    real = worker.prepare
    monkeypatch.setattr(worker, "prepare", prepare_slowly)
    assert house.worker.work_once() == 1
    assert house.rows(id_)[0].state is SpoolState.RECEIVED


def test_large_raw_mail_leaves_the_hot_table_after_filing(house: House) -> None:
    """Its bytes are the same afterwards, from the blob."""
    raw = mail("x" * 70 + "\n" + "long line\n" * 5000)
    row = house.receive(raw)
    with house.database.reading() as session:
        assert session.get_one(Raw, row.acceptance_id).content is None
        assert raw_bytes(session, house.office.blobs, row.sha256) == raw


def test_mail_that_waited_in_a_pack_is_a_blob_after_filing_and_the_pack_goes(house: House) -> None:
    """Not before, although the worker looks for packs that nobody needs among its chores."""
    raw = mail("long line\n" * 5000)
    id_ = house.accept(raw)
    packs = FolderBlobs(house.settings.blob_dir).packs
    (pack,) = packs.iterdir()
    os.utime(pack, (0, 0))
    house.worker._chores.do_due()
    assert pack.exists()
    house.work()
    row = house.rows(id_)[0]
    with house.database.reading() as session:
        assert session.get_one(Raw, row.acceptance_id).pack == ""
        assert raw_bytes(session, house.office.blobs, row.sha256) == raw
    assert remove_free_packs(house.database, house.settings) == 1


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"cut")], ids=["gone", "cut"])
def test_a_mail_whose_pack_is_damaged_is_told_as_lost(house: House, damage) -> None:
    """It becomes no blob of nothing; with the blob of a backup it is released."""
    raw = mail("long line\n" * 5000)
    id_ = house.accept(raw)
    damage(next(FolderBlobs(house.settings.blob_dir).packs.iterdir()))
    house.work()
    row = house.rows(id_)[0]
    assert row.state is SpoolState.QUARANTINED
    assert not house.office.blobs.has(row.sha256)
    house.office.blobs.put(raw)
    with house.database.writing() as session:
        release(session, session.merge(row))
    house.work()
    assert house.rows(id_)[0].state is SpoolState.FILED


def test_every_decision_stands_in_the_trace(house: House) -> None:
    """`gateway mail why` can tell what was asked, what answered and why."""
    row = house.receive(mail())
    asked = [line[0] for line in row.trace]
    assert asked[:4] == ["recipient", "source inbox", "author", "kind"]
    assert {"by_envelope", "by_stored_id", "filed", "acknowledge"} <= set(asked)


def test_a_mail_that_was_tried_is_held_alone_when_it_is_filed(house: House, monkeypatch) -> None:
    """Two batches are claimed at most, one read while the other is filed; never anything beside a suspect."""
    house.worker._batch = 2
    ids = [house.accept(mail(f"text {n}", subject=f"mail {n}")) for n in range(7)]
    with house.database.writing() as session:
        session.connection().execute(sa.update(Spool).where(col(Spool.id) == ids[4]).values(attempts=1))
    held = {}

    def file_batch(session, office, owner, ready):
        with house.database.reading() as other:
            query = select(Spool.id).where(Spool.lease_owner == owner, Spool.state == SpoolState.RECEIVED)
            held[ready[0].claimed.id] = sorted(other.exec(query).all())
        return batch.file_batch(session, office, owner, ready)

    monkeypatch.setattr(worker, "file_batch", file_batch)
    house.work()
    assert held == {ids[0]: ids[:4], ids[2]: ids[2:5], ids[4]: [ids[4]], ids[5]: ids[5:]}
    assert all(house.rows(id_)[0].state is SpoolState.FILED for id_ in ids)


def test_a_claim_is_undone_with_the_batch_that_failed(house: House, monkeypatch) -> None:
    """What was claimed in a transaction that failed belongs to nobody, and is filed later."""
    house.worker._batch = 1
    ids = [house.accept(mail(f"text {n}", subject=f"mail {n}")) for n in range(4)]

    def file_batch(session, office, owner, ready):
        real(session, office, owner, ready)
        raise ZeroDivisionError("poison")

    real = batch.file_batch
    with monkeypatch.context() as broken:
        broken.setattr(worker, "file_batch", file_batch)
        house.worker.work_once()
    rows = [house.rows(id_)[0] for id_ in ids]
    assert [bool(row.lease_owner) for row in rows] == [False, True, False, False]
    assert [row.attempts for row in rows] == [1, 0, 0, 0]
    house.work()
    assert all(house.rows(id_)[0].state is SpoolState.FILED for id_ in ids)
