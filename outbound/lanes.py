"""Fairness between the domains that mail goes to: one where everything hangs must not hold up the others.

Behind one server there may be thousands of destinations. One connection to it is always left to the other domains.
How many mails of a domain are claimed at a time is `outbound.worker`'s question.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Lanes:
    """The connections to one server, of which no domain gets all."""

    def __init__(self, connections: int) -> None:
        self._room = asyncio.Semaphore(connections)
        self._most = max(1, connections - 1)
        self._under_way: Counter[str] = Counter()
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def enter(self, domain: str) -> AsyncIterator[None]:
        """Hold a connection for a mail to this domain."""
        while self._under_way[domain] >= self._most:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(domain, []).append(turn)
            await turn
        self._under_way[domain] += 1
        try:
            async with self._room:
                yield
        finally:
            self._under_way[domain] -= 1
            if not self._under_way[domain]:
                del self._under_way[domain]
            for turn in self._waiting.pop(domain, ()):
                if not turn.done():
                    turn.set_result(None)
