"""Mails as they are on the wire at their worst, all of them lawful but for the length of lines.

Each has the fields that a mail server would add to one without them, so that a trace is all that it adds.
"""

import base64
import random
import secrets

LONGEST_LAWFUL = 998  # RFC 5322 section 2.1.1


class WildMails:
    """A set of mails that no other test has."""

    def __init__(self) -> None:
        self.tag = secrets.token_hex(6)

    def lawful(self) -> dict[str, bytes]:
        """What every server must carry unchanged."""
        return {
            "plain": self._mail("plain", b"Dear all,\r\n\r\nwhere is it?\r\n"),
            "dots": self._mail("dots", b".\r\n..\r\n.start\r\n...\r\n\r\nend.\r\n.\r\n"),
            "spaces": self._mail("spaces", b"trailing  \r\n\t\r\n \r\nFrom me to you\r\n\r\n\r\n"),
            "empty": self._mail("empty", b""),
            "line of 998": self._mail("line", b"x" * LONGEST_LAWFUL + b"\r\n." + b"y" * (LONGEST_LAWFUL - 1) + b"\r\n"),
            "UTF-8": self._mail("utf8", "Olá, não chegou — où est-il? 日本語\r\n".encode() * 40, b"utf-8"),
            "Latin-1": self._mail("latin1", bytes(range(0xA0, 0x100)) + b"\r\n", b"iso-8859-1"),
            "2 MB": self._mail("large", _attachment(2_000_000)),
        }

    def long_lines(self, most: int = 100_000) -> dict[str, bytes]:
        """Longer lines than RFC 5322 allows, which real mail has."""
        return {
            f"line of {length}": self._mail(f"l{length}", b"a " * (length // 2) + b"\r\n.\r\nend\r\n")
            for length in (LONGEST_LAWFUL + 2, 5_000, 100_000)
            if length <= most
        }

    def _mail(self, name: str, body: bytes, charset: bytes = b"us-ascii") -> bytes:
        eight = b"7bit" if charset == b"us-ascii" else b"8bit"
        return (
            b"From: Bob <bob@client.example>\r\nTo: support@company.example\r\n"
            b"Subject: A folded\r\n subject, " + name.encode() + b"\r\nDate: Mon, 2 Mar 2026 09:00:00 +0000\r\n"
            b"Message-ID: <" + self.tag.encode() + b"." + name.encode() + b"@client.example>\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: text/plain; charset=" + charset + b"\r\nContent-Transfer-Encoding: " + eight + b"\r\n\r\n"
        ) + body  # fmt: skip


def _attachment(size: int) -> bytes:
    """Lines of base64, the same in every run."""
    return base64.encodebytes(random.Random(7).randbytes(size * 3 // 4)).replace(b"\n", b"\r\n")
