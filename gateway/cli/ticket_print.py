"""A ticket for people: its head, its messages one below the other, and what was done to it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.cli.printing import facts, local_time, person, say, say_body, size

if TYPE_CHECKING:
    from storage.overview import Named
    from storage.ticket_view import DeliveryView, MessageView, TicketView

_RULE = "-" * 72
_WORDS = {"inbound": "mail", "outbound": "answer", "note": "note"}


def print_ticket(ticket: "TicketView", zone: str, *, full: bool, events: bool) -> None:
    """Print a ticket; `full` with what the messages quote."""
    say(f"#{ticket.number}  {ticket.subject or '(no subject)'}")
    facts(
        [
            ("queue", ticket.queue + (f" ({ticket.held} mails held)" if ticket.held else "")),
            ("status", ticket.status + _until(ticket, zone)),
            ("priority", ticket.priority if ticket.priority != "normal" else ""),
            ("tags", " ".join(ticket.tags)),
            ("assignee", person(ticket.assignee.name, ticket.assignee.email) if ticket.assignee else "nobody"),
            ("customer", person(ticket.contact.name, ticket.contact.email) if ticket.contact else ""),
            ("people", ", ".join(f"{p.email} ({p.role})" for p in ticket.participants if p.role != "customer")),
            ("merged into", f"#{ticket.merged_into}" if ticket.merged_into else ""),
            ("links", ", ".join(f"#{link.number} ({link.kind})" for link in ticket.links)),
            ("came through", ticket.source_inbox),
            ("created", local_time(ticket.created, zone)),
            ("updated", local_time(ticket.updated, zone)),
        ]
    )
    for message in ticket.messages:
        _print_message(message, zone, full)
    if events:
        say(_RULE)
        for event in ticket.events:
            say(f"{local_time(event.at, zone)}  {event.kind}  {event.text}  ({event.by})")


def _until(ticket: "TicketView", zone: str) -> str:
    return f" until {local_time(ticket.pending_until, zone)}" if ticket.pending_until else ""


def _print_message(message: "MessageView", zone: str, full: bool) -> None:
    say(_RULE)
    what = _WORDS[message.direction] + ("" if message.kind in ("human", "reply", "note") else f", {message.kind}")
    state = ", cancelled" if message.cancelled else ""
    who = person(message.author.name, message.author.email) or "gateway"
    say(f"{message.ref}  {local_time(message.date, zone)}  {who}  ({what}{state})")
    if message.authentication:
        say(f"Identity: {message.authentication.identity}")
    answers_to = [one for one in message.reply_to if one.email != message.author.email]
    for name, people in (("Reply-To", answers_to), ("To", message.to), ("Cc", message.cc), ("Bcc", message.bcc)):
        if people:
            say(f"{name}: {_people(people)}")
    if message.flags:
        say(f"Flags: {', '.join(message.flags)}")
    say()
    say_body(message.text if full else message.reply_text or message.text)
    for file in message.attachments:
        if file.repeated and not full:
            continue  # the picture of a signature, listed with the first message that has it
        say(f"[{file.id}] {file.filename} ({file.content_type}, {size(file.size)})")
    for delivery in message.deliveries:
        say(_delivery(delivery))


def _people(people: "Sequence[Named]") -> str:
    return ", ".join(person(one.name, one.email) for one in people)


def _delivery(delivery: "DeliveryView") -> str:
    said = f": {delivery.last_reply}" if delivery.last_reply else ""
    return f"-> {delivery.recipient}: {delivery.state} (delivery {delivery.id}){said}"
