"""From what a server said to what stands in the outbox: the next attempt, the end, and what the ticket hears."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from config import maillog
from config.clock import now
from config.sending import OutboundSettings
from outbound.aftermath import tell_of_channel, tell_ticket, warn_of_delay
from outbound.doors import Door
from outbound.refusals import Reply, says_nobody_is_there
from storage.channels import AfterDot, ChannelState, mark_channel
from storage.dispatch import Sent, record_sent, still_held
from storage.ids import lock_filing
from storage.outbox import Delivery, DeliveryState, Outcome, Outgoing, OutgoingKind, record
from storage.suppression import suppress


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
    retry_after: float = 0.0


def write_down(session: Session, settings: OutboundSettings, attempts: Sequence[Attempt]) -> list[list[Outcome]]:
    """Record attempts. An answer to a delivery that somebody else has taken over meanwhile is too late."""
    smooth = [attempt for attempt in attempts if _is_smooth(attempt)]
    sent = [Sent(one.delivery, str(one.reply), attempt.server) for attempt in smooth for one in attempt.said]
    ours = record_sent(session, sent) if sent else set()
    return [
        [decide(settings, attempt, one) for one in attempt.said if one.delivery.id in ours]
        if _is_smooth(attempt)
        else _write_rough(session, settings, attempt)
        for attempt in attempts
    ]


def _is_smooth(attempt: Attempt) -> bool:
    """Whether all was sent, and nothing else is to be noted."""
    return not (attempt.account_trouble or attempt.door.is_failing) and all(
        one.state is DeliveryState.SENT for one in attempt.said
    )


def _write_rough(session: Session, settings: OutboundSettings, attempt: Attempt) -> list[Outcome]:
    # Whoever locks both takes this one first: a deadlock would cost an attempt.
    lock_filing(session)
    ours = still_held(session, [one.delivery for one in attempt.said])
    kept = [decide(settings, attempt, one) for one in attempt.said if one.delivery.id in ours]
    for outcome in kept:
        _write_one(session, attempt, record(session, outcome))
    _note_channel(session, attempt, kept)
    return kept


def _write_one(session: Session, attempt: Attempt, row: Delivery) -> None:
    if row.state is DeliveryState.BOUNCED and says_nobody_is_there(row.last_reply):
        suppress(session, row.recipient, row.last_reply)
    if row.state is DeliveryState.DEFERRED:
        warn_of_delay(session, attempt.outgoing, row)
    else:
        tell_ticket(session, attempt.outgoing, row)


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
    at = max(next_attempt(settings, delivery.attempts), now() + timedelta(seconds=attempt.retry_after))
    return Outcome(delivery.id or 0, DeliveryState.DEFERRED, reply, attempt.server, at)


def next_attempt(settings: OutboundSettings, attempts: int) -> datetime:
    """When to try again after so many attempts."""
    waits = settings.retry_seconds
    # A little apart, so that what failed together does not come back together.
    seconds = waits[min(max(attempts, 1), len(waits)) - 1] * random.uniform(0.9, 1.2)  # noqa: S311 - no secret
    return now() + timedelta(seconds=seconds)


def announce(attempt: Attempt, outcomes: Sequence[Outcome]) -> None:
    """A line a recipient in the mail log."""
    recipients = {one.delivery.id: one.delivery.recipient for one in attempt.said}
    for one in outcomes:
        to = recipients[one.delivery_id]
        maillog.delivery(attempt.outgoing.id, state=one.state, recipient=to, server=one.server, reply=one.reply)


def _may_send_again(attempt: Attempt, delivery: Delivery) -> bool:
    is_reply = attempt.outgoing.kind is OutgoingKind.REPLY
    return is_reply and attempt.door.after_dot is AfterDot.RETRY_ONCE and delivery.lost_after_dot == 0


def _note_channel(session: Session, attempt: Attempt, outcomes: Sequence[Outcome]) -> None:
    door = attempt.door
    if door.channel_id is None:
        return
    if attempt.account_trouble:
        mark_channel(session, door.channel_id, ChannelState.FAILING, attempt.account_trouble)
        if not door.is_failing:
            tell_of_channel(session, attempt.outgoing, door.channel_name, attempt.account_trouble)
    elif door.is_failing and any(one.state is DeliveryState.SENT for one in outcomes):
        mark_channel(session, door.channel_id, ChannelState.OK)
