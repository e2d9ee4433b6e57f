"""Write in a ticket: verbs of `gateway ticket`. The work is done by `outbound.replies`; nothing is sent in here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly, GatewayError
from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson, taking, word_of
from gateway.cli.presence import writing
from gateway.cli.printing import complain, merged, say, say_json
from gateway.cli.text import keep_draft, text_from

if TYPE_CHECKING:
    from outbound.compose import File
    from outbound.drafts import Draft, SentReply
    from storage.agents import Agent

Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The ticket's number.")]
Text = Annotated[
    str | None, typer.Option("--message", "-m", metavar="TEXT", help="The text; else standard input, else $EDITOR.")
]


@dataclass(frozen=True, slots=True)
class Sending:
    """Options of everything that is sent."""

    cc: Annotated[list[str] | None, typer.Option("--cc", metavar="EMAIL", help="May be given again.")] = None
    bcc: Annotated[list[str] | None, typer.Option("--bcc", metavar="EMAIL", help="May be given again.")] = None
    attach: Annotated[list[Path] | None, typer.Option("--attach", metavar="FILE", help="May be given again.")] = None
    yes: Annotated[bool, typer.Option("--yes", help="Although a recipient's domain is new to the ticket.")] = False
    now: Annotated[bool, typer.Option("--now", help="Without the time in which it can be cancelled.")] = False
    status: Annotated[
        str | None, typer.Option(metavar="open|pending|solved|closed", help="The ticket's status; else pending.")
    ] = None
    plain: Annotated[bool, typer.Option("--plain", help="Text alone, without HTML.")] = False


@dataclass(frozen=True, slots=True)
class Answering:
    """Options of an answer alone."""

    to: Annotated[
        list[str] | None,
        typer.Option("--to", metavar="EMAIL", help="Instead of the customer; may be given again."),
    ] = None
    reply_all: Annotated[bool, typer.Option("--reply-all", help="Those too whom the customer named.")] = False
    keep: Annotated[bool, typer.Option("--keep", help="Those too whom the customer left out.")] = False
    seen: Annotated[
        str | None, typer.Option(metavar="MESSAGE", help="The newest message that you know, like 12.3.")
    ] = None
    anyway: Annotated[bool, typer.Option("--anyway", help="Although a newer message has come.")] = False


@taking(Answering, Sending)
def reply(
    ctx: typer.Context,
    number: Number,
    answering: Answering,
    sending: Sending,
    message: Text = None,
    as_json: AsJson = False,
) -> None:
    """Answer a ticket: to the customer and the people who were copied in."""
    with open_desk(ctx) as desk:
        from outbound.post_office import open_post_office
        from outbound.replies import send_reply

        agent = _agent(desk)
        last_words = _last_words(desk, number)
        with writing(desk, number, agent):
            draft = _draft(sending, text_from(message, last_words), answering)
            office = open_post_office(desk.settings, desk.database)
            with _draft_kept(desk, f"reply-{number}", draft.text):
                sent = send_reply(desk.database, office, agent, number, draft)
        _print_sent(desk, sent, as_json)


def _agent(desk: Desk) -> "Agent":
    with desk.reading() as session:
        return desk.agent(session)


def _draft(sending: Sending, text: str, answering: Answering | None = None) -> "Draft":
    from outbound.drafts import Draft
    from storage.tickets import Status

    answering = answering or Answering()
    return Draft(
        text=text,
        to=answering.to or None,
        cc=sending.cc or None,
        bcc=sending.bcc or None,
        attachments=tuple(_file(path) for path in sending.attach or ()),
        reply_all=answering.reply_all,
        keep=answering.keep,
        seen=answering.seen,
        anyway=answering.anyway,
        yes=sending.yes,
        now=sending.now,
        status=word_of(Status, sending.status, "--status") if sending.status else None,
        plain=sending.plain,
    )


def _file(path: Path) -> "File":
    from mimetypes import guess_type

    from outbound.compose import File

    try:
        content = path.read_bytes()
    except OSError as error:
        raise AskedWrongly(f"--attach {path}: {error.strerror}") from error
    return File(path.name, guess_type(path.name)[0] or "application/octet-stream", content)


def _last_words(desk: Desk, number: int) -> str:
    """What was said last, for the editor."""
    from storage.messages import messages_of
    from storage.tickets import get_ticket

    with desk.reading() as session:
        get_ticket(session, number)
        messages = messages_of(session, number)
    if not messages:
        return ""
    last = messages[-1]
    words = (last.reply_text or last.text).splitlines()
    return "\n".join([f"{last.ref} by {last.author_name or last.author_email}:", *(f"> {line}" for line in words), ""])


@contextmanager
def _draft_kept(desk: Desk, name: str, text: str) -> Iterator[None]:
    """When it cannot be sent, the text is not lost."""
    try:
        yield
    except GatewayError as error:
        path = keep_draft(desk.settings.data_dir / "drafts", name, text)
        complain(f"Your text is kept; to send it, give the command again with: < {path}")
        raise error from None


def _print_sent(desk: Desk, sent: "SentReply", as_json: bool) -> None:
    if as_json:
        say_json(merged(_message(desk, sent.ref), ticket=sent.ticket, leaves_at=sent.leaves_at, lines=sent.lines))
        return
    say(f"{sent.ref} to {', '.join(sent.deliveries.values())}")
    from config.clock import now

    seconds = round((sent.leaves_at - now()).total_seconds())
    if seconds > 0:
        first = min(sent.deliveries, default=0)
        say(f"It leaves in {seconds} seconds; until then it can be stopped: gateway outbox cancel {first}")
    for line in sent.lines:
        say(line)


def _message(desk: Desk, ref: str) -> object:
    from storage.messages import find_message
    from storage.ticket_view import view_messages

    with desk.reading() as session:
        return view_messages(session, [find_message(session, ref)])[0]


def note(ctx: typer.Context, number: Number, message: Text = None, as_json: AsJson = False) -> None:
    """Write a note that agents alone see."""
    with open_desk(ctx) as desk:
        from outbound.replies import add_note

        agent = _agent(desk)
        text = text_from(message, _last_words(desk, number))
        with _draft_kept(desk, f"note-{number}", text):
            ref = add_note(desk.database, agent, number, text)
        if as_json:
            say_json(merged(_message(desk, ref), ticket=number))
        else:
            say(f"{ref} is noted.")


@taking(Sending)
def new(
    ctx: typer.Context,
    sending: Sending,
    queue: Annotated[str, typer.Option("--queue", metavar="QUEUE", help="Where it belongs.")],
    subject: Annotated[str, typer.Option("--subject", metavar="SUBJECT", help="What it is about.")],
    to: Annotated[str | None, typer.Option("--to", metavar="EMAIL", help="The customer.")] = None,
    contact: Annotated[str | None, typer.Option("--contact", metavar="ID", help="The customer, as a contact.")] = None,
    message: Text = None,
    as_json: AsJson = False,
) -> None:
    """Begin a conversation: a new ticket whose first message is ours."""
    if (to is None) == (contact is None):
        raise AskedWrongly("Say to whom: --to EMAIL or --contact ID")
    with open_desk(ctx) as desk:
        from outbound.post_office import open_post_office
        from outbound.replies import start_ticket
        from storage.queues import find_queue

        with desk.reading() as session:
            found, agent = find_queue(session, queue), desk.agent(session)
            customer = to or _address_of(desk, contact or "")
        draft = _draft(sending, text_from(message))
        office = open_post_office(desk.settings, desk.database)
        with _draft_kept(desk, "new", draft.text):
            sent = start_ticket(desk.database, office, agent, found, customer, subject, draft)
        _print_new(desk, sent, as_json)


def _address_of(desk: Desk, contact: str) -> str:
    from storage.contacts import addresses_of, find_contact

    with desk.reading() as session:
        addresses = addresses_of(session, find_contact(session, contact).id or 0)
    if not addresses:
        raise AskedWrongly(f"Contact {contact} has no mail address: give it one with `gateway contact edit`")
    return addresses[0].spelling or addresses[0].address


def _print_new(desk: Desk, sent: "SentReply", as_json: bool) -> None:
    if not as_json:
        say(f"Ticket #{sent.ticket}")
        _print_sent(desk, sent, as_json)
        return
    from storage.ticket_view import view_ticket

    with desk.reading() as session:
        ticket = view_ticket(session, sent.ticket)
    say_json(merged(ticket, leaves_at=sent.leaves_at, lines=sent.lines))
