"""Two intake workers on one database: they take different mails, and agree about where those belong."""

import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from fakes.house import House, mail
from sqlmodel import Session

from gateway.intake.prepare import Ready
from gateway.intake.worker import IntakeWorker
from storage.claims import Claimed, claim
from storage.spool import SpoolState

_PATIENCE_SECONDS = 10


class Together(IntakeWorker):
    """A worker that files a mail only when another one is about to file its own."""

    start: threading.Barrier

    def _claim(self, session: Session) -> list[Claimed]:
        """One mail at a time, and none ahead: the two of a thread are never with one worker."""
        return claim(session, self._owner, 1, 60)

    def _finish(self, batch: list[Claimed], ready: list[Ready]) -> None:
        with suppress(threading.BrokenBarrierError):  # the other one has filed all that it had
            self.start.wait(_PATIENCE_SECONDS)
        super()._finish(batch, ready)

    def work(self) -> None:
        """File what there is."""
        while self.work_once():
            self.filed += 1
        self.start.abort()

    filed = 0


@pytest.fixture
def workers(house: House) -> Iterator[list[Together]]:
    """Two of them."""
    Together.start = threading.Barrier(2)
    both = [Together(house.settings, house.database, house.office) for _ in range(2)]
    yield both
    for worker in both:
        worker.close()


def test_two_workers_open_one_ticket_for_each_thread(house: House, workers: list[Together]) -> None:
    """A mail and its answer, filed at the same moment by two workers, become one ticket, whichever is first."""
    threads = []
    for number in range(6):
        first = f"<{number}@customer.example>"
        # The same author in all of them: his contact, too, is made once.
        mails = [mail(f"first {number}", subject=f"Matter {number}", message_id=first)]
        mails += [mail(f"answer {number}", subject=f"Re: Matter {number}", headers=f"References: {first}\n")]
        threads.append([house.accept(raw) for raw in (mails if number % 2 else reversed(mails))])
    running = [threading.Thread(target=worker.work) for worker in workers]
    for one in running:
        one.start()
    for one in running:
        one.join()
    rows = [[house.rows(id_)[0] for id_ in thread] for thread in threads]
    assert {row.state for thread in rows for row in thread} == {SpoolState.FILED}
    tickets = [{house.ticket_of(row).id for row in thread} for thread in rows]
    assert [len(one) for one in tickets] == [1] * 6
    assert len(set.union(*tickets)) == 6
    assert [worker.filed for worker in workers] == [6, 6]
