"""imaplib with bounds: lines and literals are read from the socket by ourselves.

So an answer larger than we allow ends the connection instead of filling the memory, and a wait for news (IDLE) can
end after a while without losing half a line. imap-tools, built on imaplib too, gives mails only as parsed again, not
as the bytes that the server holds.
"""

import imaplib
import ssl
from functools import cache

_PIECE = 65_536
_MAX_LINE = 4_000_000
# What stands around a mail in an answer.
_ROOM = 65_536


class Wire(imaplib.IMAP4):
    """The reading half of a connection. `max_literal` is the size of the largest mail that is wanted."""

    max_literal = 50_000_000

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        """Connect."""
        self._held = bytearray()
        super().open(host, port, timeout)

    def read(self, size: int) -> bytes:
        """So many octets: a literal."""
        if size > self.max_literal + _ROOM:
            raise self.abort(f"the server announces {size:,} octets at once")
        while len(self._held) < size:
            self._receive()
        return self._take(size)

    def readline(self) -> bytes:
        """A line with its end."""
        searched = 0
        while (end := self._held.find(b"\n", searched)) < 0:
            searched = len(self._held)
            if searched > _MAX_LINE:
                raise self.abort("the server sends a line without an end")
            self._receive()
        return self._take(end + 1)

    def has_line(self, seconds: float) -> bool:
        """Whether a line comes within this time."""
        before = self.sock.gettimeout()
        self.sock.settimeout(seconds)
        try:
            while b"\n" not in self._held:
                self._receive()
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(before)
        return True

    def has_spare(self) -> bool:
        """Whether something was received that nobody has asked for."""
        return bool(self._held)

    def _take(self, size: int) -> bytes:
        piece = bytes(self._held[:size])
        del self._held[:size]
        return piece

    def _receive(self) -> None:
        piece = self.sock.recv(_PIECE)
        if not piece:
            raise self.abort("the server closed the connection")
        self._held += piece


class EncryptedWire(Wire, imaplib.IMAP4_SSL):  # type: ignore[misc]  # typeshed gives their `open` other defaults
    """TLS from the first octet. RFC 8314."""


@cache
def tls_context() -> ssl.SSLContext:
    """The system's authorities (or SSL_CERT_FILE); the name is checked."""
    return ssl.create_default_context()
