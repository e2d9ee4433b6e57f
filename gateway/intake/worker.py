"""The intake process: claim what waits, read it in a child, file it, and never let one mail hold up the next.

A mail that makes filing fail is tried alone; after some attempts it is filed as unreadable with its raw bytes.
Trouble of the database is no mail's fault: it waits and counts nothing.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from sqlmodel import Session

from config import maillog
from config.errors import DatabaseUnavailable
from config.receiving import IntakeSettings
from config.settings import Settings
from gateway.intake.authenticate import Authenticator
from gateway.intake.batch import Outcome, file_batch
from gateway.intake.chores import Chores
from gateway.intake.prepare import Ready, prepare, prepare_limits
from gateway.reading.bounded import BoundedReader
from gateway.reading.child_process import ReaderLimits
from outbound.appearance import load_tools
from outbound.post_office import PostOffice, open_post_office
from storage.claims import Claimed, Settled, claim, count_attempt, give_back, settle
from storage.database import Database, open_database
from storage.leases import owner_name
from storage.spool import SpoolState
from storage.waking import Waiter, wake

_POLL_SECONDS = 0.25
_IDLE_POLL_SECONDS = 2.0
_TROUBLE_SECONDS = 1.0
# A batch holds the writer's turn, and other processes of an embedded database wait for it; PostgreSQL has no such
# turn. It is CPU time that counts: where many share a processor, smaller batches would only need more of it.
_LONG_BATCH_SECONDS = 0.06
# After a small batch the mail of so long shares the next one: ten mails in one batch cost a third of ten batches.
_GATHER_SECONDS = 0.05
_SMALLEST_BATCH = 10


@dataclass(frozen=True, slots=True)
class _Work:
    """A claimed batch and its mails as they are being read."""

    batch: list[Claimed]
    reading: Future[list[Ready]]
    is_full: bool  # as many as were asked for, so that more may wait


class IntakeWorker:
    """One worker. `run` returns when `stop` is set; a mail in work is finished first."""

    def __init__(self, settings: Settings, database: Database, office: PostOffice, supervisor: str = "") -> None:
        self._settings = settings.intake
        self._data_dir = settings.data_dir
        self._database, self._office = database, office
        self._owner = owner_name("intake", supervisor)
        self._limits = prepare_limits(settings)
        self._reader = BoundedReader(reader_limits(self._settings))
        self._authenticator = Authenticator(settings)
        self._thread = ThreadPoolExecutor(1, "reading")
        self._ahead: deque[_Work] = deque()  # what is read while a batch is filed
        self._is_behind = False
        self._batch = self._settings.batch
        self._chores = Chores(self._settings, database, office, self._reader, self._owner)
        # Leases of ours that nobody works on, and that could not be given back.
        self._is_in_debt = False

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        waiter = Waiter(self._data_dir, "intake")
        pause = _POLL_SECONDS
        load_tools()  # acknowledgements are dressed while the batch holds the write lock
        self._reader.start()
        try:
            while not stop.is_set():
                done = self._guarded()
                pause = _POLL_SECONDS if done else min(pause * 1.5, _IDLE_POLL_SECONDS)
                if not done and waiter.wait(pause):
                    pause = _POLL_SECONDS
                elif done and not self._is_behind:
                    stop.wait(_GATHER_SECONDS)
        finally:
            self.close()
            waiter.close()
            self._give_back()

    def work_once(self) -> int:
        """File one batch; returns how many mails it took. The next batch is read meanwhile."""
        if self._is_in_debt:
            self._give_back()
        self._chores.do_due()
        if not self._ahead:
            self._take()
        if not self._ahead:
            return 0
        work = self._ahead.popleft()
        ready = self._read(work)
        if work.is_full and not self._ahead:
            self._take()
        self._is_behind = work.is_full or bool(self._ahead)
        self._finish(work.batch, ready)
        return len(work.batch)

    def _take(self) -> None:
        """Claim a batch while none is filed; else the next one is claimed in the transaction that files this one."""
        with self._database.writing() as session:
            batch, most = self._claim(session), self._batch
        self._begin(batch, most)

    def _claim(self, session: Session) -> list[Claimed]:
        return claim(session, self._owner, self._batch, self._settings.lease_seconds)

    def _begin(self, batch: list[Claimed], most: int) -> None:
        """Have a batch read, of which `most` mails were asked for. It is ours from the commit on."""
        if batch:
            reading = self._thread.submit(
                prepare, batch, self._reader, self._authenticator, self._office.blobs, self._limits
            )
            # Tried ones come alone, and nothing is claimed beside them: see `storage.claims.recover`.
            self._ahead.append(_Work(batch, reading, len(batch) >= most and not batch[0].attempts))

    def close(self) -> None:
        """End the reading child."""
        self._thread.shutdown()
        self._reader.close()

    def _guarded(self) -> int:
        try:
            return self.work_once()
        except DatabaseUnavailable as error:
            maillog.trouble("intake waits for the database", reason=str(error))
        except Exception as error:  # noqa: BLE001 - the outermost edge of the worker: it must go on
            maillog.crashed("intake", error=error)
        self._ahead.clear()
        self._give_back()
        time.sleep(_TROUBLE_SECONDS)
        return 0

    def _read(self, work: _Work) -> list[Ready]:
        try:
            return work.reading.result()
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one of the batch did it: from now on each is tried alone
            maillog.crashed("reading", error=error)
            for claimed in work.batch:
                self._count(claimed.id, f"{type(error).__name__}: {error}"[:500])
            return []

    def _finish(self, batch: Sequence[Claimed], ready: Sequence[Ready]) -> None:
        unread = {claimed.id for claimed in batch} - {one.claimed.id for one in ready}
        for id_ in sorted(unread):  # already counted ones are not ours any more, and are passed over
            self._count(id_, "the process that read it died")
        if ready:
            self._file(ready, claims_next=bool(self._ahead) and self._ahead[-1].is_full)

    def _file(self, ready: Sequence[Ready], *, claims_next: bool = False) -> None:
        began, most = time.thread_time(), self._batch
        try:
            with self._database.writing() as session:
                # Before the lock on filing, for which other workers wait.
                following = self._claim(session) if claims_next else []
                outcomes = file_batch(session, self._office, self._owner, ready)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the other mails
            self._file_alone(ready, error)
            return
        self._begin(following, most)
        self._adapt(len(ready), time.thread_time() - began)
        for outcome in outcomes:
            _log(outcome)
        if outcomes:
            wake(self._data_dir, "relay")

    def _file_alone(self, ready: Sequence[Ready], error: Exception) -> None:
        """Find out which mail of a batch cannot be filed."""
        if len(ready) > 1:
            for one in ready:
                self._file([one])
            return
        claimed = ready[0].claimed
        maillog.crashed("filing", id=claimed.id, error=error)
        if claimed.attempts >= self._settings.attempts:
            self._quarantine(claimed, error)
        else:
            self._count(claimed.id, f"{type(error).__name__}: {error}"[:500])

    def _quarantine(self, claimed: Claimed, error: Exception) -> None:
        """Even the plain substitute could not be filed: a person must look."""
        reason = f"unreadable: {type(error).__name__}: {error}"[:500]
        with self._database.writing() as session:
            settle(
                session, self._owner, [Settled(claimed.id, SpoolState.QUARANTINED, reason, [["filed", "no", reason]])]
            )

    def _count(self, id_: str, error: str) -> None:
        with self._database.writing() as session:
            count_attempt(session, self._owner, id_, error)

    def _adapt(self, size: int, seconds: float) -> None:
        if self._database.is_sqlite and seconds > _LONG_BATCH_SECONDS:
            self._batch = max(_SMALLEST_BATCH, min(self._batch, size) * 3 // 4)
        elif size >= self._batch:
            self._batch = min(self._settings.batch, self._batch + 5)

    def _give_back(self) -> None:
        try:
            with self._database.writing() as session:
                give_back(session, self._owner)
        except DatabaseUnavailable as error:
            # We live on, so nobody takes over from us: without another try the mails wait for the end of their lease.
            self._is_in_debt = True
            maillog.trouble("leases are given back later", reason=str(error))
        else:
            self._is_in_debt = False


def reader_limits(settings: IntakeSettings) -> ReaderLimits:
    """What reading one mail may cost."""
    return ReaderLimits(
        memory_bytes=settings.memory_bytes, cpu_seconds=int(settings.cpu_seconds), wall_seconds=settings.wall_seconds
    )


def _log(outcome: Outcome) -> None:
    settled = outcome.settled
    if outcome.ticket_id is not None:
        maillog.filed(settled.id, ticket=outcome.ticket_id, kind=outcome.case.mail.kind, by=outcome.by)
    if settled.state is not SpoolState.FILED:
        maillog.settled(settled.id, fate=settled.state, reason=settled.reason)


def serve_intake(settings: Settings, stop: threading.Event, supervisor: str = "") -> None:
    """Run one worker of the settings until told to stop."""
    database = open_database(settings)
    try:
        worker = IntakeWorker(settings, database, open_post_office(settings, database), supervisor)
        maillog.started(database="sqlite" if database.is_sqlite else "postgresql")
        worker.run(stop)
        maillog.stopped()
    finally:
        database.close()
