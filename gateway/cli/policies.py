"""The policies of a queue as options of `queue new` and `queue set`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    close_after_days: Annotated[int | None, typer.Option(min=0, help="Solved becomes closed; 0: never.")] = None
    known_contacts_only: Annotated[bool | None, typer.Option(help="Hold mail of people whom nobody knows.")] = None
    forwards: Annotated[
        str | None,
        typer.Option(metavar="agents|anyone|off", help="Whose hand-made forwards make the inner sender the customer."),
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
    color: Annotated[str | None, typer.Option(help="For lists and the web page.")] = None
    language: Annotated[str | None, typer.Option(metavar="en|pt|es|fr|de", help="Of acknowledgements.")] = None


def apply_policies(session: "Session", queue: "Queue", policies: Policies) -> None:
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


def _reply_to(text: str) -> str:
    from storage.queues import ReplyTo

    return word_of(ReplyTo, text, "--reply-to")


def _fresh_mail(text: str) -> str:
    from storage.queues import FreshMail

    return word_of(FreshMail, text.replace("-", "_"), "--fresh-mail")


def _acknowledge(text: str) -> str | None:
    from storage.queues import Acknowledge

    return None if text == "default" else word_of(Acknowledge, text, "--acknowledge")


def _forwards(text: str) -> str:
    from storage.queues import Forwards

    return word_of(Forwards, text, "--forwards")


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


def _as_it_is(value: object) -> object:
    return value


# Column of the queue -> how its option becomes its value.
_CONVERSIONS: Mapping[str, Callable[..., object]] = {
    "display_name": _as_it_is,
    "display_name_in_automatic_replies": _as_it_is,
    "from_address": _address,
    "reply_to": _reply_to,
    "fresh_mail": _fresh_mail,
    "join_days": _as_it_is,
    "acknowledge": _acknowledge,
    "reopen_days": _as_it_is,
    "close_after_days": _as_it_is,
    "known_contacts_only": _as_it_is,
    "forwards": _forwards,
    "subject_tag": _as_it_is,
    "signature": _as_it_is,
    "color": _as_it_is,
    "language": _language,
}
