"""A server that lists mails and does not give them: the others come, nothing is lost, nothing comes twice."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa
from fakes.house import House
from fakes.inboxes import account, mails
from peers.dovecot_imap import DovecotImap
from peers.stingy_imap import StingyImap
from sqlmodel import select

from config.clock import now
from gateway.doctor_desk import examine_desk
from gateway.mailbox.account import MailboxTrouble
from gateway.mailbox.fetch import Fetcher
from gateway.mailbox.imap import Inbox
from gateway.mailbox.patience import Patience
from storage.mailboxes import AfterFetch, Mailbox, MailboxKind, add_mailbox, find_mailbox, remove_mailbox
from storage.queues import find_queue
from storage.spool import Spool
from storage.withheld import WithheldMail, withheld_mails


@pytest.fixture
def stingy(server: DovecotImap) -> Iterator[StingyImap]:
    """The server, by a way on which mails may be withheld."""
    with StingyImap(server.port) as running:
        yield running


@pytest.fixture
def number(house: House, user: str) -> int:
    """The mailbox; its mail is deleted once it is stored."""
    with house.database.writing() as session:
        queue = find_queue(session, "Support").number
        made = Mailbox(address=user, queue_id=queue, kind=MailboxKind.IMAP, host="127.0.0.1", user=user)
        made.after_fetch = AfterFetch.DELETE
        return add_mailbox(session, made).number


class Reader:
    """One reader with its memory over several connections."""

    def __init__(self, house: House, server: DovecotImap, stingy: StingyImap, number: int, user: str) -> None:
        self._house, self._number = house, number
        self._account = account(server, user, port=stingy.port)
        self._patience = Patience()

    def look(self) -> int:
        """One connection; how many mails it brought."""
        with Inbox(self._account) as inbox:
            fetcher = Fetcher(self._house.settings, self._house.database, self._number, inbox, self._patience)
            return fetcher.fetch_new(AfterFetch.DELETE, lambda: False)

    def look_often(self, times: int) -> None:
        """So many connections, of which some may end badly."""
        for _ in range(times):
            with suppress(MailboxTrouble):
                self.look()


@pytest.fixture
def reader(house: House, server: DovecotImap, stingy: StingyImap, number: int, user: str) -> Reader:
    """What the role `mailbox` does, connection by connection."""
    return Reader(house, server, stingy, number, user)


def withheld(house: House) -> list[int]:
    """The UIDs that are stepped over."""
    with house.database.reading() as session:
        return [one.uid for one in withheld_mails(session)]


def stored(house: House) -> int:
    """How many mails are in the spool."""
    with house.database.reading() as session:
        return len(session.exec(select(Spool)).all())


def make_due(house: House) -> None:
    """The time to ask again has come."""
    with house.database.writing() as session:
        session.exec(sa.update(WithheldMail).values(next_at=now() - timedelta(seconds=1)))


@pytest.mark.parametrize("how", ["refuse", "omit"])
def test_mail_that_is_refused_is_stepped_over_and_comes_later(
    house: House, server: DovecotImap, stingy: StingyImap, reader: Reader, user: str, how: str
) -> None:
    """The others are stored and put away at once; it stays in the inbox until it is given, and comes once."""
    server.deliver(user, mails(5))
    stingy.how, stingy.withheld = how, {2, 4}
    assert reader.look() == 3
    assert (withheld(house), stored(house), len(server.names(user))) == ([2, 4], 3, 2)
    server.deliver(user, mails(1, first=5))
    assert reader.look() == 1
    make_due(house)
    assert reader.look() == 0
    stingy.withheld = {4}
    make_due(house)
    assert reader.look() == 1
    assert (withheld(house), stored(house), len(server.names(user))) == ([4], 5, 1)


def test_mail_that_ends_the_connection_is_stepped_over_after_three(
    house: House, server: DovecotImap, stingy: StingyImap, reader: Reader, user: str
) -> None:
    """First any mail of the batch may be to blame; then it is asked for alone, three times."""
    server.deliver(user, mails(5))
    stingy.how, stingy.withheld = "hang-up", {3}
    reader.look_often(4)
    assert (withheld(house), stored(house)) == ([], 2)
    assert reader.look() == 2
    assert (withheld(house), stored(house), len(server.names(user))) == ([3], 4, 1)
    assert stingy.asked.count({3}) == 3
    make_due(house)
    reader.look_often(2)
    assert stingy.asked.count({3}) == 4
    stingy.withheld = set()
    make_due(house)
    assert reader.look() == 1
    assert (withheld(house), stored(house), server.names(user)) == ([], 5, [])


def test_server_that_refuses_every_mail_is_trouble(
    house: House, server: DovecotImap, stingy: StingyImap, reader: Reader, user: str
) -> None:
    """It has a bad day: ten mails at most are stepped over at a time, then the mailbox fails and is tried later."""
    server.deliver(user, mails(30))
    stingy.withheld = set(range(1, 31))
    with pytest.raises(MailboxTrouble, match="no mail any more"):
        reader.look()
    assert withheld(house) == list(range(1, 11))
    stingy.withheld = set()
    make_due(house)
    reader.look()
    assert (stored(house), withheld(house)) == (30, [])


def test_mail_that_is_gone_is_asked_for_no_more(
    house: House, server: DovecotImap, stingy: StingyImap, reader: Reader, user: str
) -> None:
    """Somebody has deleted it in the inbox."""
    server.deliver(user, mails(2))
    stingy.withheld = {1}
    reader.look()
    with Inbox(account(server, user)) as person:
        person.open(is_read_only=False)
        person.put_away([1], AfterFetch.DELETE, "")
    make_due(house)
    assert reader.look() == 0
    assert (withheld(house), stored(house)) == ([], 1)


def test_mailbox_with_a_mail_that_is_stepped_over_can_be_removed(
    house: House, server: DovecotImap, stingy: StingyImap, reader: Reader, user: str
) -> None:
    """Until then doctor names it."""
    server.deliver(user, mails(1))
    stingy.withheld = {1}
    reader.look()
    with house.database.writing() as session:
        told = [finding.text for finding in examine_desk(session) if finding.subject == f"mailbox {user}"]
        assert any("1 mail" in text and "not given" in text for text in told)
        remove_mailbox(session, find_mailbox(session, user))
    assert withheld(house) == []
