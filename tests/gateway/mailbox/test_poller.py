"""The readers of mailboxes beside real servers: trouble is told once, and a person's word tries again at once."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from fakes.house import House
from fakes.inboxes import account, mails
from peers.dovecot_imap import DovecotImap
from sqlmodel import select

from config.clock import now
from config.secrets import Seal
from gateway.mailbox.imap import Inbox
from gateway.mailbox.poller import Poller
from storage.agents import Role, find_agent
from storage.mailboxes import Mailbox, MailboxKind, MailboxState, add_mailbox
from storage.notices import Notice
from storage.queues import find_queue


@pytest.fixture
def number(house: House, server: DovecotImap, user: str) -> int:
    """A mailbox with a mail and a wrong password, that is tried three times in a second and then hardly ever."""
    server.deliver(user, mails(1))
    limits = {"retry_seconds": (0.1, 0.1, 3600.0), "idle_seconds": 1.0}
    return add(house, server, user, "wrong", limits)


def add(house: House, server: DovecotImap, user: str, password: str, limits: dict[str, object]) -> int:
    """A mailbox of the queue Support, read within these limits; returns its number."""
    changed = house.settings.mailboxes.model_copy(update=limits)
    house.settings = house.settings.model_copy(update={"mailboxes": changed})
    with house.database.writing() as session:
        find_agent(session, house.agent.email).role = Role.MANAGER
        queue = find_queue(session, "Support").number
        made = Mailbox(address=user, queue_id=queue, kind=MailboxKind.IMAP, host="127.0.0.1", user=user)
        made.port, made.security = server.port, "none"
        mailbox = add_mailbox(session, made)
        mailbox.secret = Seal(house.settings.key_file).close(password, mailbox.secret_purpose)
        return mailbox.number


@contextmanager
def reading(house: House) -> Iterator[None]:
    """The part that reads mailboxes runs."""
    stop = threading.Event()
    thread = threading.Thread(target=Poller(house.settings, house.database).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)


def until(fact: Callable[[], bool]) -> None:
    """Wait for something that comes by itself."""
    end = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.1)


def state(house: House, number: int) -> MailboxState:
    """How the mailbox does."""
    with house.database.reading() as session:
        return session.get_one(Mailbox, number).state


def fetched(house: House, number: int) -> int:
    """How many mails have come out of it."""
    with house.database.reading() as session:
        return session.get_one(Mailbox, number).fetched


def test_server_that_cannot_tell_of_new_mail_is_asked_for_it(house: House, user: str) -> None:
    """Without IDLE a mail that comes later is fetched all the same, at the next look."""
    first, second = mails(2)
    with DovecotImap(capabilities="IMAP4rev1 UIDPLUS MOVE") as server:
        server.deliver(user, [first])
        with Inbox(account(server, user)) as inbox:
            assert not inbox.has_idle
        number = add(house, server, user, "secret", {"poll_seconds": 0.5, "idle_seconds": 1700.0})
        with reading(house):
            until(lambda: fetched(house, number) == 1)
            server.deliver(user, [second])
            until(lambda: fetched(house, number) == 2)


def test_refused_sign_in_is_told_once_and_tried_again_when_a_person_says_so(house: House, number: int) -> None:
    """The manager gets one notice, whatever is tried; `asked_at` ends the long wait."""
    with reading(house):
        until(lambda: state(house, number) is MailboxState.FAILING)
        with house.database.writing() as session:
            mailbox = session.get_one(Mailbox, number)
            mailbox.asked_at = now()
        time.sleep(3)
        with house.database.writing() as session:
            mailbox = session.get_one(Mailbox, number)
            mailbox.secret = Seal(house.settings.key_file).close("secret", mailbox.secret_purpose)
        until(lambda: state(house, number) is MailboxState.CONNECTED)
    with house.database.reading() as session:
        told = [one.headline for one in session.exec(select(Notice)).all()]
        mailbox = session.get_one(Mailbox, number)
    assert told == [f"the mailbox {mailbox.address} fails, its mail stays there for now"]
    assert mailbox.fetched == 1
