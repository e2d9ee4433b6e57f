"""A way to an IMAP server on which some mails are not given: refused in words, left out, or the end of the connection.

It passes on what the two say, line by line from the client's side; only a FETCH of bodies is looked at.
"""

import re
import socket
import threading
from contextlib import suppress
from types import TracebackType

from peers.ports import LOOPBACK

_FETCH = re.compile(rb"^(\S+) UID FETCH (\S+) \(BODY\.PEEK\[\]\)\r\n$")


class StingyImap:
    """A listener in front of a server, as a block. `withheld` holds the UIDs; `how`: refuse, omit or hang-up."""

    def __init__(self, port: int) -> None:
        self.withheld: set[int] = set()
        self.how = "refuse"
        self.asked: list[set[int]] = []
        self._server = port
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> "StingyImap":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection((LOOPBACK, self._server)) as server:
            threading.Thread(target=_pass_on, args=(server, client), daemon=True).start()
            for line in client.makefile("rb"):
                passed = self._looked_at(line, client)
                if passed is None:
                    break
                server.sendall(passed)
            for end in (client, server):
                end.shutdown(socket.SHUT_RDWR)

    def _looked_at(self, line: bytes, client: socket.socket) -> bytes | None:
        """What the server is to hear of it; None: the connection ends."""
        found = _FETCH.match(line)
        if not found:
            return line
        tag, uids = found[1], _uids(found[2])
        self.asked.append(uids)
        if not uids & self.withheld:
            return line
        if self.how == "hang-up":
            return None
        left = uids - self.withheld
        if self.how == "omit" and left:
            return b"%s UID FETCH %s (BODY.PEEK[])\r\n" % (tag, b",".join(b"%d" % uid for uid in sorted(left)))
        answer = b"OK done" if self.how == "omit" else b"NO [SERVERBUG] Internal error"
        client.sendall(b"%s %s\r\n" % (tag, answer))
        return b""


def _pass_on(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while piece := server.recv(65_536):
            client.sendall(piece)


def _uids(text: bytes) -> set[int]:
    """The numbers of a sequence set."""
    runs = [part.split(b":") for part in text.split(b",")]
    return {uid for run in runs for uid in range(int(run[0]), int(run[-1]) + 1)}
