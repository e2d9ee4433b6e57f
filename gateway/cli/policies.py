"""The policies of a queue as options of `queue new` and `queue set`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly
from gateway.cli.options import word_of

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.queues import Queue


@dataclass(frozen=True, slots=True)
class Policies:
    """What is given is changed; what is not given stays."""

    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="INBOX",
            help="An inbox that forwards here; nothing is ever sent to it. -INBOX does so no more.",
        ),
    ] = None
    member: Annotated[
        list[str] | None,
        typer.Option("--member", metavar="EMAIL", help="An agent of the team; -EMAIL leaves it."),
    ] = None
    display_name: Annotated[str | None, typer.Option(help="The name in From of answers.")] = None
    display_name_in_automatic_replies: Annotated[
        bool | None, typer.Option(help="Whether acknowledgements have that name too.")
    ] = None
    from_name: Annotated[
        str | None, typer.Option(metavar="queue|agent-via-queue|agent", help="Whose name stands in From of answers.")
    ] = None
    from_address: Annotated[
        str | None, typer.Option("--from", metavar="EMAIL", help="The address in From; empty: the source inbox.")
    ] = None
    reply_to: Annotated[
        str | None, typer.Option(metavar="gateway|inbox", help="Where customers' answers go: to us, or to the inbox.")
    ] = None
    answer_via: Annotated[
        str | None, typer.Option(metavar="CHANNEL", help="The channel of answers; `default` is the default servers.")
    ] = None
    fresh_mail: Annotated[
        str | None,
        typer.Option(metavar="new|join_open", help="Mail that answers nothing: a new ticket, or the open one."),
    ] = None
    join_days: Annotated[int | None, typer.Option(min=1, help="How old the open ticket may be.")] = None
    acknowledge: Annotated[
        str | None,
        typer.Option(
            metavar="all|authenticated|never", help="Who gets an acknowledgement; `default`: as in the settings."
        ),
    ] = None
    reopen_days: Annotated[
        int | None, typer.Option(min=0, help="A follow-up reopens so long after solving; 0: never.")
    ] = None
    late_answers: Annotated[
        str | None,
        typer.Option(metavar="new|refuse", help="After that: a linked ticket; or held, and the author is told once."),
    ] = None
    close_after_days: Annotated[int | None, typer.Option(min=0, help="Solved becomes closed; 0: never.")] = None
    known_contacts_only: Annotated[bool | None, typer.Option(help="Hold mail of people whom nobody knows.")] = None
    forwards: Annotated[
        str | None,
        typer.Option(metavar="agents|anyone|off", help="Whose hand-made forwards make the inner sender the customer."),
    ] = None
    assignment: Annotated[
        str | None,
        typer.Option(metavar="nobody|round-robin|least-loaded", help="Who of the team gets a new ticket."),
    ] = None
    form_sender: Annotated[
        list[str] | None,
        typer.Option(
            "--form-sender",
            metavar="EMAIL",
            help="A form's address: the author is in its Reply-To; -EMAIL takes it off.",
        ),
    ] = None
    subject_tag: Annotated[bool | None, typer.Option(help="Put [#123] into subjects.")] = None
    signature: Annotated[str | None, typer.Option(help="Below answers, where the agent has none.")] = None
    color: Annotated[str | None, typer.Option(metavar="#RRGGBB", help="Of letters, lists and the web page.")] = None
    template: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of letters in HTML, see `gateway template list`; none: text alone."),
    ] = None
    logo: Annotated[
        str | None, typer.Option(metavar="FILE", help="A picture in your folder of templates; empty: none.")
    ] = None
    mail_header: Annotated[str | None, typer.Option("--header", metavar="MARKDOWN", help="Above answers, in HTML.")] = (
        None
    )
    mail_footer: Annotated[str | None, typer.Option("--footer", metavar="MARKDOWN", help="Below answers.")] = None
    quote_last: Annotated[bool | None, typer.Option(help="Quote the mail that is answered.")] = None
    reply_marker: Annotated[bool | None, typer.Option(help="Ask customers to answer above a line.")] = None
    language: Annotated[str | None, typer.Option(metavar="en|pt|es|fr|de", help="Of acknowledgements.")] = None


def apply_policies(session: "Session", queue: "Queue", policies: Policies, templates: Path | None) -> None:
    """Change what is given. Raises AskedWrongly or NotFound; then nothing is changed."""
    from storage.agents import find_agent, join_queue, leave_queue
    from storage.channels import channel_id_of
    from storage.queues import forget_source_inbox, name_source_inbox, set_form_sender

    for name, convert in _CONVERSIONS.items():
        value = getattr(policies, name)
        if value is not None:
            setattr(queue, name, convert(value))
    if policies.answer_via is not None:
        queue.answer_via = channel_id_of(session, policies.answer_via)
    for address in policies.form_sender or ():
        set_form_sender(queue, address.removeprefix("-"), listed=not address.startswith("-"))
    if policies.template is not None or policies.logo is not None:
        _dress(queue, policies, templates)
    session.add(queue)
    session.flush()
    for address in policies.source or ():
        if address.startswith("-"):
            forget_source_inbox(session, queue, address[1:])
        else:
            name_source_inbox(session, queue, address)
    for email in policies.member or ():
        change = leave_queue if email.startswith("-") else join_queue
        change(session, find_agent(session, email.removeprefix("-")), queue)


def _dress(queue: "Queue", policies: Policies, templates: Path | None) -> None:
    """Name a template and a logo that are there: a mail must not be the first to miss them."""
    from outbound.appearance import TEXT_ONLY, read_logo
    from outbound.render import letter_names

    names = [*letter_names(templates), TEXT_ONLY]
    if policies.template is not None and policies.template not in names:
        raise AskedWrongly(f"--template: {policies.template!r} is none of {', '.join(names)}")
    if policies.logo:
        read_logo(templates, policies.logo)
    queue.template = policies.template or queue.template
    queue.logo = queue.logo if policies.logo is None else policies.logo


def _reply_to(text: str) -> str:
    from storage.queues import ReplyTo

    return word_of(ReplyTo, text, "--reply-to")


def _fresh_mail(text: str) -> str:
    from storage.queues import FreshMail

    return word_of(FreshMail, text.replace("-", "_"), "--fresh-mail")


def _late_answers(text: str) -> str:
    from storage.queues import LateAnswers

    return word_of(LateAnswers, text, "--late-answers")


def _acknowledge(text: str) -> str | None:
    from storage.queues import Acknowledge

    return None if text == "default" else word_of(Acknowledge, text, "--acknowledge")


def _forwards(text: str) -> str:
    from storage.queues import Forwards

    return word_of(Forwards, text, "--forwards")


def _assignment(text: str) -> str:
    from storage.queues import Assignment

    return word_of(Assignment, text, "--assignment")


def _address(text: str) -> str:
    from storage.address import canonical_address

    canonical = canonical_address(text) if text else ""
    if canonical is None:
        raise AskedWrongly(f"--from: {text!r} is no mail address")
    return canonical


def _language(text: str) -> str:
    from outbound.render import LANGUAGES

    if text not in LANGUAGES:
        raise AskedWrongly(f"--language: {text!r} is none of {', '.join(LANGUAGES)}")
    return text


def _from_name(text: str) -> str:
    from storage.queues import FromName

    return word_of(FromName, text.replace("_", "-"), "--from-name")


def _color(text: str) -> str:
    from storage.colors import hex_color

    if text and not hex_color(text):
        raise AskedWrongly(f"--color: {text!r} is no color like #3b5bdb or green")
    return text.strip()


def _as_it_is(value: object) -> object:
    return value


# Column of the queue -> how its option becomes its value.
_CONVERSIONS: Mapping[str, Callable[..., object]] = {
    "display_name": _as_it_is,
    "display_name_in_automatic_replies": _as_it_is,
    "from_name": _from_name,
    "from_address": _address,
    "reply_to": _reply_to,
    "fresh_mail": _fresh_mail,
    "join_days": _as_it_is,
    "acknowledge": _acknowledge,
    "reopen_days": _as_it_is,
    "late_answers": _late_answers,
    "close_after_days": _as_it_is,
    "known_contacts_only": _as_it_is,
    "forwards": _forwards,
    "assignment": _assignment,
    "subject_tag": _as_it_is,
    "signature": _as_it_is,
    "color": _color,
    "mail_header": _as_it_is,
    "mail_footer": _as_it_is,
    "quote_last": _as_it_is,
    "reply_marker": _as_it_is,
    "language": _language,
}
