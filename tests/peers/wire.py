"""The bytes of one SMTP connection, seen from the server: lines, texts, TLS, and ways to end.

What a careful client must not send is reported as a violation and read all the same.
"""

import re
import socket
import ssl
import struct
from collections.abc import Callable

# RFC 5321 section 4.5.3.1: 512 octets a command line, 1000 a text line; AUTH may be longer (RFC 4954 section 4).
COMMAND_OCTETS = 12288
TEXT_OCTETS = 1000
MAIL_OCTETS = 100 * 1024 * 1024
IDLE_SECONDS = 120.0


class Over(Exception):
    """The session has ended."""


class Wire:
    """One connection; TLS may take it over on the way."""

    def __init__(self, connection: socket.socket, violation: Callable[[str], None], *, pipelining: bool) -> None:
        connection.settimeout(IDLE_SECONDS)
        self._socket = connection
        self._violation = violation
        self._pipelining = pipelining
        self._input = b""
        self.tls: str | None = None

    def line(self) -> str:
        """The next command line, without its end."""
        while b"\n" not in self._input:
            self._more()
        line, _, self._input = self._input.partition(b"\n")
        if not line.endswith(b"\r") or b"\r" in line[:-1] or b"\0" in line:
            self._violation(f"command line with a bare CR, LF or a NUL: {line[:80]!r}")
        if self._input and not self._pipelining:
            self._violation("pipelining although it is not offered")
        return line.removesuffix(b"\r").decode("utf-8", "surrogateescape")

    def text(self) -> bytes:
        """All up to the dot, un-stuffed. RFC 5321 section 4.5.2."""
        text = bytearray(b"\r\n")
        end = -1
        while end < 0:
            if not self._input:
                self._more()
            searched = max(0, len(text) - 4)
            text += self._input
            self._input = b""
            end = text.find(b"\r\n.\r\n", searched)
            if len(text) > MAIL_OCTETS:
                raise Over
        self._input = bytes(text[end + 5 :])
        raw = bytes(text[: end + 2]).replace(b"\r\n.", b"\r\n")[2:]
        self._judge(raw)
        return raw

    def say(self, reply: str) -> None:
        """Send a reply of one or more lines; the last one's end is added."""
        self._socket.sendall(reply.encode("utf-8", "surrogateescape") + b"\r\n")

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Go on under TLS."""
        if self._input:
            self._violation("data in clear behind STARTTLS")
        encrypted = context.wrap_socket(self._socket, server_side=True)
        self._socket, self.tls, self._input = encrypted, encrypted.version(), b""

    def say_no_more(self) -> None:
        """Send FIN and keep the connection."""
        self._socket.shutdown(socket.SHUT_WR)

    def listen_on(self) -> None:
        """Read what comes until the peer goes."""
        while self._socket.recv(65536):
            pass

    def break_off(self) -> None:
        """Let the close to come be an RST: a linger of zero seconds."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _more(self) -> None:
        if len(self._input) > COMMAND_OCTETS:
            raise Over
        piece = self._socket.recv(262144)
        if not piece:
            raise Over
        self._input += piece

    def _judge(self, raw: bytes) -> None:
        if re.search(rb"\r(?!\n)|(?<!\r)\n|\0", raw):
            self._violation("text with a bare CR, LF or a NUL")
        if any(len(line) + 2 > TEXT_OCTETS for line in raw.split(b"\r\n")):
            self._violation("text line of more than 1000 octets")
