"""One claimed mail: the guard is asked once more, then it goes to the courier or into the folder.

Each recipient's reverse-path on the default servers is his own (VERP), so that a bounce tells whom it is about;
such a mail is one transaction a recipient, with the same bytes. Elsewhere one transaction carries all.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from config.errors import GatewayError
from outbound.courier import Courier
from outbound.doors import Door, open_door
from outbound.envelope import Envelope, TakenOver
from outbound.folder import write_mail
from outbound.guard import whys_not
from outbound.ledger import Ledger
from outbound.outcomes import Attempt, Said, announce, write_down
from outbound.post_office import PostOffice
from outbound.refusals import Reply
from outbound.routes import reverse_path
from outbound.writing import written_address
from storage.dispatch import Job, mark_dot
from storage.outbox import Delivery, DeliveryState, Outgoing, OutgoingKind

_TRIES_TO_WRITE = 30
_TROUBLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Screened:
    """A claimed mail whose way is open, with those whom it may go to and those whom the guard has stopped."""

    outgoing: Outgoing
    door: Door
    free: list[Delivery]
    blocked: list[Said]


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What sending one mail needs at hand."""

    office: PostOffice
    ledger: Ledger
    courier: Courier
    stopping: asyncio.Event

    async def send(self, screened: Screened) -> None:
        """Send a mail to its recipients who are due, and write down what became of it."""
        outgoing, door, free = screened.outgoing, screened.door, screened.free
        if screened.blocked:
            await self._settle(Attempt(outgoing, door, screened.blocked))
        if not free:
            return
        if door.folder is not None or door.trouble:
            await self._settle(await asyncio.to_thread(_without_server, outgoing, door, free))
            return
        groups: dict[str, list[Delivery]] = {}
        for delivery in free:
            path = reverse_path(self.office.marks, outgoing, delivery.recipient)
            groups.setdefault(path, []).append(delivery)
        tasks = (self._transact(outgoing, door, *group) for group in groups.items())
        # All of them end before an error is told: what follows it must not meet one that is still under way.
        for error in await asyncio.gather(*tasks, return_exceptions=True):
            if error is not None:
                raise error

    async def _transact(self, outgoing: Outgoing, door: Door, path: str, held: Sequence[Delivery]) -> None:
        if self.stopping.is_set():
            return  # its lease is given back
        lease_seconds = self.office.settings.outbound.lease_seconds
        people = {written_address(delivery.spelling or delivery.recipient): delivery for delivery in held}

        async def before_dot() -> bool:
            return await self.ledger.write(lambda session: mark_dot(session, held, lease_seconds))

        envelope = Envelope(path, tuple(people), outgoing.content)
        try:
            delivered = await self.courier.send(door.servers, envelope, before_dot, held[0].server)
        except TakenOver:
            return
        except GatewayError as error:  # the marker could not be written, so no dot was sent
            said = [Said(delivery, DeliveryState.DEFERRED, Reply(0, str(error))) for delivery in held]
            await self._settle(Attempt(outgoing, door, said))
            return
        said = [Said(people[answer.recipient], answer.state, answer.reply) for answer in delivered.answers]
        await self._settle(
            Attempt(outgoing, door, said, delivered.server, delivered.account_trouble, delivered.retry_after)
        )

    async def _settle(self, attempt: Attempt) -> None:
        """Write down an attempt. While the database is away we hold on to what we know: it is nowhere else."""
        settings = self.office.settings.outbound
        for tries_left in reversed(range(_TRIES_TO_WRITE)):
            try:
                outcomes = await self.ledger.write(lambda session: write_down(session, settings, attempt))
            except GatewayError:
                if not tries_left:
                    raise
                await asyncio.sleep(_TROUBLE_SECONDS)
            else:
                announce(attempt, outcomes)
                return


def screen(session: Session, office: PostOffice, jobs: Sequence[Job]) -> list[Screened]:
    """Open the ways of claimed mails, and ask the guard about all their recipients."""
    whys: dict[OutgoingKind, dict[str, str]] = {}
    for kind in {job.outgoing.kind for job in jobs}:
        recipients = {one.recipient for job in jobs if job.outgoing.kind is kind for one in job.deliveries}
        whys[kind] = whys_not(session, office, recipients, kind)
    return [_screened(session, office, job, whys[job.outgoing.kind]) for job in jobs]


def _screened(session: Session, office: PostOffice, job: Job, whys: Mapping[str, str]) -> Screened:
    try:
        door = open_door(session, office, job.outgoing)
    except GatewayError as error:  # a password that does not open
        door = Door(trouble=str(error), channel_id=job.outgoing.channel_id)
    free = [delivery for delivery in job.deliveries if not whys[delivery.recipient]]
    blocked = [
        Said(delivery, DeliveryState.BLOCKED, Reply(0, whys[delivery.recipient]))
        for delivery in job.deliveries
        if whys[delivery.recipient]
    ]
    return Screened(job.outgoing, door, free, blocked)


def _without_server(outgoing: Outgoing, door: Door, held: Sequence[Delivery]) -> Attempt:
    state, reply, server = DeliveryState.DEFERRED, door.trouble, ""
    if door.folder is not None:
        try:
            path = write_mail(door.folder, outgoing, [delivery.recipient for delivery in held])
            state, reply, server = DeliveryState.SENT, f"written to {path}", "folder"
        except GatewayError as error:
            reply = str(error)
    return Attempt(outgoing, door, [Said(delivery, state, Reply(0, reply)) for delivery in held], server)
