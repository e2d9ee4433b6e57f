"""From an inbox into the spool: nothing is lost and nothing comes twice, whatever happens in between."""

from datetime import timedelta

import pytest
from fakes.house import House
from fakes.inboxes import account, mails
from peers.dovecot_imap import DovecotImap
from sqlmodel import Session, select

from config.clock import now
from gateway.mailbox.account import MailboxTrouble
from gateway.mailbox.fetch import Fetcher, MovedOn
from gateway.mailbox.imap import Inbox
from outbound.guard import why_not
from storage.mailboxes import AfterFetch, Mailbox, MailboxKind, MailboxState, add_mailbox, find_mailbox, set_state
from storage.outbox import OutgoingKind
from storage.queues import find_queue
from storage.spool import Acceptance, Spool, SpoolState


def connected(house: House, user: str, **values: object) -> int:
    """A mailbox of the queue Support."""
    with house.database.writing() as session:
        queue = find_queue(session, "Support").number
        given = {"address": user, "queue_id": queue, "kind": MailboxKind.IMAP, "host": "127.0.0.1", "user": user}
        return add_mailbox(session, Mailbox(**(given | values))).number


def fetch(house: House, server: DovecotImap, number: int, user: str) -> int:
    """One look at the inbox, over a connection of its own."""
    with house.database.reading() as session:
        after = session.get_one(Mailbox, number).after_fetch
    with Inbox(account(server, user)) as inbox:
        return Fetcher(house.settings, house.database, number, inbox).fetch_new(after, lambda: False)


def stored(house: House) -> list[Spool]:
    """All rows of the spool, in their order."""
    with house.database.reading() as session:
        return list(session.exec(select(Spool).order_by(Spool.id)).all())  # type: ignore[arg-type]


def test_fetched_mail_becomes_a_ticket_of_the_mailboxs_queue(house: House, server: DovecotImap, user: str) -> None:
    """There is no RCPT: the mailbox stands for it. A second look brings nothing, a new mail one more."""
    server.deliver(user, mails(3))
    number = connected(house, user)
    assert fetch(house, server, number, user) == 3
    assert fetch(house, server, number, user) == 0
    server.deliver(user, mails(1, first=3))
    assert fetch(house, server, number, user) == 1
    house.work()
    rows = stored(house)
    assert [(row.recipient, row.state) for row in rows] == [(user, SpoolState.FILED)] * 4
    with house.database.reading() as session:
        envelope = session.get_one(Acceptance, rows[0].acceptance_id)
        mailbox = session.get_one(Mailbox, number)
    assert (envelope.protocol, envelope.reverse_path) == ("IMAP", "customer0@client.example")
    assert (mailbox.fetched, mailbox.waiting) == (4, 0)
    assert house.ticket(1).source_inbox == user


def test_mail_that_a_person_has_read_is_fetched_all_the_same(house: House, server: DovecotImap, user: str) -> None:
    """Nothing relies on \\Seen: the UID decides."""
    server.deliver(user, mails(2))
    with Inbox(account(server, user)) as person:
        place = person.open(is_read_only=False)
        person.put_away(person.search(1, place.uid_next - 1), AfterFetch.MARK, "")
    assert fetch(house, server, connected(house, user), user) == 2


@pytest.mark.parametrize("after", [AfterFetch.MARK, AfterFetch.MOVE, AfterFetch.DELETE])
def test_mail_is_put_away_after_it_is_stored(house: House, server: DovecotImap, user: str, after: AfterFetch) -> None:
    """And it is in the spool once."""
    server.deliver(user, mails(3))
    number = connected(house, user, after_fetch=after, move_to="Done")
    assert fetch(house, server, number, user) == 3
    assert fetch(house, server, number, user) == 0
    left = [name for name in server.names(user) if not name.endswith("S")]
    assert (len(stored(house)), left) == (3, [])


def test_who_dies_before_putting_away_does_it_the_next_time(
    house: House, server: DovecotImap, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mails are stored, not moved; then they are moved, and stored no second time."""
    server.deliver(user, mails(3))
    number = connected(house, user, after_fetch=AfterFetch.MOVE, move_to="Done")

    def killed(*_: object) -> None:
        raise MailboxTrouble("killed")

    with monkeypatch.context() as patched:
        patched.setattr(Inbox, "put_away", killed)
        with pytest.raises(MailboxTrouble):
            fetch(house, server, number, user)
    assert len(stored(house)) == 3
    assert len(server.names(user)) == 3
    fetch(house, server, number, user)
    assert (len(stored(house)), server.names(user), len(server.names(user, "Done"))) == (3, [], 3)


def test_other_uids_bring_no_mail_twice_and_lose_none(house: House, user: str) -> None:
    """After a restore UIDVALIDITY is another one: all is looked at again, and known by its bytes."""
    with DovecotImap() as server:
        server.deliver(user, mails(5))
        number = connected(house, user)
        fetch(house, server, number, user)
        server.stop()
        server.forget_uids(user)
        server.deliver(user, mails(2, first=5))
        server.start()
        fetch(house, server, number, user)
        assert len(stored(house)) == 7
        assert fetch(house, server, number, user) == 0


def test_older_mail_is_passed_over_and_later_mail_is_not(house: House, server: DovecotImap, user: str) -> None:
    """From now on: what was there stays there, what comes is fetched."""
    server.deliver(user, mails(3))
    number = connected(house, user, since=now() + timedelta(seconds=2))
    assert fetch(house, server, number, user) == 0
    server.deliver(user, mails(1, first=3))
    # It is as young as the others: that it came after we had looked is what counts.
    assert fetch(house, server, number, user) == 1


def test_backlog_is_no_storm_and_nobody_is_acknowledged(house: House, server: DovecotImap, user: str) -> None:
    """Thirty mails of one customer become thirty tickets; the thirty-first, which comes now, is held."""
    house.set_queue("Support", acknowledge="all")
    one_author = [raw.replace(b"customer%d@" % n, b"carla@") for n, raw in enumerate(mails(30))]
    server.deliver(user, one_author)
    number = connected(house, user)
    fetch(house, server, number, user)
    house.work()
    assert {row.state for row in stored(house)} == {SpoolState.FILED}
    assert ["acknowledge", "no", "it is mail of the past"] in stored(house)[0].trace
    server.deliver(user, [raw.replace(b"customer99@", b"carla@") for raw in mails(1, first=99)])
    fetch(house, server, number, user)
    house.work()
    assert [row.state for row in stored(house)].count(SpoolState.HELD) == 1


def test_too_large_a_mail_stays_in_its_mailbox(house: House, server: DovecotImap, user: str) -> None:
    """The others are fetched, and it is neither moved nor deleted."""
    limits = house.settings.limits.model_copy(update={"message_bytes": 20_000})
    house.settings = house.settings.model_copy(update={"limits": limits})
    server.deliver(user, [mails(1)[0], mails(1, first=1)[0] + b"x" * 30_000, mails(1, first=2)[0]])
    number = connected(house, user, after_fetch=AfterFetch.DELETE)
    assert fetch(house, server, number, user) == 2
    assert len(server.names(user)) == 1


def test_two_readers_of_one_mailbox_store_each_mail_once(house: House, server: DovecotImap, user: str) -> None:
    """Who comes second at a cursor stores nothing and begins again."""
    server.deliver(user, mails(2))
    number = connected(house, user)
    with Inbox(account(server, user)) as first, Inbox(account(server, user)) as second:
        slow = Fetcher(house.settings, house.database, number, first)

        def overtaken() -> bool:
            Fetcher(house.settings, house.database, number, second).fetch_new(AfterFetch.LEAVE, lambda: False)
            return False

        with pytest.raises(MovedOn):
            slow.fetch_new(AfterFetch.LEAVE, overtaken)
    assert len(stored(house)) == 2


def test_disabled_mailbox_is_not_read(house: House, server: DovecotImap, user: str) -> None:
    """Also when it was disabled after its reader had begun."""
    server.deliver(user, mails(1))
    number = connected(house, user)
    with house.database.writing() as session:
        set_state(session, find_mailbox(session, user), MailboxState.DISABLED)
    with pytest.raises(MovedOn):
        fetch(house, server, number, user)
    assert stored(house) == []


def test_nothing_is_ever_sent_to_a_connected_mailbox(house: House) -> None:
    """It would come back as a customer's mail."""
    connected(house, "support@company.example")
    with house.database.reading() as session:
        assert "mailbox" in _why(session, house, OutgoingKind.REPLY)
        assert "mailbox" in _why(session, house, OutgoingKind.ACKNOWLEDGEMENT)


def _why(session: Session, house: House, kind: OutgoingKind) -> str:
    return why_not(session, house.office, "support@company.example", kind)
