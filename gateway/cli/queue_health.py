"""What is wrong with a queue at the moment: a mailbox or channel of it that fails, a forward that died, silence."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.queues import Queue


def troubles_of(session: "Session", queue: "Queue") -> list[str]:
    """A few words for each; nothing for a queue that does well."""
    from storage.channels import Channel, ChannelState
    from storage.forward_checks import CheckState, latest_check
    from storage.mailboxes import MailboxState, mailboxes_of
    from storage.queues import source_inboxes

    channel = session.get(Channel, queue.answer_via) if queue.answer_via else None
    failing = [one.address for one in mailboxes_of(session, queue.number) if one.state is MailboxState.FAILING]
    checks = [latest_check(session, inbox.address) for inbox in source_inboxes(session, queue.number)]
    dead = [one.inbox for one in checks if one and one.state in (CheckState.REFUSED, CheckState.LOST)]
    return [
        *([f"channel {channel.name} fails"] if channel and channel.state is ChannelState.FAILING else []),
        *(f"mailbox {address} fails" for address in failing),
        *(f"{inbox} does not forward" for inbox in dead),
        *([f"no mail since {queue.silent_since:%Y-%m-%d %H:%M} UTC"] if queue.silent_since else []),
    ]
