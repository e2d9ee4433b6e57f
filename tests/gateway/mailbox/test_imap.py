"""The client against a real Dovecot: bytes, bounds, folders, news and what it says when nobody is let in."""

import threading
import time

import pytest
from fakes.inboxes import account, mails
from peers.dovecot_imap import DovecotImap

from gateway.mailbox.account import Account, MailboxTrouble, SignInRefused
from gateway.mailbox.folders import quoted_folder
from gateway.mailbox.imap import Inbox
from storage.mailboxes import AfterFetch


def test_mails_are_fetched_byte_for_byte_and_stay_unread(server: DovecotImap, user: str) -> None:
    """Also a NUL, bare line ends and a last line without one; no flag is set."""
    odd = [b"Subject: a\r\n\r\nbare\nlf and 8-bit \xff\r\n", b"Subject: b\r\n\r\nno end", b"no header at all\r\n"]
    server.deliver(user, odd)
    with Inbox(account(server, user)) as inbox:
        place = inbox.open(is_read_only=True)
        uids = inbox.search(1, place.uid_next - 1)
        found = inbox.fetch(uids)
        sizes = [one.size for one in inbox.list_mails(uids)]
    assert place.mails == 3
    # Dovecot gives every line its CRLF, whatever the file has.
    assert found[uids[0]] == odd[0].replace(b"bare\n", b"bare\r\n")
    assert sizes == [len(found[uid]) for uid in uids]
    assert all(":2," not in name or name.endswith(":2,") for name in server.names(user))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"password": "wrong"}, SignInRefused),
        ({"port": 1}, MailboxTrouble),
        ({"security": "tls"}, MailboxTrouble),
        ({"security": "starttls"}, MailboxTrouble),
        ({"host": "mail.invalid", "security": "tls"}, MailboxTrouble),
        ({"host": "mail.invalid"}, MailboxTrouble),
    ],
)
def test_trouble_is_told_in_words(
    server: DovecotImap, user: str, changes: dict[str, object], kind: type[Exception]
) -> None:
    """A refused sign-in is another thing than a server that cannot be used; the password is in no message."""
    with pytest.raises(kind) as told:
        Inbox(account(server, user, **changes))
    assert isinstance(told.value, SignInRefused) is (kind is SignInRefused)
    assert "secret" not in str(told.value)
    assert str(told.value)


def test_password_with_letters_of_other_alphabets_is_sent(server: DovecotImap, user: str) -> None:
    """It is refused as wrong, not as unspeakable."""
    with pytest.raises(SignInRefused):
        Inbox(account(server, user, password="pässwörd\N{SNOWMAN}"))


def test_folder_that_is_not_there_is_told(server: DovecotImap, user: str) -> None:
    """Opening it fails in words."""
    server.deliver(user, [])
    with Inbox(account(server, user, folder="Nowhere")) as inbox, pytest.raises(MailboxTrouble, match="refuses"):
        inbox.open(is_read_only=True)


@pytest.mark.parametrize("what", list(AfterFetch))
def test_stored_mail_is_put_away_and_nothing_else(server: DovecotImap, user: str, what: AfterFetch) -> None:
    """Left, marked as read, moved into a folder that is made for it, or deleted; the other mails stay."""
    server.deliver(user, mails(3))
    with Inbox(account(server, user)) as inbox:
        place = inbox.open(is_read_only=what is AfterFetch.LEAVE)
        uids = inbox.search(1, place.uid_next - 1)
        inbox.put_away(uids[:2], what, "Erledigt & Täglich")
        left = inbox.search(1, place.uid_next - 1)
    seen = [name for name in server.names(user) if name.endswith("S")]
    gone = what in (AfterFetch.MOVE, AfterFetch.DELETE)
    assert left == (uids[2:] if gone else uids)
    assert len(seen) == (2 if what is AfterFetch.MARK else 0)
    assert len(server.names(user, "Erledigt &- T&AOQ-glich")) == (2 if what is AfterFetch.MOVE else 0)


def test_news_end_the_wait(server: DovecotImap, user: str) -> None:
    """Dovecot tells of a mail while we wait; without one the wait ends by itself, and the connection is good."""
    server.deliver(user, mails(1))
    with Inbox(account(server, user)) as inbox:
        assert inbox.has_idle
        inbox.open(is_read_only=True)
        assert not inbox.wait(1.0, lambda: False)
        late = threading.Timer(0.5, lambda: server.deliver(user, mails(1)))
        late.start()
        began = time.monotonic()
        assert inbox.wait(60.0, lambda: False)
        assert time.monotonic() - began < 40
        assert inbox.open(is_read_only=True).mails == 2


def test_wait_ends_when_we_are_told_to_stop(server: DovecotImap, user: str) -> None:
    """Within a second or two."""
    server.deliver(user, [])
    with Inbox(account(server, user)) as inbox:
        inbox.open(is_read_only=True)
        began = time.monotonic()
        inbox.wait(60.0, lambda: True)
        assert time.monotonic() - began < 10


def test_larger_mail_than_allowed_ends_the_connection(server: DovecotImap, user: str) -> None:
    """A server cannot fill the memory."""
    server.deliver(user, [b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n" + b"y" * 300_000])
    with Inbox(account(server, user, message_bytes=1000)) as inbox:
        place = inbox.open(is_read_only=True)
        with pytest.raises(MailboxTrouble, match="octets at once"):
            inbox.fetch([place.uid_next - 1])


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("INBOX", '"INBOX"'),
        ("a & b", '"a &- b"'),
        ("Gelöscht", '"Gel&APY-scht"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("a\r\nb LOGOUT", '"a&AA0ACg-b LOGOUT"'),
        ("日本語", '"&ZeVnLIqe-"'),
    ],
)
def test_names_of_folders_are_written_as_the_rfc_says(name: str, written: str) -> None:
    """Modified UTF-7; no name can end the command."""
    assert quoted_folder(name) == written


def test_account_never_shows_its_password() -> None:
    """Neither in a log nor in a traceback."""
    assert "hunter2" not in repr(Account("h", 1, "tls", "u", "hunter2"))
