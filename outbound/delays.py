"""Why mail does not leave, way by way: what the servers said, and the next step in plain words."""

from dataclasses import dataclass, replace

from sqlmodel import Session, select

from outbound.refusals import next_step
from storage.channels import DEFAULT_SERVERS, Channel, ChannelState
from storage.deliveries import deferrals

_MOST = 200  # kinds of replies; some servers put the address into each


@dataclass(frozen=True, slots=True)
class Delay:
    """Mail of one way that waits for the same reason. `reply` is what one of them heard."""

    channel: str  # `default`: the default servers
    server: str
    mails: int
    reply: str
    advice: str


def delays(session: Session) -> list[Delay]:
    """What keeps mail from leaving, the most first; and channels that fail although nothing waits for them."""
    channels = {channel.number: channel for channel in session.exec(select(Channel)).all()}
    found: dict[tuple[str, str], Delay] = {}
    for one in deferrals(session, _MOST):
        name = channels[one.way].name if one.way in channels else DEFAULT_SERVERS
        advice = next_step(one.reply)
        key = name, advice or one.reply
        known = found.get(key, Delay(name, one.server, 0, one.reply, advice))
        found[key] = replace(known, mails=known.mails + one.mails)
    waiting = {delay.channel for delay in found.values()}
    return [*found.values(), *(_failing(one) for one in channels.values() if _fails(one) and one.name not in waiting)]


def _fails(channel: Channel) -> bool:
    return channel.removed_at is None and channel.state is ChannelState.FAILING


def _failing(channel: Channel) -> Delay:
    server = f"{channel.host}:{channel.port}" if channel.host else ""
    return Delay(channel.name, server, 0, channel.last_error, next_step(channel.last_error))
