"""The relay: takes mails that are due, has each sent once, and rests while there is nothing to do.

It may be killed at any moment: before the dot marker the mail is sent again, after it the outcome is
*uncertain*. How a mail is sent is `outbound.sending`, and what follows from it `outbound.outcomes`.
"""

import asyncio
import signal
import time
from collections import Counter
from contextlib import suppress
from datetime import datetime

from sqlmodel import Session

from config import maillog
from config.clock import now
from config.errors import GatewayError
from config.settings import Settings
from outbound.aftermath import tell_ticket
from outbound.courier import Courier, Means
from outbound.envelope import Patience
from outbound.ledger import Ledger
from outbound.oauth import Accounts
from outbound.outcomes import next_attempt
from outbound.post_office import PostOffice, open_post_office
from outbound.rounds import make_rounds
from outbound.sending import Dispatch, Screened, screen
from storage.address import domain_of
from storage.database import Database, open_database
from storage.dispatch import Claim, Job, claim_due, give_back_due, give_up_attempt, next_due, recover_due, take_lost
from storage.due import Wanted
from storage.leases import is_dead, owner_name
from storage.outbox import Delivery, Outgoing
from storage.waking import Waiter, wake

_SHORTEST_WAIT, _LONGEST_WAIT = 0.02, 2.0
# Mails are claimed by the handful. A domain with so many under way gets no more, and leaves room on its way for others.
_CLAIM, _CROWDED, _BUSY = 32, 16, 49
_LOST_SECONDS = 0.5  # how often we look for what other workers have lost, while there is much to do
_TROUBLE_SECONDS = 1.0


def serve_relay(settings: Settings) -> None:
    """Be the relay process: send until SIGTERM or SIGINT."""
    maillog.start_logging(settings.log, "relay")
    database = open_database(settings)
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(_until_signal(settings, database))
    finally:
        database.close()


async def run_relay(settings: Settings, database: Database, stop: asyncio.Event) -> None:
    """Send what is due until `stop`; then finish the mails under way and give the rest back."""
    office = await asyncio.to_thread(open_post_office, settings, database)
    await Relay(office, database, stop).run()


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not on every platform
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _until_signal(settings: Settings, database: Database) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    maillog.started()
    await run_relay(settings, database, stop)
    maillog.stopped()


class Relay:
    """One worker, with as many mails under way as its connections can carry."""

    def __init__(self, office: PostOffice, database: Database, stop: asyncio.Event) -> None:
        settings = office.settings
        self._office, self._database, self._stop = office, database, stop
        self._owner = owner_name("relay")
        self._ledger = Ledger(database)
        patience = Patience(settings.outbound.command_timeout_seconds, settings.outbound.reply_timeout_seconds)
        self._accounts = Accounts(database, office.seal, settings.office365)
        self._courier = Courier(Means(settings.hostname, patience, settings.outbound.connections, self._accounts))
        self._dispatch = Dispatch(office, self._ledger, self._courier, stop)
        self._under_way: set[asyncio.Task[None]] = set()
        self._by_way: Counter[int] = Counter()
        self._by_domain: Counter[str] = Counter()
        self._freed = asyncio.Event()
        self._look_for_lost_at = 0.0

    async def run(self) -> None:
        """Work until told to stop."""
        writing = asyncio.create_task(self._ledger.run())
        rounds = asyncio.create_task(make_rounds(self._office, self._database, self._accounts, self._stop))
        waiter = Waiter(self._office.settings.data_dir, "relay")
        try:
            await self._work(waiter)
            await self._finish()
        finally:
            for task in (rounds, writing):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await self._courier.close()
            waiter.close()

    async def _work(self, waiter: Waiter) -> None:
        stopping = asyncio.create_task(self._stop.wait())
        listening = asyncio.create_task(asyncio.to_thread(waiter.wait, _LONGEST_WAIT))
        with suppress(GatewayError):
            # What an earlier relay held when it died need not wait for the end of its lease.
            await self._ledger.write(lambda session: recover_due(session, is_dead))
        while not self._stop.is_set():
            seconds = await self._start_due()
            if seconds <= 0:
                continue
            if listening.done():
                listening = asyncio.create_task(asyncio.to_thread(waiter.wait, _LONGEST_WAIT))
            self._freed.clear()
            freed = asyncio.create_task(self._freed.wait())
            await asyncio.wait({stopping, listening, freed}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            freed.cancel()
            await self._courier.close_idle()
        wake(self._office.settings.data_dir, "relay")  # ourselves, out of the wait
        await listening

    async def _start_due(self) -> float:
        """Begin what is due; returns how long to wait before looking again."""
        jobs: list[Job] = []
        try:
            due = await asyncio.to_thread(self._next_due)
            if due is None or due > now():
                return _wait_until(due)
            # While a whole handful is there, there is more, and nobody need ask when it is due.
            while not self._stop.is_set():
                jobs = await self._ledger.write(self._take)
                for screened in await asyncio.to_thread(self._screen, jobs):
                    self._begin(screened)
                if len(jobs) < _CLAIM:
                    break
        except GatewayError as error:
            maillog.trouble("outbox", error=str(error))
            return _TROUBLE_SECONDS
        # Due, and nothing taken: all belongs to ways that are busy, or another worker was quicker.
        return 0 if jobs else _LONGEST_WAIT / 8

    def _screen(self, jobs: list[Job]) -> list[Screened]:
        with self._database.reading() as session:
            return screen(session, self._office, jobs)

    def _next_due(self) -> datetime | None:
        with self._database.reading() as session:
            return next_due(session)

    def _take(self, session: Session) -> list[Job]:
        self._office.marks.renew(session)
        if time.monotonic() >= self._look_for_lost_at:
            self._look_for_lost_at = time.monotonic() + _LOST_SECONDS
            recover_due(session, is_dead)
            for delivery in take_lost(session):
                _tell_of_loss(session, delivery)
        busy = {way for way, count in self._by_way.items() if count >= _BUSY}
        crowded = {domain for domain, count in self._by_domain.items() if count >= _CROWDED}
        lease_seconds = self._office.settings.outbound.lease_seconds
        return claim_due(session, Claim(self._owner, lease_seconds, Wanted(_CLAIM, busy, crowded)))

    def _begin(self, mail: Screened) -> None:
        self._by_way[mail.outgoing.way] += 1
        self._by_domain.update(_domains(mail))
        task = asyncio.create_task(self._send(mail))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _send(self, mail: Screened) -> None:
        try:
            await self._dispatch.send(mail)
        except Exception as error:  # noqa: BLE001 - the outermost edge: one mail must not stop the others
            maillog.crashed("relay", id=mail.outgoing.id, error=error)
            await self._give_up(mail, f"an error of ours: {type(error).__name__}: {error}")
        finally:
            self._by_way[mail.outgoing.way] -= 1
            self._by_domain.subtract(_domains(mail))
            # Only when there is room for a handful again: looking costs more than a mail.
            is_free = self._by_way[mail.outgoing.way] == _BUSY - 1
            if is_free or any(self._by_domain[domain] == _CROWDED - 1 for domain in _domains(mail)):
                self._freed.set()
            self._by_domain += Counter()  # drops what is 0

    async def _give_up(self, mail: Screened, reply: str) -> None:
        """End the lease of a mail that nobody works on any more: its end would be a quarter of an hour away."""
        held = [*mail.free, *(said.delivery for said in mail.blocked)]
        at = next_attempt(self._office.settings.outbound, max(one.attempts for one in held))
        while not self._stop.is_set():  # what we still hold then is given back by `_finish`
            with suppress(GatewayError):
                await self._ledger.write(lambda session: give_up_attempt(session, held, reply, at))
                return
            await asyncio.sleep(_TROUBLE_SECONDS)

    async def _finish(self) -> None:
        """Let the mails under way come to their end, for a while; what is left is given back."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=self._office.settings.limits.drain_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with suppress(GatewayError):
            await self._ledger.write(lambda session: give_back_due(session, self._owner))


def _domains(mail: Screened) -> set[str]:
    return {domain_of(delivery.recipient) for delivery in mail.free}


def _tell_of_loss(session: Session, delivery: Delivery) -> None:
    outgoing = session.get_one(Outgoing, delivery.outgoing_id)
    tell_ticket(session, outgoing, delivery)
    to, reply = delivery.recipient, delivery.last_reply
    maillog.delivery(outgoing.id, state=delivery.state, recipient=to, server=delivery.server, reply=reply)


def _wait_until(due: datetime | None) -> float:
    if due is None:
        return _LONGEST_WAIT
    return min(max((due - now()).total_seconds(), _SHORTEST_WAIT), _LONGEST_WAIT)
