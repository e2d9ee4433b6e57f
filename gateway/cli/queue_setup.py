"""`gateway queue setup`: from a name to an inbox that forwards, with the provider's question caught on the way."""

import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly, Refused
from gateway.cli.desk import Desk, open_desk
from gateway.cli.forward_guide import KEYS, Guide, guide_for, guide_named
from gateway.cli.options import AsJson
from gateway.cli.printing import facts, local_time, say, say_json

if TYPE_CHECKING:
    from config.settings import Settings
    from storage.confirmations import ConfirmationView

EXAMPLE = "gateway queue setup Support --inbox support@company.example --wait"
_LOOK_SECONDS = 0.5
_SHOWN = 3
# A confirmation that came before somebody began to wait for it is the one that he waits for.
_JUST_NOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class SetUp:
    """How a queue is being set up."""

    queue: str
    addresses: list[str]
    provider: str
    inbox: str
    instructions: str
    confirmations: "list[ConfirmationView]"
    suggested_inboxes: list[str]


def setup(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The queue; it is made when there is none.")],
    inbox: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="The inbox that is to forward; nothing is ever sent to it.")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(metavar="PROVIDER", help=f"{', '.join(KEYS)}; else found out from the inbox.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the provider's confirmation and show it.")] = False,
    seconds: Annotated[int, typer.Option("--seconds", min=1, help="How long to wait.")] = 900,
    as_json: AsJson = False,
) -> None:
    """Make what a queue needs, say how to forward its inbox, and catch the provider's confirmation.

    With --wait, exit status 1 when none has come in time.
    """
    with open_desk(ctx) as desk:
        asked = _named_guide(provider)
        made = _prepare(desk, name, inbox or _ask_inbox(desk, name))
        guide = asked or guide_of(desk.settings, made)
        shown = _set_up(desk, name, guide)
        if not as_json:
            _print(desk, shown, guide)
        came = _wait(desk, shown, seconds, as_json=as_json) if wait else True
        if as_json:
            say_json(_set_up(desk, name, guide))
    if not came:
        raise Refused(f"No confirmation came in {seconds} seconds; `gateway queue setup` shows one that comes later")


def _named_guide(key: str | None) -> Guide | None:
    if key is None:
        return None
    guide = guide_named(key.strip().lower().replace(" ", ""))
    if guide is None:
        raise AskedWrongly(f"--provider: {key!r} is none of {', '.join(KEYS)}")
    return guide


def _ask_inbox(desk: Desk, name: str) -> str:
    """In a terminal, ask for the inbox of a queue that has none."""
    from storage.queues import queue_named, source_inboxes

    with desk.reading() as session:
        queue = queue_named(session, name)
        is_known = bool(queue and source_inboxes(session, queue.number))
    if is_known or not sys.stdin.isatty():
        return ""
    answer: str = typer.prompt("Which inbox is to forward its mail (empty: later)", default="", show_default=False)
    return answer.strip()


def _prepare(desk: Desk, name: str, inbox: str) -> str:
    """Make the queue and its address where they are missing, and name the inbox; returns the inbox."""
    from storage.addresses import AddressState, list_addresses, new_address
    from storage.queues import Queue, add_queue, name_source_inbox, queue_named, source_inboxes

    with desk.writing() as session:
        queue = queue_named(session, name) or add_queue(session, Queue(name=name, key=""))
        if all(one.state is not AddressState.ACTIVE for one in list_addresses(session, queue.number)):
            new_address(session, queue, desk.settings.domain)
        if inbox:
            return name_source_inbox(session, queue, inbox).address
        return next((one.address for one in source_inboxes(session, queue.number)), "")


def guide_of(settings: "Settings", inbox: str) -> Guide:
    """The provider behind an inbox, by its domain and its MX records."""
    from gateway.intake.dns import Lookups
    from gateway.reading.answers import Question
    from storage.address import domain_of

    domain = domain_of(inbox)
    lookups = Lookups(settings.dns)
    if not inbox or not lookups.is_on:
        return guide_for(domain, [])
    question = Question(domain, "MX")
    records = lookups.ask([question], lookups.deadline())[question].values
    return guide_for(domain, [record.rpartition(" ")[2] for record in records])


def _set_up(desk: Desk, name: str, guide: Guide) -> SetUp:
    from storage.addresses import AddressState, list_addresses
    from storage.confirmations import confirmations_of
    from storage.queues import find_queue, source_inboxes
    from storage.source_inboxes import suggested_inboxes

    with desk.reading() as session:
        queue = find_queue(session, name)
        active = [a.address for a in list_addresses(session, queue.number) if a.state is AddressState.ACTIVE]
        inbox = next((one.address for one in source_inboxes(session, queue.number)), "")
        return SetUp(
            queue=queue.name,
            addresses=active,
            provider=guide.key,
            inbox=inbox,
            instructions="\n".join(guide.told(inbox or "your inbox", active[-1])),
            confirmations=confirmations_of(session, queue.number),
            suggested_inboxes=[one.address for one in suggested_inboxes(session, queue.number)],
        )


def _print(desk: Desk, shown: SetUp, guide: Guide) -> None:
    say(f"Queue {shown.queue}. Its inbox must forward to:")
    say(f"  {shown.addresses[-1]}")
    say()
    say(f"How to forward {shown.inbox or 'an inbox'} ({guide.name}; others: --provider {'|'.join(KEYS)}):")
    for line in shown.instructions.splitlines():
        say(f"  {line}")
    for address in shown.suggested_inboxes:
        say(f"{address} seems to forward here: say so with `gateway queue set {shown.queue} --source {address}`")
    for one in reversed(shown.confirmations[:_SHOWN]):
        _print_confirmation(desk, one)
    say()
    say(f"Afterwards see whether it works: gateway queue check '{shown.queue}'")


def _print_confirmation(desk: Desk, one: "ConfirmationView") -> None:
    say()
    whose = f" for {one.inbox}" if one.inbox else ""
    say(f"{one.provider} asks{whose} whether mail may be forwarded here:")
    trust = f"yes: signed by {one.provider}" if one.trusted else f"no: the signature of {one.provider} is not on it"
    received = local_time(one.received, desk.settings.time_zone)
    facts([("  code", one.code), ("  link", one.link), ("  trusted", trust), ("  received", received)])


def _wait(desk: Desk, shown: SetUp, seconds: int, *, as_json: bool) -> bool:
    """Show confirmations as they come. In a terminal a key opens the link; elsewhere the first one ends it."""
    from config.clock import now
    from storage.confirmations import confirmations_of
    from storage.queues import find_queue

    known = {one.id for one in shown.confirmations}
    openable = [one for one in shown.confirmations if _may_open(one)][:1]
    with desk.reading() as session:
        number = find_queue(session, shown.queue).number
    is_talk = not as_json and sys.stdin.isatty()
    if not is_talk and any(now() - one.received < _JUST_NOW for one in shown.confirmations):
        return True
    end = time.monotonic() + seconds
    with _single_keys(is_talk):
        if not as_json:
            say(f"Waiting for a confirmation. {'o opens its link, q ends.' if is_talk else ''}")
        while time.monotonic() < end:
            with desk.reading() as session:
                fresh = [one for one in confirmations_of(session, number) if one.id not in known]
            for one in [] if as_json else fresh:
                _print_confirmation(desk, one)
            known |= {one.id for one in fresh}
            openable = [one for one in fresh if _may_open(one)][:1] or openable
            if fresh and not is_talk:
                return True
            key = _key_within(_LOOK_SECONDS, is_talk)
            if key == "q":
                return True
            if key == "o":
                _open(desk, shown.queue, openable)
    return False


def _may_open(one: "ConfirmationView") -> bool:
    from gateway.reading.confirmation import is_known_link

    return one.trusted and bool(one.link) and is_known_link(one.provider, one.link)


def _open(desk: Desk, queue: str, openable: "list[ConfirmationView]") -> None:
    if not openable:
        say("There is no link that may be opened: it must be signed by its provider and lead to it.")
        return
    import webbrowser

    from storage.queues import find_queue, name_source_inbox

    [one] = openable
    if webbrowser.open(one.link):
        say(f"Opened {one.link}")
    else:
        say(f"No browser here. Open it on your own machine: {one.link}")
    if one.inbox:
        with desk.writing() as session:
            name_source_inbox(session, find_queue(session, queue), one.inbox)
        say(f"Nothing will ever be sent to {one.inbox}, which forwards here.")


@contextmanager
def _single_keys(is_talk: bool) -> Iterator[None]:
    """Hear keys without Enter, for the time of the block."""
    if not is_talk:
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _key_within(seconds: float, is_talk: bool) -> str:
    if not is_talk:
        time.sleep(seconds)
        return ""
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    # Straight from the terminal: what sys.stdin keeps for later, `select` does not see.
    return os.read(sys.stdin.fileno(), 1).decode("ascii", "replace").lower() if ready else ""
