"""The talk with a server that is connected, encrypted and signed in: commands out, replies in. RFC 5321, RFC 2920.

aiosmtplib sets the connection up; from then on we read the replies ourselves, because it takes one reply at a time
and drops what comes behind it, so that nothing could be pipelined.
"""

import asyncio
from contextlib import suppress

from outbound.envelope import words_of
from outbound.refusals import Reply

_MAX_LINE = 8192  # RFC 5321 section 4.5.3.1.5 says 512; some servers write more
_MAX_LINES = 100


class Talk:
    """Takes the transport over from whoever opened it."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        loop = asyncio.get_running_loop()
        self._transport = transport
        self._reader = asyncio.StreamReader(limit=_MAX_LINE, loop=loop)
        protocol = asyncio.StreamReaderProtocol(self._reader, loop=loop)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        # `drain` shall wait until everything has left: the time of the dot must mean something. (With 0 uvloop would
        # pause an empty TLS connection for ever.)
        transport.set_write_buffer_limits(high=1, low=0)
        self._writer = asyncio.StreamWriter(transport, protocol, self._reader, loop)

    @property
    def is_alive(self) -> bool:
        """Whether the other side is still there, as far as we know."""
        return not self._transport.is_closing() and not self._reader.at_eof()

    def send(self, *lines: bytes) -> None:
        """Write commands, without waiting for a reply to any of them."""
        self._writer.write(b"".join(line + b"\r\n" for line in lines))

    async def pour(self, block: bytes, seconds: float) -> None:
        """Write a part of a text, and wait until it has left. Raises TimeoutError, OSError."""
        self._writer.write(block)
        async with asyncio.timeout(seconds):
            await self._writer.drain()

    async def reply(self, to: bytes, seconds: float) -> Reply:
        """The next reply; code 0 and a connection that is hung up when there is none."""
        try:
            async with asyncio.timeout(seconds):
                return await self._read()
        except (OSError, TimeoutError, ValueError, EOFError) as error:
            self.abort()
            words = "timed out" if isinstance(error, TimeoutError) else words_of(error)
            return Reply(0, f"no answer to {to.partition(b' ')[0].decode()}: {words}")

    async def _read(self) -> Reply:
        texts: list[str] = []
        while len(texts) < _MAX_LINES:
            line = await self._reader.readline()
            if not line.endswith(b"\n"):
                raise EOFError("the connection was lost")
            if not line[:3].isdigit():
                raise ValueError(f"what came is no reply: {line[:80]!r}")
            texts.append(line[4:].decode("utf-8", "replace").strip())
            if line[3:4] != b"-":
                return Reply(int(line[:3]), "\n".join(texts))
        raise ValueError("the reply does not end")

    async def goodbye(self, seconds: float) -> None:
        """QUIT, briefly, and hang up."""
        with suppress(OSError):
            if self.is_alive:
                self.send(b"QUIT")
                await self.reply(b"QUIT", seconds)
        self.abort()

    def abort(self) -> None:
        """Hang up."""
        self._transport.abort()
