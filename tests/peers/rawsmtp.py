"""An SMTP client that says exactly the bytes it is told to, whether they are allowed or not.

with RawSmtp(port) as peer:
    peer.says("EHLO x")        # the reply, as text
    peer.sends(b"DATA\\r\\n...")  # no waiting
    peer.reply()
"""

import socket
import ssl
from collections.abc import Sequence
from types import TracebackType

from peers.ports import LOOPBACK

TIMEOUT_SECONDS = 15.0


class RawSmtp:
    """One connection. The greeting has been read, unless `greeted` is false."""

    def __init__(self, port: int, *, greeted: bool = True, timeout: float = TIMEOUT_SECONDS, path: str = "") -> None:
        if path:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(path)
        else:
            self.socket = socket.create_connection((LOOPBACK, port), timeout=timeout)
        self._input = b""
        self.greeting = self.reply() if greeted else ""

    def sends(self, content: bytes) -> None:
        """Write, and wait for nothing."""
        self.socket.sendall(content)

    def says(self, line: str) -> str:
        """Send one line, and give the whole reply."""
        self.sends(line.encode("utf-8", "surrogateescape") + b"\r\n")
        return self.reply()

    def reply(self) -> str:
        """The next reply, its lines joined by newlines; empty when the server has closed."""
        lines: list[str] = []
        while True:
            line = self._line()
            if not line:
                return "\n".join(lines)
            lines.append(line)
            if line[3:4] != "-":
                return "\n".join(lines)

    def rest(self) -> list[str]:
        """All replies until the server closes."""
        replies = []
        while reply := self.reply():
            replies.append(reply)
        return replies

    def starts_mail(self, recipients: Sequence[str], sender: str = "ann@customer.example") -> None:
        """EHLO, MAIL and RCPT, each agreed to."""
        replies = [self.says("EHLO client.example"), self.says(f"MAIL FROM:<{sender}>")]
        replies += [self.says(f"RCPT TO:<{recipient}>") for recipient in recipients]
        assert all(reply.startswith("250") for reply in replies), replies

    def mails(self, recipients: Sequence[str], content: bytes, sender: str = "ann@customer.example") -> str:
        """A whole transaction with stuffed dots; the reply to the mail."""
        self.starts_mail(recipients, sender)
        return self.gives(content)

    def gives(self, content: bytes) -> str:
        """DATA, the mail and its dot; the reply."""
        assert self.says("DATA").startswith("354")
        self.sends(stuffed(content) + b".\r\n")
        return self.reply()

    def encrypts(self, context: ssl.SSLContext | None = None) -> None:
        """Do the client's part of the TLS handshake."""
        self.socket = (context or trusting_context()).wrap_socket(self.socket, server_hostname="localhost")

    def is_closed(self) -> bool:
        """The server has closed, and says nothing before it."""
        return self.reply() == ""

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def __enter__(self) -> "RawSmtp":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _line(self) -> str:
        while b"\n" not in self._input:
            try:
                piece = self.socket.recv(65536)
            except ConnectionError:
                piece = b""
            if not piece:
                line, self._input = self._input, b""
                return line.decode()
            self._input += piece
        line, _, self._input = self._input.partition(b"\n")
        return line.decode().removesuffix("\r")


def stuffed(content: bytes) -> bytes:
    """With the dots of transparency (RFC 5321 section 4.5.2); the content ends in CR LF."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]


def trusting_context() -> ssl.SSLContext:
    """TLS that asks for no name and no authority."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
