"""Commit mails: a batch shares one transaction, and only after it anybody hears 250. Which do is `gathering`'s.

One thread writes. It never learns whether a client is still there: a commit that has begun ends, and
a sender who missed its 250 tries again and hears the same id. Filing the mail is `intake`.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from errno import EIO
from queue import SimpleQueue

from config import maillog
from config.errors import DatabaseUnavailable, StorageFull, TryAgain
from gateway.listener.gathering import Gathering
from gateway.listener.steps import in_time
from storage import accepting
from storage.arrivals import as_blob, in_packs, is_blob_first
from storage.blobs import Blobs
from storage.checkpoints import Checkpoints
from storage.database import Database
from storage.packs import PackWriter
from storage.spool import Arrival
from storage.writer import Writer

_BLOB_THREADS = 4
_POLL_SECONDS = 0.01
_REOPEN_SECONDS = 1.0


class CommitTooSlow(TryAgain):
    """The database took longer than we let the peer wait; the mail may still be stored, and a retry finds it."""


@dataclass(slots=True)
class _Waiting:
    arrival: Arrival
    future: "asyncio.Future[str]"


class GroupCommit:
    """The one who writes for a listener."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        wake: Callable[[], None],
        seconds: float,
        packs: PackWriter | None = None,
    ) -> None:
        self._database = database
        self._writer = Writer(database)
        self._blobs = blobs
        self._packs = packs
        self._checkpoints = Checkpoints(database)
        self._wake = wake
        self._seconds = seconds
        self._queue: SimpleQueue[list[_Waiting] | None] = SimpleQueue()
        self._blob_pool = ThreadPoolExecutor(_BLOB_THREADS, "blobs")
        self._thread = threading.Thread(target=self._run, name="commit", daemon=True)
        self._loop = asyncio.get_running_loop()
        self._gathering = Gathering(self._loop, self._queue.put)
        self._stopping = threading.Event()
        # Storage has said that it failed to write: nothing is taken until the database is open again.
        self.is_broken = False
        self.transactions = 0
        self._thread.start()

    async def accept(self, arrival: Arrival) -> str:
        """Wait until the mail is on stable storage; the id to name in the 250.

        Raises DatabaseUnavailable, StorageFull or CommitTooSlow.
        """
        if self.is_broken:
            raise DatabaseUnavailable("Storage has failed and is being opened again")
        end = time.monotonic() + self._seconds
        if is_blob_first(self._blobs, arrival):
            storing = self._loop.run_in_executor(self._blob_pool, self._put_blob, arrival)
            try:
                arrival = await in_time(storing, self._seconds)
            except TimeoutError:
                raise CommitTooSlow("The commit takes too long") from None
        waiting = _Waiting(arrival, self._loop.create_future())
        self._gathering.add(waiting, len(arrival.content or b""))
        too_late = self._loop.call_later(max(end - time.monotonic(), 0), _give_up, waiting.future)
        try:
            return await waiting.future
        finally:
            too_late.cancel()

    async def close(self) -> None:
        """Finish what waits, then end the thread."""
        self._stopping.set()
        while not self._gathering.is_idle:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(_POLL_SECONDS)
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._checkpoints.close()
        self._let_go()
        self._blob_pool.shutdown()

    def _put_blob(self, arrival: Arrival) -> Arrival:
        try:
            return as_blob(self._blobs, arrival)
        except DatabaseUnavailable as error:
            # Only this file is in doubt, and a retry writes another one.
            maillog.trouble("blob", error=str(error))
            raise

    def _run(self) -> None:
        while (batch := self._queue.get()) is not None:
            began = time.monotonic()
            results = self._outcomes([waiting.arrival for waiting in batch])
            # The loop is closed when we are killed softly in the middle; then nobody waits any more.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._settle, batch, results, time.monotonic() - began)
            if any(isinstance(result, str) for result in results):
                self._wake()
            if self.is_broken:
                self._reopen()

    def _settle(self, batch: list[_Waiting], results: list[str | Exception], seconds: float) -> None:
        for waiting, result in zip(batch, results, strict=True):
            if waiting.future.done():
                continue
            if isinstance(result, str):
                waiting.future.set_result(result)
            else:
                waiting.future.set_exception(result)
        self._gathering.done(seconds)

    def _outcomes(self, arrivals: list[Arrival]) -> list[str | Exception]:
        try:
            return [*self._store(arrivals)]
        except DatabaseUnavailable as error:
            # Trouble of the database, not of a mail: each one alone would only wait again.
            self.is_broken = _is_write_failure(error)
            maillog.trouble("commit", error=str(error))
            return [error] * len(arrivals)
        except Exception as error:  # noqa: BLE001 - the edge of the worker: it must live on
            if len(arrivals) > 1:
                return [self._outcomes([arrival])[0] for arrival in arrivals]
            maillog.crashed("commit", id=arrivals[0].sha256, error=error)
            return [error]

    def _store(self, arrivals: Sequence[Arrival]) -> list[str]:
        if self._packs is not None:
            arrivals = in_packs(self._packs, arrivals)
        try:
            return self._transaction(arrivals)
        except StorageFull:
            raise
        except DatabaseUnavailable:
            if self._database.is_sqlite:
                raise
            # A connection that broke during COMMIT leaves it unknown. What is stored answers its id when asked again.
            return self._transaction(arrivals)

    def _transaction(self, arrivals: Sequence[Arrival]) -> list[str]:
        with self._writer.transaction(is_one_statement=True) as connection:
            ids = accepting.accept(connection, arrivals)
        self._checkpoints.count(len(ids))
        self.transactions += 1
        return ids

    def _reopen(self) -> None:
        """After a failed fsync the pages may be gone although the next fsync succeeds: start from the files."""
        maillog.trouble("storage failed to write: no mail is taken until the database is open again")
        while not self._stopping.wait(_REOPEN_SECONDS):
            self._let_go()
            self._database.close()
            try:
                with self._writer.transaction():
                    pass
            except DatabaseUnavailable as error:
                maillog.trouble("reopen", error=str(error))
            else:
                break
        self.is_broken = False
        maillog.started(what="database", why="reopened after a failed write")

    def _let_go(self) -> None:
        self._writer.close()
        if self._packs is not None:
            self._packs.close()


def _give_up(future: "asyncio.Future[str]") -> None:
    if not future.done():
        future.set_exception(CommitTooSlow("The commit takes too long"))


def _is_write_failure(error: BaseException) -> bool:
    """EIO from a file, or what SQLite calls it."""
    cause: BaseException | None = error
    while cause is not None:
        if (isinstance(cause, OSError) and cause.errno == EIO) or "disk I/O error" in str(cause):
            return True
        cause = cause.__cause__
    return False
