"""From what a server said to what stands in the outbox: the next attempt, the end, and what the ticket hears."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from config import maillog
from config.clock import now
from config.settings import OutboundSettings
from outbound.aftermath import tell_of_channel, tell_ticket, warn_of_delay
from outbound.doors import Door
from outbound.refusals import Reply
from storage.channels import AfterDot, ChannelState, mark_channel
from storage.outbox import Delivery, DeliveryState, Outcome, Outgoing, OutgoingKind, record, still_held


@dataclass(frozen=True, slots=True)
class Said:
    """What became of one delivery in this attempt."""

    delivery: Delivery
    state: DeliveryState
    reply: Reply


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at some recipients of a mail, and what it came to."""

    outgoing: Outgoing
    door: Door
    said: Sequence[Said]
    server: str = ""
    account_trouble: str = ""


def write_down(session: Session, settings: OutboundSettings, attempt: Attempt) -> list[Delivery]:
    """Record an attempt. An answer to a delivery that somebody else has taken over meanwhile is too late."""
    ours = still_held(session, [one.delivery for one in attempt.said])
    rows = [record(session, decide(settings, attempt, one)) for one in attempt.said if one.delivery.id in ours]
    for row in rows:
        tell_ticket(session, attempt.outgoing, row)
        if row.state is DeliveryState.DEFERRED:
            warn_of_delay(session, attempt.outgoing, row)
    _note_channel(session, attempt, rows)
    return rows


def decide(settings: OutboundSettings, attempt: Attempt, said: Said) -> Outcome:
    """The outcome of one delivery."""
    delivery, reply = said.delivery, str(said.reply)
    outcome = Outcome(delivery.id or 0, said.state, reply, attempt.server)
    if said.state is DeliveryState.UNCERTAIN and _may_send_again(attempt, delivery):
        text = f"{reply}; sent once more, as the channel says"
        at = next_attempt(settings, delivery.attempts)
        return Outcome(delivery.id or 0, DeliveryState.DEFERRED, text, attempt.server, at, lost_after_dot=True)
    if said.state is not DeliveryState.DEFERRED:
        return outcome
    if now() >= attempt.outgoing.created_at + timedelta(seconds=settings.expire_seconds):
        return Outcome(delivery.id or 0, DeliveryState.EXPIRED, reply, attempt.server)
    at = next_attempt(settings, delivery.attempts)
    return Outcome(delivery.id or 0, DeliveryState.DEFERRED, reply, attempt.server, at)


def next_attempt(settings: OutboundSettings, attempts: int) -> datetime:
    """When to try again after so many attempts."""
    waits = settings.retry_seconds
    # A little apart, so that what failed together does not come back together.
    seconds = waits[min(max(attempts, 1), len(waits)) - 1] * random.uniform(0.9, 1.2)  # noqa: S311 - no secret
    return now() + timedelta(seconds=seconds)


def announce(outgoing: Outgoing, rows: Sequence[Delivery]) -> None:
    """A line a recipient in the mail log."""
    for row in rows:
        maillog.delivery(outgoing.id, state=row.state, recipient=row.recipient, server=row.server, reply=row.last_reply)


def _may_send_again(attempt: Attempt, delivery: Delivery) -> bool:
    is_reply = attempt.outgoing.kind is OutgoingKind.REPLY
    return is_reply and attempt.door.after_dot is AfterDot.RETRY_ONCE and delivery.lost_after_dot == 0


def _note_channel(session: Session, attempt: Attempt, rows: Sequence[Delivery]) -> None:
    door = attempt.door
    if door.channel_id is None:
        return
    if attempt.account_trouble:
        mark_channel(session, door.channel_id, ChannelState.FAILING, attempt.account_trouble)
        if not door.is_failing:
            tell_of_channel(session, attempt.outgoing, door.channel_name, attempt.account_trouble)
    elif door.is_failing and any(row.state is DeliveryState.SENT for row in rows):
        mark_channel(session, door.channel_id, ChannelState.OK)
