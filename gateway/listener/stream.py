"""The bytes that a peer has sent and that nobody has read yet: bounded, and one wait for more.

It knows nothing of SMTP but the end of a line, and nothing of time: `Conversation` is watched from outside.
"""

from collections.abc import Callable
from typing import Protocol

from gateway.listener.steps import more_bytes

# Above it the peer must wait; the kernel then closes his window.
_HIGH = 512 * 1024


class Gone(Exception):
    """The peer has ended, or we have."""


class Flow(Protocol):
    """What can be told to wait: a transport."""

    def pause_reading(self) -> None:
        """Take no more from the socket."""

    def resume_reading(self) -> None:
        """Go on."""


class Stream:
    """Unread input of one connection."""

    __slots__ = ("_flow", "_is_awaited", "_is_too_long", "_paused", "_wake", "ended", "unread")

    def __init__(self) -> None:
        self._flow: Flow | None = None
        self._paused = False
        self._wake: Callable[[], None] = _nobody
        self._is_awaited = False
        self._is_too_long = False
        self.unread = bytearray()
        self.ended = False

    def wakes(self, reader: Callable[[], None]) -> None:
        """Say how whoever waits for more goes on. He runs before `feed` or `end` returns."""
        self._wake = reader

    def flows_from(self, flow: Flow) -> None:
        """Say whom to slow down; a new transport (TLS) does not know of an old pause."""
        self._flow, self._paused = flow, False

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self.unread += data
        self._go_on()
        if len(self.unread) > _HIGH and not self._paused and self._flow is not None:
            self._paused = True
            self._flow.pause_reading()

    def end(self) -> None:
        """Nothing more will come."""
        self.ended = True
        self._go_on()

    def take_all(self) -> bytearray:
        """All that is unread."""
        taken, self.unread = self.unread, bytearray()
        self._resume()
        return taken

    def put_back(self, taken: bytearray) -> None:
        """Return what was not ours, before anything newer."""
        if taken:
            taken += self.unread
            self.unread = taken

    async def more(self) -> bytearray:
        """Wait until something is unread, and take it. Raises Gone."""
        while not self.unread:
            await self.wait()
        return self.take_all()

    async def wait(self) -> None:
        """Wait until something comes, beyond what is unread. Raises Gone."""
        if self.ended:
            raise Gone
        self._resume()
        self._is_awaited = True
        await more_bytes()
        if self.ended and not self.unread:
            raise Gone

    async def line(self, longest: int) -> bytes:
        """The next line, as `take_line` has it. Raises Gone."""
        while (line := self.take_line(longest)) is None:
            await self.wait()
        return line

    def take_line(self, longest: int) -> bytes | None:
        """The next line with its end, if it is there; empty for one that was too long, and is forgotten."""
        end = self.unread.find(b"\n")
        if end < 0:
            if len(self.unread) > longest:
                self.unread.clear()
                self._is_too_long = True
            return None
        line = bytes(memoryview(self.unread)[: end + 1])
        del self.unread[: end + 1]
        if self._is_too_long or end >= longest:
            self._is_too_long = False
            return b""
        return line

    def _go_on(self) -> None:
        if self._is_awaited:
            self._is_awaited = False
            self._wake()

    def _resume(self) -> None:
        if self._paused and self._flow is not None and len(self.unread) <= _HIGH:
            self._paused = False
            self._flow.resume_reading()


def _nobody() -> None:
    """Before anybody reads."""
