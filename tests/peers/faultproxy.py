"""A TCP proxy that breaks connections at a chosen byte. It knows no SMTP but the dot.

    with FaultProxy(gateway.port) as proxy:
        proxy.next(Trouble(Fault.RESET, after=DOT))         # the mail is in, the answer never comes
        proxy.next(Trouble(Fault.CLOSE, of=Side.SERVER, before=b"250 2.0.0 Accepted"))

Each connection takes the next planned trouble, and passes unharmed when none is left.
"""

import asyncio
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType

from peers.ports import LOOPBACK, until

# The end of a text as it passes from the client. RFC 5321 section 4.1.1.4.
DOT = b"\r\n.\r\n"

PIECE_OCTETS = 65536


class Side(StrEnum):
    """Who sends the bytes that are watched."""

    CLIENT = "client"
    SERVER = "server"


class Fault(StrEnum):
    """What happens to the connection; both sides see it, if not said otherwise."""

    CLOSE = "close"  # FIN to both
    RESET = "reset"  # RST to both
    HALF_CLOSE = "half_close"  # the watched side's stream ends at the other; its answers still pass
    BLACKHOLE = "blackhole"  # nothing passes any more, and nobody is told


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault, and the byte at which it strikes: after so many octets, or after or before some bytes are seen."""

    fault: Fault
    of: Side = Side.CLIENT
    octets: int | None = None
    after: bytes = b""  # these bytes still pass
    before: bytes = b""  # these bytes pass no more, but for what of them came in an earlier piece


class Watch:
    """Looks for the striking byte in one direction of one connection, across the borders of pieces."""

    def __init__(self, trouble: Trouble) -> None:
        self._trouble = trouble
        self._passed = 0
        self._tail = b""  # of what passed: may be the start of the bytes that are looked for

    def look(self, piece: bytes) -> tuple[bytes, bool]:
        """What may pass of this piece, and whether the fault strikes behind it."""
        trouble = self._trouble
        if trouble.octets is not None:
            rest = trouble.octets - self._passed
            self._passed += len(piece)
            return piece[:rest], len(piece) >= rest
        wanted = trouble.after or trouble.before
        seen = self._tail + piece
        at = seen.find(wanted)
        if at >= 0:
            return piece[: max(0, at + len(trouble.after) - len(self._tail))], True
        # Nothing is held back: the other side may be waiting for just these bytes.
        self._tail = seen[max(0, len(seen) - len(wanted) + 1) :]
        return piece, False


class Link:
    """One connection through the proxy: two streams and the trouble on them."""

    def __init__(
        self,
        client: asyncio.StreamWriter,
        server: asyncio.StreamWriter,
        trouble: Trouble | None,
        on_strike: Callable[[], None],
    ) -> None:
        self._ends = (client, server)
        self._on_strike = on_strike
        self._watch = Watch(trouble) if trouble else None
        self._trouble = trouble
        self._silent = False
        self._struck = False
        for end in self._ends:
            # Let drain wait until the kernel has all: what was to pass must not die with an abort.
            end.transport.set_write_buffer_limits(high=0)

    async def carry(self, side: Side, source: asyncio.StreamReader, target: asyncio.StreamWriter, delay: float) -> None:
        """Pass on what one side sends, until it ends or the fault strikes."""
        while piece := await source.read(PIECE_OCTETS):
            await asyncio.sleep(delay)
            passing, strikes = self._look(side, piece)
            if not self._silent:
                target.write(passing)
                await target.drain()
            if strikes and self._strike(target):
                return
        if not self._silent and target.can_write_eof():
            target.write_eof()

    def _look(self, side: Side, piece: bytes) -> tuple[bytes, bool]:
        if self._watch is None or self._trouble is None or self._trouble.of is not side or self._struck:
            return piece, False
        return self._watch.look(piece)

    def _strike(self, target: asyncio.StreamWriter) -> bool:
        """Carry out the fault; true when this direction is over by it."""
        assert self._trouble is not None
        self._struck = True
        self._on_strike()
        match self._trouble.fault:
            case Fault.BLACKHOLE:
                self._silent = True
                return False
            case Fault.HALF_CLOSE:
                target.write_eof()
            case Fault.CLOSE:
                self.close()
            case Fault.RESET:
                self.reset()
        return True

    def close(self) -> None:
        """FIN to both sides."""
        for end in self._ends:
            end.close()

    def reset(self) -> None:
        """RST to both sides: a linger of zero seconds turns the close into one."""
        for end in self._ends:
            raw: socket.socket | None = end.get_extra_info("socket")
            if raw is not None and raw.fileno() >= 0:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()


class FaultProxy:
    """The proxy on a port of its own, in a thread with its own event loop."""

    def __init__(self, target_port: int, delay: float = 0.0) -> None:
        self.delay = delay  # seconds that each piece waits, in either direction
        self.port = 0
        self.connections = 0
        self.strikes = 0
        self._target_port = target_port
        self._planned: deque[Trouble] = deque()
        self._always: Trouble | None = None
        self._links: set[Link] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def next(self, *troubles: Trouble) -> None:
        """Plan these for the next connections, one each."""
        self._planned.extend(troubles)

    def always(self, trouble: Trouble | None) -> None:
        """What strikes connections for which nothing else is planned; None lets them pass."""
        self._always = trouble

    def wait_for_strike(self, count: int = 1, timeout: float = 10.0) -> None:
        """Wait until this many faults were carried out."""
        until(lambda: self.strikes >= count, timeout, f"{count} faults strike, {self.strikes} did")

    def cut(self) -> None:
        """Reset every connection that is open now."""
        self._loop.call_soon_threadsafe(self._reset_all)

    def __enter__(self) -> "FaultProxy":
        self._thread.start()
        assert self._ready.wait(10), "the proxy did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._meet, LOOPBACK, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        self._reset_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _meet(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        # Python 3.11 logs a connection that is cancelled at the end as an error.
        with suppress(asyncio.CancelledError):
            await self._link(from_client, to_client)

    async def _link(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self.connections += 1
        trouble = self._planned.popleft() if self._planned else self._always
        try:
            from_server, to_server = await asyncio.open_connection(LOOPBACK, self._target_port)
        except OSError:
            to_client.transport.abort()
            return
        link = Link(to_client, to_server, trouble, self._note_strike)
        self._links.add(link)
        # A side that goes away ends its stream with an error; the other direction may still have something to say.
        await asyncio.gather(
            self._carry(link, Side.CLIENT, from_client, to_server),
            self._carry(link, Side.SERVER, from_server, to_client),
        )
        self._links.discard(link)
        link.close()

    async def _carry(self, link: Link, side: Side, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            await link.carry(side, source, target, self.delay)
        except OSError:
            # A side that was reset, as by kill -9: the other must not wait for it until its time is up.
            link.reset()

    def _note_strike(self) -> None:
        self.strikes += 1

    def _reset_all(self) -> None:
        for link in tuple(self._links):
            link.reset()
