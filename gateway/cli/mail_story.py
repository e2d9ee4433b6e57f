"""The story of a mail for people: what it is, every decision on its way, what left because of it and what did not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.cli.printing import facts, local_time, say, size

if TYPE_CHECKING:
    from storage.mail_view import MailStory, Step
    from storage.ticket_view import DeliveryView


def print_story(story: "MailStory", zone: str) -> None:
    """Print what became of a mail, and why."""
    helo = f"({story.helo})" if story.helo else ""
    peer = " ".join(part for part in (story.peer, helo, story.protocol, story.tls) if part)
    facts(
        [
            ("mail", story.id),
            ("received", local_time(story.received, zone)),
            ("from", f"<{story.reverse_path}> {peer}" if story.received else ""),
            ("to", story.recipient),
            ("size", size(story.size) if story.size else ""),
            ("author", story.author),
            ("subject", story.subject),
            ("identity", story.identity),
            ("came through", story.source_inbox),
            ("fate", f"{story.fate}" if story.fate else ""),
            ("reason", story.reason),
            ("message", f"{story.message} of ticket {story.ticket}" if story.message else ""),
            ("flags", ", ".join(story.flags)),
            ("Message-ID", story.message_id),
            ("also received", ", ".join(story.also_received)),
        ]
    )
    if story.trace:
        say("What was decided:")
        _print_steps(story.trace)
    if story.sent:
        say("What was sent because of it:")
    for one in story.sent:
        say(f"  {one.kind}" + (f", message {one.message}" if one.message else ""))
        _print_deliveries(one.deliveries)
    if story.suppressed:
        say("What was not sent:")
        _print_steps(story.suppressed)
    _print_deliveries(story.deliveries)


def _print_steps(steps: "Sequence[Step]") -> None:
    for step in steps:
        say(f"  {step.asked.replace('_', ' ')}: {step.answer}" + (f" ({step.why})" if step.why else ""))


def _print_deliveries(deliveries: "Sequence[DeliveryView]") -> None:
    for delivery in deliveries:
        said = f", {delivery.last_reply}" if delivery.last_reply else ""
        say(f"  -> {delivery.recipient}: {delivery.state}{said}")
