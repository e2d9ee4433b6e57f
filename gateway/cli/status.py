"""`gateway status`: how much waits, and where; once, again and again, or as a page."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.clock import now
from config.errors import AskedWrongly, Refused
from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.printing import facts, local_time, red, say, say_json, table

if TYPE_CHECKING:
    from gateway.cli.mailbox_view import MailboxView
    from gateway.doctor import Listening
    from outbound.delays import Delay
    from storage.overview import QueueCounts
    from storage.silence import SilentQueue
    from storage.statistics import QueueStatistics

app = Noun()
_CLEAR = "\x1b[2J\x1b[H"
_LEVELS = "▁▂▃▄▅▆▇█"
_SPARK_DAYS = 14


@dataclass(frozen=True, slots=True)
class Whole:
    """What waits at the moment."""

    queues: "list[QueueCounts]"
    spool: dict[str, int]
    outbox: dict[str, int]
    listeners: "list[Listening]"
    failing: list[str]  # channels that do not send
    delays: "list[Delay]"  # why mail does not leave
    mailboxes: "list[MailboxView]"
    silent: "list[SilentQueue]"  # queues that usually get mail, and get none


@app.verb("status", "gateway status --report queues.html --days 30")
def status(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="Again and again, until you stop it.")] = False,
    every: Annotated[float, typer.Option(min=0.5, metavar="SECONDS", help="How often, with --watch.")] = 5,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page: volume and answer times by queue.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days, with --report.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Show what waits: tickets by queue, mail to file, mail to send, and whether the listener answers."""
    if watch and report:
        raise AskedWrongly("--watch and --report are two things")
    with open_desk(ctx) as desk:
        if report:
            _write_report(desk, report, days, as_json)
            return
        while True:
            _show(desk, as_json, clear=watch and not as_json)
            if not watch:
                return
            time.sleep(every)


def _show(desk: Desk, as_json: bool, *, clear: bool) -> None:
    whole, statistics = _whole(desk), _statistics(desk, _SPARK_DAYS)
    if as_json:
        say_json(whole)
    else:
        if clear and sys.stdout.isatty():
            sys.stdout.write(_CLEAR)
        _print(whole, statistics, desk.settings.time_zone)
    sys.stdout.flush()


def _print(whole: Whole, statistics: "list[QueueStatistics]", zone: str) -> None:
    sparks = {one.queue: _spark([day.opened for day in one.days]) for one in statistics}
    table(
        ("QUEUE", "NEW", "OPEN", "PENDING", "UNASSIGNED", "HELD", "OLDEST WAITS SINCE", "LAST MAIL", "14 DAYS"),
        [
            (
                *(q.queue, str(q.new), str(q.open), str(q.pending), str(q.unassigned), str(q.held)),
                *(local_time(q.oldest_waiting, zone), local_time(q.last_mail, zone), sparks.get(q.queue, "")),
            )
            for q in whole.queues
        ],
        empty="No queue yet: make one with `gateway queue new NAME`",
    )
    say()
    facts(
        [
            ("mail to file", str(whole.spool["pending"])),
            ("mail held", str(whole.spool["held"])),
            ("mail quarantined", str(whole.spool["quarantined"])),
            *[(f"outgoing {state}", str(count)) for state, count in whole.outbox.items() if count and state != "sent"],
            *[(f"listener {found.address}", "answers" if found.answers else "silent") for found in whole.listeners],
            ("failing channels", red(", ".join(whole.failing))),
            *[(f"queue {one.queue}", red(f"silent since {local_time(one.since, zone)}")) for one in whole.silent],
            *[(f"mailbox {one.address}", _mailbox_words(one)) for one in whole.mailboxes],
        ]
    )
    for delay in whole.delays:
        _print_delay(delay)


def _print_delay(delay: "Delay") -> None:
    waits = (
        f"{delay.mails} {'mail waits' if delay.mails == 1 else 'mails wait'} for"
        if delay.mails
        else "nothing leaves by"
    )
    say()
    say(f"{waits} {delay.channel}{f' ({delay.server})' if delay.server else ''}: {delay.reply}")
    if delay.advice:
        say(f"  {delay.advice}")


def _mailbox_words(one: "MailboxView") -> str:
    if one.state == "failing":
        return red(f"failing: {one.last_error}")
    words = [one.state, f"{one.fetched} fetched", f"{one.waiting} waiting" if one.waiting else ""]
    words.append(f"{len(one.withheld)} not given by the server" if one.withheld else "")
    return ", ".join(word for word in words if word)


def _spark(values: list[int]) -> str:
    """A line of small bars; empty when nothing came."""
    highest = max(values, default=0)
    return "".join(_LEVELS[value * (len(_LEVELS) - 1) // highest] for value in values) if highest else ""


def _statistics(desk: Desk, days: int) -> "list[QueueStatistics]":
    from zoneinfo import ZoneInfo

    from storage.statistics import queue_statistics

    with desk.reading() as session:
        return queue_statistics(session, now(), days, ZoneInfo(desk.settings.time_zone))


def _write_report(desk: Desk, path: Path, days: int, as_json: bool) -> None:
    from zoneinfo import ZoneInfo

    from gateway.report import report_page

    statistics = _statistics(desk, days)
    try:
        page = report_page(statistics, now().astimezone(ZoneInfo(desk.settings.time_zone)))
        path.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise Refused(f"Cannot write {path}: {error.strerror}") from error
    if as_json:
        say_json(statistics)
    else:
        say(f"{path}: the last {days} days of {len(statistics)} queues.")


def _whole(desk: Desk) -> Whole:
    from gateway.cli.mailbox_view import view_mailbox
    from gateway.doctor import who_listens
    from outbound.delays import delays
    from storage.channels import ChannelState, list_channels
    from storage.mailboxes import list_mailboxes
    from storage.outbox import DeliveryState
    from storage.outbox_view import count_states
    from storage.overview import count_by_queue, count_waiting
    from storage.silence import silent_queues
    from storage.spool import SpoolState, count_fates

    with desk.reading() as session:
        fates, outgoing = count_fates(session), count_states(session)
        return Whole(
            queues=count_by_queue(session),
            spool={
                "pending": count_waiting(session),
                "held": fates.get(SpoolState.HELD, 0),
                "quarantined": fates.get(SpoolState.QUARANTINED, 0),
            },
            outbox={str(state): outgoing.get(state, 0) for state in DeliveryState},
            listeners=[who_listens(listener) for listener in desk.settings.listener],
            delays=delays(session),
            failing=[channel.name for channel in list_channels(session) if channel.state is ChannelState.FAILING],
            mailboxes=[view_mailbox(session, one) for one in list_mailboxes(session)],
            silent=silent_queues(session),
        )
