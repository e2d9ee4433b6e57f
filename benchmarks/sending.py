"""A customer base that writes: small mails in threads, sent over ten connections at a time.

smtp-source cannot write an answer to an earlier mail. Each thread of mails goes over one connection, so that
a mail is accepted before its answer is sent.
"""

import random
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from peers.ports import LOOPBACK

CONNECTIONS = 10
# Of five mails of an author two open a ticket, and three answer in one of them: 60 % are follow-ups.
_THREADS = (0, 1, 0, 1, 0)
MAILS_PER_AUTHOR = len(_THREADS)
TICKETS_PER_AUTHOR = len(set(_THREADS))
_BYTES = 2048
_REPLY_BYTES = 4096
_SENTENCES = (
    "We have not received the printer that we ordered on Monday.",
    "The invoice shows another price than the contract.",
    "Could you please send it again to the address below?",
    "When I open the page, the screen says that my password is wrong.",
    "Since the delivery the red light has been blinking.",
    "My colleague has written to you about it last week.",
    "The customer number stands on the attached order.",
    "Thank you for your answer.",
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail with its sender, dots stuffed and ready to be sent."""

    sender: str
    data: bytes


def write_mails(authors: int, recipient: str, seed: int) -> list[Mail]:
    """All mails of some authors; those that belong together stand in their order."""
    chance = random.Random(seed)
    return [mail for number in range(authors) for mail in _by_one(f"{seed}-{number}", recipient, chance)]


def _by_one(author: str, recipient: str, chance: random.Random) -> Iterator[Mail]:
    sender = f"customer-{author}@client.example"
    for place, thread in enumerate(_THREADS):
        first, id_ = f"{author}.{thread}@client.example", f"{author}.{place}@client.example"
        answers = f"In-Reply-To: <{first}>\r\nReferences: <{first}>\r\n" if place != thread else ""
        head = (
            "Received: from laptop (unknown [192.0.2.7]) by mail.client.example;\r\n"
            f"\tMon, 5 Jan 2026 10:00:{place:02} +0000\r\n"
            f"From: Customer {author} <{sender}>\r\nTo: <{recipient}>\r\n"
            f"Subject: {'Re: ' if answers else ''}Question {thread} of {author}\r\n"
            f"Message-ID: <{id_}>\r\n{answers}Date: Mon, 5 Jan 2026 10:00:{place:02} +0000\r\n"
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        )
        yield Mail(sender, (head + _text(_BYTES - len(head), chance)).encode() + b".\r\n")


def _text(size: int, chance: random.Random) -> str:
    text = ""
    while len(text) < size:
        text += " ".join(chance.choices(_SENTENCES, k=2)) + "\r\n"
    return text


def send(port: int, recipient: str, mails: Sequence[Mail]) -> list[float]:
    """Send all mails and return after the last 250; how many seconds each waited for it after its dot."""
    authors = [mails[at : at + MAILS_PER_AUTHOR] for at in range(0, len(mails), MAILS_PER_AUTHOR)]
    shares = [[mail for author in authors[lane::CONNECTIONS] for mail in author] for lane in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        waits = pool.map(lambda share: _send_over_one(port, recipient, share), shares)
        return [seconds for lane in waits for seconds in lane]


def _send_over_one(port: int, recipient: str, mails: Sequence[Mail]) -> list[float]:
    waits = []
    with socket.create_connection((LOOPBACK, port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _expect(connection, b"220")
        _say(connection, b"EHLO client.example\r\n", b"250")
        for mail in mails:
            _say(connection, f"MAIL FROM:<{mail.sender}>\r\n".encode(), b"250")
            _say(connection, f"RCPT TO:<{recipient}>\r\n".encode(), b"250")
            _say(connection, b"DATA\r\n", b"354")
            sent = time.monotonic()
            _say(connection, mail.data, b"250")
            waits.append(time.monotonic() - sent)
        _say(connection, b"QUIT\r\n", b"221")
    return waits


def _say(connection: socket.socket, words: bytes, code: bytes) -> None:
    connection.sendall(words)
    _expect(connection, code)


def _expect(connection: socket.socket, code: bytes) -> None:
    reply = b""
    # The last line of a reply has a blank behind its code. RFC 5321 section 4.2.1.
    while not (reply.endswith(b"\r\n") and reply[:-2].rpartition(b"\n")[2][3:4] == b" "):
        piece = connection.recv(_REPLY_BYTES)
        if not piece:
            raise ConnectionError(f"the server closed after {reply!r}")
        reply += piece
    if not reply.startswith(code):
        raise ConnectionError(f"{code!r} was expected, and {reply!r} came")
