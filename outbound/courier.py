"""Bring a mail to the servers of its way: kept-open connections, and the next server when one cannot be used.

Only a server that has said nothing about a recipient is passed over; what was said counts. Whether and when
there is another attempt is `outbound.worker`'s question.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from config import maillog
from outbound.connection import BeforeDot, Connection
from outbound.envelope import Answer, Envelope, Patience, Server, ServerTrouble
from outbound.refusals import Reply
from outbound.signin import connect
from storage.outbox import DeliveryState

# A server that drops idle connections does so after minutes; we are earlier.
_IDLE_SECONDS = 20.0
_MAILS_PER_CONNECTION = 200
# A server that could not be used is asked last for a while.
_SICK_SECONDS = 30.0
# A sign-in that was refused is not repeated for each mail that waits: accounts are locked for less.
_REST_SECONDS, _MAX_REST_SECONDS = 5.0, 300.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one transaction came to: the answers, the server that gave them, and trouble with our account there."""

    answers: list[Answer]
    server: str
    account_trouble: str = ""


class Pool:
    """The connections to one server."""

    def __init__(self, server: Server, hostname: str, patience: Patience, limit: int) -> None:
        self.server = server
        self._hostname, self._patience = hostname, patience
        self._room = asyncio.Semaphore(limit)
        self._idle: deque[tuple[Connection, float]] = deque()
        self._sick_until = 0.0
        self._rest_until, self._rest = 0.0, 0.0
        self._last_trouble = Reply(0, "")

    @property
    def is_sick(self) -> bool:
        """Whether the server could not be used a moment ago."""
        return time.monotonic() < self._sick_until

    async def deliver(self, envelope: Envelope, before_dot: BeforeDot) -> list[Answer]:
        """Send over a free connection, or over a new one. Raises ServerTrouble."""
        async with self._room:
            if time.monotonic() < self._rest_until:
                raise ServerTrouble(self._last_trouble)
            try:
                answers = await self._over_any(envelope, before_dot)
            except ServerTrouble as trouble:
                self._remember(trouble.reply)
                raise
            self._sick_until = self._rest = 0.0
            return answers

    async def close_idle(self, older_than: float = _IDLE_SECONDS) -> None:
        """Say goodbye on connections that nobody has needed for a while."""
        while self._idle and time.monotonic() - self._idle[0][1] >= older_than:
            connection, _ = self._idle.popleft()
            await connection.close()

    async def _over_any(self, envelope: Envelope, before_dot: BeforeDot) -> list[Answer]:
        kept = self._kept()
        if kept:
            # The server may have closed a kept connection in this very moment: that is no trouble yet.
            with suppress(ServerTrouble):
                return await self._over(kept, envelope, before_dot)
        return await self._over(await connect(self.server, self._hostname, self._patience), envelope, before_dot)

    async def _over(self, connection: Connection, envelope: Envelope, before_dot: BeforeDot) -> list[Answer]:
        try:
            answers = await connection.deliver(envelope, before_dot)
        except asyncio.CancelledError:
            connection.abort()
            raise
        if connection.is_alive and connection.mails < _MAILS_PER_CONNECTION:
            self._idle.append((connection, time.monotonic()))
        else:
            await connection.close()
        return answers

    def _kept(self) -> Connection | None:
        while self._idle:
            connection, since = self._idle.pop()
            if connection.is_alive and time.monotonic() - since < _IDLE_SECONDS:
                return connection
            connection.abort()
        return None

    def _remember(self, reply: Reply) -> None:
        self._last_trouble = reply
        self._sick_until = time.monotonic() + _SICK_SECONDS
        if reply.is_about_account:
            self._rest = min(max(self._rest * 2, _REST_SECONDS), _MAX_REST_SECONDS)
            self._rest_until = time.monotonic() + self._rest


class Courier:
    """All pools of this process."""

    def __init__(self, hostname: str, patience: Patience, limit: int) -> None:
        self._make: Callable[[Server], Pool] = lambda server: Pool(server, hostname, patience, limit)
        self._pools: dict[Server, Pool] = {}

    async def send(
        self, servers: Sequence[Server], envelope: Envelope, before_dot: BeforeDot, asked_last: str = ""
    ) -> Delivered:
        """Send through the first of these servers that can be used; begin behind the one that was asked last."""
        said = Reply(0, "there is no server to send through")
        server = ""
        for pool in self._in_order(servers, asked_last):
            server = pool.server.name
            try:
                answers = await pool.deliver(envelope, before_dot)
            except ServerTrouble as trouble:
                maillog.trouble("server", server=server, reply=str(trouble.reply))
                said = trouble.reply
            else:
                return Delivered(answers, server, _account_trouble([answer.reply for answer in answers]))
        deferred = [Answer(recipient, DeliveryState.DEFERRED, said) for recipient in envelope.recipients]
        # A channel has one server, and whatever keeps us out of it is trouble of the channel.
        return Delivered(deferred, server, _account_trouble([said]))

    async def close_idle(self) -> None:
        """Let go of connections that nobody needs."""
        for pool in list(self._pools.values()):
            await pool.close_idle()

    async def close(self) -> None:
        """Let go of all connections."""
        closing: list[Awaitable[None]] = [pool.close_idle(older_than=0.0) for pool in self._pools.values()]
        await asyncio.gather(*closing)

    def _in_order(self, servers: Sequence[Server], asked_last: str) -> list[Pool]:
        names = [server.name for server in servers]
        first = (names.index(asked_last) + 1) % len(names) if asked_last in names else 0
        pools = [self._pools.setdefault(s, self._make(s)) for s in (*servers[first:], *servers[:first])]
        return sorted(pools, key=lambda pool: pool.is_sick)


def _account_trouble(replies: Sequence[Reply]) -> str:
    return next((str(reply) for reply in replies if reply.is_about_account), "")
