"""What `gateway init` needs to know: from options, else asked in a terminal, where a wrong answer is asked again.

Each answer is checked as soon as it is given, by the same code that reads the settings.
"""

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import typer

from config.errors import AskedWrongly, GatewayError
from gateway.cli.options import word_of
from gateway.cli.printing import complain, say

_SMTP = 25


class Way(StrEnum):
    """How the support inbox's mail comes here."""

    FORWARD = "forward"  # its provider forwards it to a creation address
    MAILBOX = "mailbox"  # the gateway reads it, over IMAP


@dataclass(frozen=True, slots=True)
class Answers:
    """What was said; None: nothing yet. An empty text is an answer, too."""

    company: str | None = None
    inbox: str | None = None
    way: str | None = None
    domain: str | None = None
    hostname: str | None = None
    queue: str | None = None
    agent: str | None = None
    agent_name: str | None = None
    listen: str | None = None
    data_dir: str | None = None
    time_zone: str | None = None


def is_talk() -> bool:
    """Whether somebody is there who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def completed(given: Answers) -> Answers:
    """Every answer, in an order in which one suggests the next. Raises AskedWrongly."""
    if is_talk():
        say("A few questions; Enter takes what stands in brackets, Ctrl-C ends without having made anything.")
    answers = replace(given, company=_answer(given.company, "Name of the company", ""))
    answers = with_inbox(answers)
    domain = _answer(
        given.domain,
        "Domain of creation addresses, whose MX record will point to this machine",
        f"in.{_domain_of(answers.inbox)}" if answers.inbox and is_talk() else None,
        _domain,
        "--domain",
    )
    answers = replace(
        answers,
        domain=domain,
        hostname=_answer(given.hostname, "Name of this machine in that MX record", f"mx.{domain}", _domain),
        queue=_answer(given.queue, "First queue", "Support", _named),
    )
    is_read = answers.way == Way.MAILBOX
    return replace(
        with_agent(answers),
        listen=_answer(given.listen, "Listen on", _listen_here(is_read=is_read), _listen),
        data_dir=given.data_dir or "var",
        time_zone=_answer(given.time_zone, "Time zone", _zone_here() if is_talk() else "UTC", _zone),
    )


def with_inbox(given: Answers) -> Answers:
    """The inbox that customers write to, and how its mail comes here."""
    inbox = _answer(given.inbox, "Support inbox that customers write to today (empty: later)", "", _address_or_none)
    way = given.way or (Way.FORWARD if not inbox else None)
    question = "How does its mail come here: forward (its provider sends it on) or mailbox (read over IMAP)"
    return replace(given, inbox=inbox, way=_answer(way, question, str(Way.FORWARD), _way))


def with_agent(given: Answers) -> Answers:
    """Who answers."""
    agent = _answer(given.agent, "Mail address of the first agent, who answers (empty: later)", "", _address_or_none)
    return replace(given, agent=agent, agent_name=_answer(given.agent_name, "His or her name", "") if agent else "")


def _answer(
    given: str | None,
    question: str,
    default: str | None,
    check: Callable[[str], str] = str.strip,
    option: str = "",
) -> str:
    """What was given, else what is answered, else the default; `option` is named where nobody can be asked."""
    if given is not None:
        return check(given)
    if not is_talk():
        if default is None:
            raise AskedWrongly(f"Give {option}, or run `gateway init` in a terminal")
        return check(default)
    while True:
        answer: str = typer.prompt(question, default=default, show_default=bool(default))
        try:
            return check(answer)
        except GatewayError as error:
            complain(f"  {error}")


def _domain(text: str) -> str:
    from config.values import plain_domain

    try:
        return plain_domain(text.strip().rstrip("."))
    except ValueError as error:
        raise AskedWrongly(str(error)) from None


def _address_or_none(text: str) -> str:
    from storage.address import canonical_address

    address = canonical_address(text.strip()) if text.strip() else ""
    if address is None:
        raise AskedWrongly(f"{text!r} is no mail address")
    return address


def _named(text: str) -> str:
    if not text.strip():
        raise AskedWrongly("a queue needs a name")
    return text.strip()


def _way(text: str) -> str:
    return word_of(Way, text, "--way")


def _listen(text: str) -> str:
    from pydantic import ValidationError

    from config.receiving import ListenerSettings

    try:
        return ListenerSettings(address=text.strip()).address
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise AskedWrongly(f"the address to --listen on {said}") from None


def _zone(text: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(text.strip()).key
    except (KeyError, ValueError, OSError):
        raise AskedWrongly(f"{text!r} is no time zone; write one like Europe/Lisbon") from None


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def _listen_here(*, is_read: bool) -> str:
    """Where mail can be taken; a mailbox alone needs nothing that the internet can reach."""
    if is_read:
        return "127.0.0.1:2525"
    if not is_talk():
        return f"0.0.0.0:{_SMTP}"
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("0.0.0.0", _SMTP))  # noqa: S104 - it is let go at once
        except OSError as error:
            say(f"(Port {_SMTP} cannot be opened by you here: {error.strerror}. docs/install.md says how it can.)")
            return "0.0.0.0:2525"
    return f"0.0.0.0:{_SMTP}"


def _zone_here() -> str:
    """The zone of this machine, where it names one."""
    named = os.environ.get("TZ", "") or str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    try:
        return _zone(named.removeprefix("Etc/"))
    except AskedWrongly:
        return "UTC"
