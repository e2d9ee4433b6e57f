"""A mail that was answered 250 is stored, once, byte for byte."""

import hashlib
import re
import socket
import struct
import threading

import pytest
from peers.ports import until

from storage.blobs import open_blobs

MAIL = b"From: Ann <ann@customer.example>\r\nSubject: Printer\r\n\r\nIt does not print.\r\n"
DOTS = b".one\r\n..two\r\n\r\n.\r\n...\r\n.x\r\n"


def test_mail_to_a_creation_address_is_stored_under_the_id_of_its_250(open_door, database_url):
    """The 250 names the acceptance; spool row, envelope and bytes are there."""
    door = open_door(database_url=database_url)
    with door.peer() as peer:
        reply = peer.mails([door.address], MAIL)
    found = re.fullmatch(r"250 2\.0\.0 Accepted as ([0-9a-v]{16})", reply)
    [row], [acceptance], [raw] = door.rows(), door.acceptances(), door.raws()
    assert found
    assert (row.id, row.recipient, row.state) == (found[1], door.address, "received")
    assert (acceptance.reverse_path, acceptance.helo, acceptance.peer, acceptance.protocol) == (
        "ann@customer.example",
        "client.example",
        "127.0.0.1",
        "ESMTP",
    )
    assert raw.content == MAIL
    assert raw.sha256 == hashlib.sha256(MAIL).hexdigest()


def test_a_retry_with_the_same_bytes_hears_the_same_id(open_door, database_url):
    """A sender that missed its 250 sends again: same id, nothing new."""
    door = open_door(database_url=database_url)
    with door.peer() as peer:
        first = peer.mails([door.address], MAIL)
    with door.peer() as peer:
        second = peer.mails([door.address], MAIL)
    assert first == second
    assert len(door.rows()) == len(door.acceptances()) == 1


def test_one_mail_to_two_recipients_makes_two_rows_and_one_raw(open_door, database_url):
    """The unit is the recipient; the bytes are kept once; a repeated recipient counts once."""
    door = open_door(database_url=database_url)
    other = door.new_address("sales")
    with door.peer() as peer:
        reply = peer.mails([door.address, other.upper(), door.address], MAIL)
    acceptance = reply.rpartition(" ")[2]
    assert {(row.recipient, row.acceptance_id) for row in door.rows()} == {
        (door.address, acceptance),
        (other, acceptance),
    }
    assert len(door.raws()) == 1


def test_a_retry_with_one_recipient_more_adds_only_his_row(open_door, database_url):
    """A mixed retry answers a new id and makes one row."""
    door = open_door(database_url=database_url)
    other = door.new_address("sales")
    with door.peer() as peer:
        first = peer.mails([door.address], MAIL)
    with door.peer() as peer:
        second = peer.mails([door.address, other], MAIL)
    assert first != second
    assert sorted(row.recipient for row in door.rows()) == sorted([door.address, other])


def test_null_reverse_path_is_stored_as_the_empty_string(door):
    """A report comes with MAIL FROM:<>."""
    with door.peer() as peer:
        assert peer.mails([door.address], MAIL, sender="").startswith("250")
    assert door.acceptances()[0].reverse_path == ""


@pytest.mark.parametrize(
    "content",
    [
        DOTS,
        b"",
        b"\r\n",
        b"x" * 70_000 + b"\r\n",
        b"Subject: \xe9\xff\r\n\r\n\x80\x01\x1b\r\n",
        b"Subject: a\r\n\r\n" + b"." * 1000 + b"\r\n",
        b"Subject: a\r\n\r\n" + (b"y" * 998 + b"\r\n") * 700,
    ],
    ids=["dots", "empty", "blank", "pack", "octets", "many dots", "blob"],
)
def test_stored_bytes_are_those_that_were_sent(open_door, database_url, content):
    """Dots are un-stuffed and nothing else changes, whatever the length of lines."""
    door = open_door(database_url=database_url)
    with door.peer() as peer:
        assert peer.mails([door.address], content).startswith("250")
    [raw] = door.raws()
    stored = raw.content
    if stored is None:
        stored = open_blobs(door.settings).get(raw.sha256, raw.pack)
    assert stored == content


@pytest.mark.parametrize("cut", range(1, 9))
def test_dot_that_comes_in_pieces_ends_the_mail(door, cut):
    """CR LF . CR LF is found wherever the network cuts it."""
    with door.peer() as peer:
        peer.starts_mail([door.address])
        peer.says("DATA")
        whole = b"abc\r\n.\r\n"
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (whole[:cut], whole[cut:]):
            peer.sends(piece)
            threading.Event().wait(0.05)
        assert peer.reply().startswith("250 2.0.0")
    assert door.raws()[0].content == b"abc\r\n"


def test_peer_that_leaves_after_the_dot_does_not_stop_the_commit(door):
    """The connection is reset behind the dot, and the mail is stored all the same."""
    with door.peer() as peer:
        peer.starts_mail([door.address])
        peer.says("DATA")
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.sends(MAIL + b".\r\n")
    until(lambda: len(door.rows()) == 1, 5, "the mail is stored")


def test_peer_that_leaves_before_the_dot_stores_nothing(door):
    """Half a mail is no mail."""
    with door.peer() as peer:
        peer.starts_mail([door.address])
        peer.says("DATA")
        peer.sends(MAIL)
    with door.peer() as peer:
        assert peer.says("NOOP").startswith("250")
    assert door.rows() == []


def test_address_that_is_made_while_we_listen_works_at_once(door):
    """A miss in memory asks the database."""
    with door.peer() as peer:
        peer.says("EHLO x")
        peer.says("MAIL FROM:<a@b.example>")
        assert peer.says("RCPT TO:<later@in.desk.example>") == "550 5.1.1 No such address here"
        door.new_address("later")
        assert peer.says("RCPT TO:<later@in.desk.example>") == "250 2.1.5 Ok"


def test_senders_of_the_same_bytes_at_once_all_hear_one_id(open_door, database_url):
    """Twenty connections race with one mail: one row, one id."""
    door = open_door(database_url=database_url)
    start = threading.Barrier(20)
    replies = []

    def send():
        with door.peer() as peer:
            peer.starts_mail([door.address])
            start.wait()
            replies.append(peer.gives(MAIL))

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(replies)) == 1
    assert len(door.rows()) == 1
