"""Who is a recipient of ours: creation addresses, signed reply addresses and return paths, postmaster.

Kept in memory. Addresses are only ever added, so a hit is final and a miss asks the database: an
address that a command made a moment ago works at once. Relaying is `policy`'s question.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlmodel import select

from config.errors import DatabaseUnavailable
from gateway.listener.steps import in_time
from outbound.marks import Marks
from storage.addresses import CreationAddress, queue_ids_by_address
from storage.database import Database

_THREADS = 2

_Answer = TypeVar("_Answer")


class Directory:
    """The recipients of one installation."""

    def __init__(self, database: Database, marks: Marks, seconds: float) -> None:
        self._database = database
        self._marks = marks
        self._seconds = seconds
        self._queues: dict[str, int] = {}
        # Threads of its own: a database that hangs must not hold up what else runs in threads.
        self._pool = ThreadPoolExecutor(_THREADS, "directory")

    async def load(self) -> None:
        """Read all addresses. Raises DatabaseUnavailable."""
        self._queues = await self._in_thread(self._read_all)

    async def knows(self, address: str) -> bool:
        """Whether mail to this canonical address is ours. Raises DatabaseUnavailable.

        Unknown and never used, mistyped or forged: all go the same way, in the same time.
        """
        if address in self._queues:
            return True
        if self._marks.read_recipient(address) is not None:
            return True
        queue_id = await self._in_thread(lambda: self._read_one(address))
        if queue_id is None:
            # With the keys that the database had just now: a mark of a new key is known at once.
            return self._marks.read_recipient(address) is not None
        self._queues[address] = queue_id
        return True

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _read_all(self) -> dict[str, int]:
        with self._database.reading() as session:
            return queue_ids_by_address(session)

    def _read_one(self, address: str) -> int | None:
        with self._database.reading() as session:
            self._marks.renew(session)
            query = select(CreationAddress.queue_id).where(CreationAddress.address == address)
            return session.exec(query).first()

    async def _in_thread(self, work: Callable[[], _Answer]) -> _Answer:
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            return await in_time(future, self._seconds)
        except TimeoutError:
            future.cancel()
            raise DatabaseUnavailable("The database does not answer in time") from None
