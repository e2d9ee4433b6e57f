"""Wake a worker of another process on this machine at once; polling stays the way that always works.

A datagram on a Unix socket in data_dir: lost when nobody listens, which costs one poll.
"""

import socket
from contextlib import closing, suppress
from pathlib import Path


def wake(data_dir: Path, part: str) -> None:
    """Tell a part (`intake`, `relay`) that there is work. Never fails, never waits."""
    with suppress(OSError), closing(Waker(data_dir, part)) as waker:
        waker.wake()


def _path(data_dir: Path, part: str) -> Path:
    return data_dir / f"wake-{part}"


class Waker:
    """For who wakes one part again and again: the socket stays open."""

    def __init__(self, data_dir: Path, part: str) -> None:
        self._address = str(_path(data_dir, part))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def wake(self) -> None:
        """Tell the part that there is work. Never fails, never waits."""
        with suppress(OSError):
            self._socket.sendto(b"w", self._address)

    def close(self) -> None:
        """Wake nobody any more."""
        self._socket.close()


class Waiter:
    """The ear of a part. Of several workers of one part the last one to open it hears; the others poll."""

    def __init__(self, data_dir: Path, part: str) -> None:
        self._path = _path(data_dir, part)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
            self._socket.bind(str(self._path))

    def wait(self, seconds: float) -> bool:
        """Wait until somebody wakes us, or so long; True when we were woken."""
        self._socket.settimeout(max(seconds, 0.001))
        try:
            self._socket.recv(64)
        except OSError:
            return False
        self._socket.setblocking(False)
        with suppress(OSError):
            while self._socket.recv(64):
                pass  # many calls, one awakening
        return True

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
