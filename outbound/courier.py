"""Bring a mail to the servers of its way: kept-open connections, and the next server when one cannot be used.

Only a server that has said nothing about a recipient is passed over; what was said counts. Whether and when
there is another attempt is `outbound.worker`'s question.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from config import maillog
from outbound.envelope import Answer, BeforeDot, Envelope, Patience, Server, ServerTrouble
from outbound.lanes import Lanes
from outbound.oauth import Accounts
from outbound.pace import Pace
from outbound.refusals import Reply
from outbound.signin import Line, open_line
from storage.address import domain_of
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
    retry_after: float = 0.0  # seconds that the server asks us to wait


@dataclass(frozen=True, slots=True)
class Means:
    """What every pool needs: our name, how long we wait, how many connections a server gets, and tokens."""

    hostname: str
    patience: Patience
    connections: int
    accounts: Accounts | None = None


class Pool:
    """The connections to one server."""

    def __init__(self, server: Server, means: Means) -> None:
        self.server, self._means = server, means
        self._lanes = Lanes(server.connections or means.connections)
        self._pace = Pace(server.mails_per_minute)
        self._idle: deque[tuple[Line, float]] = deque()
        self._sick_until = 0.0
        self._rest_until, self._rest = 0.0, 0.0
        self._last_trouble, self._was_asked_to_wait = Reply(0, ""), False

    @property
    def is_sick(self) -> bool:
        """Whether the server could not be used a moment ago."""
        return time.monotonic() < self._sick_until

    async def deliver(self, envelope: Envelope, before_dot: BeforeDot, *, others: bool = False) -> list[Answer]:
        """Send over a free connection, or over a new one. Raises ServerTrouble.

        When there are `others`, nobody waits here for a server that has turned out to be of no use meanwhile.
        """
        was_sick = self.is_sick
        async with self._lanes.enter(domain_of(envelope.recipients[0])):
            await self._pace.wait()
            if others and self.is_sick and not was_sick:
                raise ServerTrouble(self._last_trouble)
            rest = self._rest_until - time.monotonic()
            if rest > 0:
                raise ServerTrouble(self._last_trouble, rest if self._was_asked_to_wait else 0.0)
            try:
                answers = await self._over_any(envelope, before_dot)
            except ServerTrouble as trouble:
                self._remember(trouble)
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
        means = self._means
        line = await open_line(self.server, means.hostname, means.patience, means.accounts)
        return await self._over(line, envelope, before_dot)

    async def _over(self, connection: Line, envelope: Envelope, before_dot: BeforeDot) -> list[Answer]:
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

    def _kept(self) -> Line | None:
        while self._idle:
            connection, since = self._idle.pop()
            if connection.is_alive and time.monotonic() - since < _IDLE_SECONDS:
                return connection
            connection.abort()
        return None

    def _remember(self, trouble: ServerTrouble) -> None:
        self._last_trouble = trouble.reply
        self._sick_until = time.monotonic() + _SICK_SECONDS
        self._was_asked_to_wait = trouble.retry_after > 0
        if self._was_asked_to_wait:
            self._rest_until = time.monotonic() + trouble.retry_after
        elif trouble.reply.is_about_account:
            self._rest = min(max(self._rest * 2, _REST_SECONDS), _MAX_REST_SECONDS)
            self._rest_until = time.monotonic() + self._rest


class Courier:
    """All pools of this process."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._pools: dict[Server, Pool] = {}

    async def send(
        self, servers: Sequence[Server], envelope: Envelope, before_dot: BeforeDot, asked_last: str = ""
    ) -> Delivered:
        """Send through the first of these servers that can be used; begin behind the one that was asked last."""
        said, retry_after = Reply(0, "there is no server to send through"), 0.0
        server = ""
        pools = self._in_order(servers, asked_last)
        for pool in pools:
            server = pool.server.name
            try:
                answers = await pool.deliver(envelope, before_dot, others=pool is not pools[-1])
            except ServerTrouble as trouble:
                maillog.trouble("server", server=server, reply=str(trouble.reply))
                said, retry_after = trouble.reply, trouble.retry_after
            else:
                return Delivered(answers, server, _account_trouble([answer.reply for answer in answers]))
        deferred = [Answer(recipient, DeliveryState.DEFERRED, said) for recipient in envelope.recipients]
        # A channel has one server, and whatever keeps us out of it is trouble of the channel.
        return Delivered(deferred, server, _account_trouble([said]), retry_after)

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
        return sorted(map(self._pool, (*servers[first:], *servers[:first])), key=lambda pool: pool.is_sick)

    def _pool(self, server: Server) -> Pool:
        if server not in self._pools:
            self._pools[server] = Pool(server, self._means)
        return self._pools[server]


def _account_trouble(replies: Sequence[Reply]) -> str:
    return next((str(reply) for reply in replies if reply.is_about_account), "")
