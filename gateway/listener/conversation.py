"""One connection: bytes in, lines to commands, replies out, and the ways to end. The commands are `dialogue`.

aiosmtpd's server has other insides here where it is unsafe or slow: bytes come through `Stream`, a client
that goes cancels nothing, and every reply is one of `replies`. Whether a peer has been slow for too long is `pace`.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope

from config import maillog
from config.receiving import LimitSettings, ListenerSettings
from config.settings import Settings
from gateway.listener import replies
from gateway.listener.handler import Handler, Visit
from gateway.listener.limits import Budget, Connections, Networks
from gateway.listener.pace import Pace
from gateway.listener.proxy import read_client
from gateway.listener.replies import Reply
from gateway.listener.steps import Steps
from gateway.listener.stream import Gone, Stream
from gateway.listener.tls import Certificates, facts_of

_LONGEST_LINE = 1024  # what is read at all; each command has its own limit
# How long we still read after our last word, so that the peer can hear it: a socket that
# is closed with unread bytes resets the connection, and the reply may be lost.
_LINGER_SECONDS = 2.0
_LINGER_OCTETS = 16 * 1024 * 1024


@dataclass(slots=True)
class Common:
    """What the conversations of one listener share."""

    settings: Settings
    listener: ListenerSettings
    handler: Handler
    certificates: Certificates | None
    connections: Connections
    budget: Budget
    proxies: Networks
    conversations: "set[Conversation]" = field(default_factory=set)
    is_draining: bool = False


class Conversation(SMTP):
    """One connection."""

    transport: asyncio.Transport | None
    session: Visit
    envelope: Envelope

    def __init__(self, common: Common, loop: asyncio.AbstractEventLoop) -> None:
        # Not super().__init__: it looks at every member of server and handler, which costs more than a mail.
        self.loop = loop
        self.common = common
        self.event_handler = common.handler
        self.hostname = common.settings.hostname
        self.limits: LimitSettings = common.settings.limits  # what this peer may cost
        self.transport = None
        self.stream = Stream()
        self.is_tls = common.listener.tls == "implicit"
        self.pace = Pace(loop.time())
        self._closing_since: float | None = None
        self._octets_after_the_end = 0
        self._unwritable: asyncio.Future[None] | None = None
        self._is_counted = False

    # --- the transport's side -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer is there."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are transports without the base class
        self.stream.flows_from(self.transport)
        self.session = Visit(self.loop)
        self.session.peer = transport.get_extra_info("peername")
        self.session.host = host_of(self.session.peer)
        self.session.tls = facts_of(self.transport) if self.is_tls else ""
        self._forget_mail()
        self.common.conversations.add(self)
        steps = Steps(self._handle_client(), self.loop)
        self.stream.wakes(steps.go_on)
        steps.go_on()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._closing_since is not None:
            self._octets_after_the_end += len(data)
            if self._octets_after_the_end > _LINGER_OCTETS:
                self.abort()
            return
        if self.pace.is_in_mail:
            self.pace.mail_comes(self.loop.time(), len(data))
        self.stream.feed(data)

    def eof_received(self) -> bool:
        """The peer will say no more; it may still listen, and a commit goes on."""
        self.stream.end()
        return self._closing_since is None and not self.is_tls

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        if self.transport is None:
            return
        self.transport = None
        self.stream.end()
        self.resume_writing()
        self.common.conversations.discard(self)
        if self._is_counted:
            self.common.connections.leave(self.session.host)

    def pause_writing(self) -> None:
        """The peer does not read what we say."""
        self._unwritable = self.loop.create_future()

    def resume_writing(self) -> None:
        """He reads again, or never will."""
        if self._unwritable is not None and not self._unwritable.done():
            self._unwritable.set_result(None)
        self._unwritable = None

    def abort(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.abort()

    def _forget_mail(self) -> None:
        self.envelope = self._create_envelope()

    # --- time, asked once a second --------------------------------------------------------------

    def check_time(self, now: float) -> None:
        """End the conversation when the peer has been too slow."""
        if self._closing_since is not None:
            if now - self._closing_since > _LINGER_SECONDS:
                self.abort()
        elif (last_word := self.pace.too_slow(now, self.limits)) is not None:
            self._end(last_word)

    def drain(self, *, hurry: bool = False) -> None:
        """We are stopping: whoever is between commands goes now; in a hurry also who is sending a mail."""
        if self.pace.is_waiting and (hurry or not self.pace.is_in_mail):
            self._end(replies.SHUTTING_DOWN)

    # --- talking ------------------------------------------------------------------------------

    async def push(self, status: str | bytes) -> None:
        """aiosmtpd's way to say something."""
        self._write((status.encode() if isinstance(status, str) else status) + b"\r\n")

    def say(self, reply: Reply) -> None:
        """Answer."""
        self._write(reply.wire)

    def _write(self, lines: bytes) -> None:
        if self.transport is not None and self._closing_since is None and not self.transport.is_closing():
            self.transport.write(lines)

    def _refuse(self, reply: Reply, recipient: str = "") -> None:
        self.say(reply)
        maillog.refused(peer=self.session.host, reply=reply.line, recipient=recipient)

    def _wrong(self, reply: Reply) -> None:
        """The peer made an error; too many end the conversation."""
        self.session.errors += 1
        if self.limits.errors and self.session.errors > self.limits.errors:
            self._end(replies.TOO_MANY_ERRORS)
        else:
            self._refuse(reply)

    def _end(self, reply: Reply) -> None:
        """Say a last word and hang up."""
        self._refuse(reply)
        self.hang_up()

    def hang_up(self) -> None:
        """Close, after the peer had a chance to hear our last word."""
        if self.transport is None or self._closing_since is not None:
            return
        self._closing_since = self.loop.time()
        self.pace.is_ours()
        self.stream.unread.clear()
        self.stream.end()
        if self.transport.is_closing() or not self.transport.can_write_eof():
            self.transport.close()
        else:
            self.transport.write_eof()

    # --- the loop -----------------------------------------------------------------------------

    async def _handle_client(self) -> None:
        try:
            await self._greet()
            await self._converse()
        except Gone:
            pass
        except Exception as error:  # noqa: BLE001 - the edge of the conversation
            # Where we are in the dialogue is unknown: going on could take a mail's text for commands.
            await self.push(await self.common.handler.handle_exception(error))
        finally:
            if self._closing_since is None and self.transport is not None:
                self._closing_since = self.loop.time()
                self.transport.close()

    async def _greet(self) -> None:
        if self.common.listener.proxy_from:
            await self._hear_proxy()
        if not self.common.connections.enter(self.session.host):
            self._refuse(replies.TOO_MANY_CONNECTIONS)
            raise Gone
        self._is_counted = True
        await asyncio.sleep(self.limits.greeting_delay_seconds)
        if self.stream.unread and not self.is_tls:
            self._end(replies.OUT_OF_STEP)
            raise Gone
        await self.push(f"220 {self.hostname} {self.common.listener.protocol.upper().replace('SMTP', 'ESMTP')}")

    async def _hear_proxy(self) -> None:
        if self.session.host not in self.common.proxies:
            maillog.refused(peer=self.session.host, reply="no PROXY header is believed from this network")
            raise Gone
        too_late = self.loop.call_later(self.limits.handshake_seconds, self.stream.end)
        try:
            self.session.host = await read_client(self.stream) or self.session.host
        finally:
            too_late.cancel()

    async def _converse(self) -> None:
        """Obey one command after the other, and wait only where there is something to wait for."""
        while self._closing_since is None:
            if self.common.is_draining:
                self._end(replies.SHUTTING_DOWN)
                return
            if self._unwritable is not None:
                await self._unwritable
            line = self.stream.take_line(_LONGEST_LINE)
            if line is None:
                self.pace.waits(self.loop.time())
                await self.stream.wait()
                continue
            self.pace.is_ours()
            if not line:
                self._wrong(replies.LINE_TOO_LONG)
            elif not line.endswith(b"\r\n"):
                self._wrong(replies.BARE_LINE_END)
            elif (work := self._obey(line[:-2])) is not None:
                await work

    def _obey(self, line: bytes) -> Awaitable[None] | None:
        """Do what one command line says, or return what is to be awaited for it."""
        raise NotImplementedError


def host_of(peername: object) -> str:
    """The address of a peer; a Unix socket has none. On a socket for both, IPv4 comes as IPv6 (RFC 4291 2.5.5.2)."""
    if not isinstance(peername, tuple) or not peername:
        return "local"
    host = str(peername[0])
    return host.removeprefix("::ffff:") if "." in host else host
