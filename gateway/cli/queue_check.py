"""`gateway queue check`: does the inbox really forward to us? One mail goes round, and its way is told."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly
from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson
from gateway.cli.printing import facts, say, say_json

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.channels import Channel
    from storage.forward_checks import ForwardCheck

EXAMPLE = "gateway queue check Support"
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class CheckView:
    """A check of one inbox as it is shown."""

    inbox: str
    state: str  # waiting | arrived | refused | lost
    sent: datetime
    seconds: float | None  # on the way
    address: str
    source_inbox: str
    evidence: str
    kept: list[str]
    changed: list[str]
    dkim: str
    arc: str
    refusal: str
    advice: list[str]
    unsigned: list[str]  # domains in From of the queue that no DKIM key of ours signs for


def check(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The queue.")],
    inbox: Annotated[
        list[str] | None, typer.Option("--inbox", metavar="EMAIL", help="Its inbox; else all that are named.")
    ] = None,
    via: Annotated[
        str | None, typer.Option(metavar="CHANNEL", help="The channel of the test mail; else the default servers.")
    ] = None,
    seconds: Annotated[int, typer.Option("--seconds", min=1, help="How long to wait for it.")] = 180,
    as_json: AsJson = False,
) -> None:
    """Send a test mail to the inbox, and wait until it comes home by its forward.

    It makes no ticket. Exit status 1 when it does not come. `gateway serve` must be running.
    """
    with open_desk(ctx) as desk:
        sent = _send(desk, name, inbox or [], via)
        if not as_json:
            say(f"Sent to {', '.join(one.inbox for one in sent)}. Waiting for it to come home ...")
        _wait(desk, [one.id for one in sent], seconds)
        views = _views(desk, [one.id for one in sent])
    if as_json:
        say_json(views)
    for view in [] if as_json else views:
        _print(view)
    if any(view.state != "arrived" for view in views):
        raise typer.Exit(1)


def _send(desk: Desk, name: str, named: list[str], via: str | None) -> "list[ForwardCheck]":
    from outbound.forward_check import send_check
    from outbound.post_office import open_post_office
    from storage.queues import find_queue, name_source_inbox, source_inboxes
    from storage.waking import wake

    office = open_post_office(desk.settings, desk.database)
    with desk.writing() as session:
        queue = find_queue(session, name)
        inboxes = [name_source_inbox(session, queue, one).address for one in named]
        inboxes = inboxes or [one.address for one in source_inboxes(session, queue.number)]
        if not inboxes:
            raise AskedWrongly(f"No inbox of queue {queue.name} is known: name it with --inbox EMAIL")
        channel = _channel(session, via)
        sent = [send_check(session, office, queue, one, channel=channel) for one in dict.fromkeys(inboxes)]
    wake(desk.settings.data_dir, "relay")
    return sent


def _channel(session: "Session", via: str | None) -> "Channel | None":
    from storage.channels import channel_id_of, find_channel

    return find_channel(session, via) if via and channel_id_of(session, via) is not None else None


def _wait(desk: Desk, ids: list[str], seconds: int) -> None:
    """Until each has come home or was refused; what has done neither by then is lost."""
    from storage.forward_checks import CheckState, ForwardCheck, end_check

    end = time.monotonic() + seconds
    waiting = ids
    while waiting and time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)
        waiting = [id_ for id_ in waiting if _is_waiting(desk, id_)]
    with desk.writing() as session:
        for id_ in waiting:
            end_check(session, session.get_one(ForwardCheck, id_), CheckState.LOST)


def _is_waiting(desk: Desk, id_: str) -> bool:
    from outbound.forward_check import is_undelivered, note_refusal
    from storage.forward_checks import CheckState, ForwardCheck

    with desk.reading() as session:
        one = session.get_one(ForwardCheck, id_)
        if one.state is not CheckState.WAITING or not is_undelivered(session, one):
            return one.state is CheckState.WAITING
    with desk.writing() as session:
        note_refusal(session, session.get_one(ForwardCheck, id_))
    return False


def _views(desk: Desk, ids: list[str]) -> list[CheckView]:
    from storage.forward_checks import ForwardCheck

    with desk.reading() as session:
        return [_view(desk, session, session.get_one(ForwardCheck, id_)) for id_ in ids]


def _view(desk: Desk, session: "Session", one: "ForwardCheck") -> CheckView:
    unsigned = _unsigned(desk, session, one.queue_id)
    took = (one.ended_at - one.sent_at).total_seconds() if one.ended_at else None
    return CheckView(
        inbox=one.inbox,
        state=one.state,
        sent=one.sent_at,
        seconds=took,
        address=one.address,
        source_inbox=one.source_inbox,
        evidence=one.evidence,
        kept=one.kept,
        changed=one.changed,
        dkim=one.dkim,
        arc=one.arc,
        refusal=one.refusal,
        advice=_advice(session, one) + [_how_to_sign(domain, one) for domain in unsigned],
        unsigned=unsigned,
    )


def _advice(session: "Session", one: "ForwardCheck") -> list[str]:
    """What a person should do or know."""
    from outbound.forward_check import delivery_of
    from outbound.refusals import plain_sentence
    from storage.forward_checks import CheckState
    from storage.outbox import PENDING

    if one.state is CheckState.REFUSED:
        return [plain_sentence(one.refusal) or f"A server on the way refused it; ask the operator of {one.inbox}."]
    if one.state is CheckState.LOST:
        delivery = delivery_of(session, one)
        if delivery.state in PENDING:
            said = f": {delivery.last_reply}" if delivery.last_reply else "; is `gateway serve` running?"
            return [f"It has not left yet{said}"]
        return [
            f"It was handed to {delivery.server} and did not come home. Look for it in {one.inbox}: if it is there, "
            "the forward is off, or its address is wrong; if it is not, look into the spam folder.",
        ]
    return _remarks(one)


def _remarks(one: "ForwardCheck") -> list[str]:
    remarks = []
    if one.source_inbox and one.source_inbox != one.inbox:
        remarks.append(f"Its traces name {one.source_inbox}: if that is yours, name it with --inbox too.")
    if one.dkim == "fail":
        remarks.append("Its DKIM signature did not survive: the mail is changed on the way, so no customer is proven.")
    return remarks


def _how_to_sign(domain: str, one: "ForwardCheck") -> str:
    return (
        f"Answers leave under {domain} through the default servers, and no DKIM key signs for it, so receivers may "
        f"take them for forged: make one with `gateway dkim new {domain}`. The other way: --from {one.address}."
    )


def _unsigned(desk: Desk, session: "Session", queue_id: int) -> list[str]:
    from gateway.published import unsigned_domains
    from storage.queues import Queue

    if not desk.settings.outbound.servers:
        return []  # nothing leaves but into a folder
    name = session.get_one(Queue, queue_id).name
    return [one.domain for one in unsigned_domains(session, desk.settings) if name in one.queues]


def _print(view: CheckView) -> None:
    say()
    words = {
        "arrived": f"forwards to {view.address}: it took {view.seconds or 0:.0f} seconds",
        "refused": "does not forward: a server refused",
        "lost": "does not forward, as far as we can see",
    }
    say(f"{view.inbox} {words.get(view.state, view.state)}.")
    facts(
        [
            ("  source inbox", f"{view.source_inbox} ({view.evidence})" if view.source_inbox else ""),
            ("  came home as sent", ", ".join(view.kept)),
            ("  lost or rewritten", ", ".join(view.changed)),
            ("  DKIM, ARC", f"{view.dkim}, {view.arc}" if view.dkim else ""),
            ("  refusal", view.refusal),
        ]
    )
    for line in view.advice:
        say(f"  {line}")
