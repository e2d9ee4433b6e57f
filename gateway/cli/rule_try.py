"""`gateway rule test` and `rule add --try`: what rules would do, without doing it."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly, NotFound
from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson
from gateway.cli.printing import say, say_json, table

if TYPE_CHECKING:
    from gateway.intake.rules.decision import ReadRule
    from gateway.intake.rules.past import Bench, Judged
    from storage.rules import Rule


def try_out(
    ctx: typer.Context,
    named: Annotated[str, typer.Argument(metavar="[FILE|ID]", help="A mail as a file, - or one that came.")] = "",
    queue: Annotated[str, typer.Option(metavar="QUEUE", help="The queue that a file would come to.")] = "",
    last: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The last N mails: only what would differ today.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the rules would do with a mail, or with which of the last mails they would do something else."""
    if bool(named) == bool(last):
        raise AskedWrongly("Name a file, a mail that came, or --last N")
    with open_desk(ctx) as desk:
        from gateway.intake.rules.load import load_rules
        from gateway.intake.rules.past import judge_last

        with _bench(desk) as bench:
            rules = load_rules(bench.session)
            if last:
                judged = [one for one in judge_last(bench, rules, last) if one.before != one.after]
                _print_differences(judged, last, as_json)
                return
            found = list(_judge(bench, rules, named, queue))
        if as_json:
            say_json(found)
            return
        for one in found:
            say(f"{one.subject or '(no subject)'}: {one.after or 'no rule is about it'}")


def try_rule(desk: Desk, rule: "Rule", count: int, as_json: bool) -> None:
    """Show for which of the last mails a rule that is not stored would make a difference."""
    from dataclasses import replace

    from gateway.intake.rules.decision import read_rule
    from gateway.intake.rules.load import load_rules
    from gateway.intake.rules.past import judge_last

    with _bench(desk) as bench:
        stored = load_rules(bench.session)
        before = list(judge_last(bench, stored, count))
        after = judge_last(bench, [*stored, read_rule(rule)], count)
        pairs = [replace(new, before=old.after) for old, new in zip(before, after, strict=True)]
    _print_differences([one for one in pairs if one.before != one.after], count, as_json)


@contextmanager
def _bench(desk: Desk) -> "Iterator[Bench]":
    from gateway.intake.rules.past import Bench
    from gateway.reading.bounded import BoundedReader

    with desk.reading() as session, BoundedReader() as reader:
        yield Bench(session, desk.settings, desk.blobs, reader)


def _judge(bench: "Bench", rules: "Sequence[ReadRule]", named: str, queue: str) -> "Iterator[Judged]":
    from gateway.intake.rules.past import judge_file, judge_rows
    from storage.queues import find_queue, list_queues
    from storage.spool import find_rows

    if named != "-" and not Path(named).exists():
        yield from judge_rows(bench, rules, find_rows(bench.session, named))
        return
    if not queue and len(list_queues(bench.session)) != 1:
        raise AskedWrongly("Say with --queue which queue the mail would come to")
    to = find_queue(bench.session, queue) if queue else list_queues(bench.session)[0]
    try:
        raw = sys.stdin.buffer.read() if named == "-" else Path(named).read_bytes()
    except OSError as error:
        raise NotFound(f"{named}: {error.strerror}") from None
    yield judge_file(bench, rules, raw, to)


def _print_differences(judged: "Sequence[Judged]", count: int, as_json: bool) -> None:
    if as_json:
        say_json(judged)
        return
    table(
        ("ID", "FROM", "SUBJECT", "BEFORE", "AFTER"),
        [(one.id, one.author, one.subject, one.before or "nothing", one.after or "nothing") for one in judged],
        empty=f"Nothing would be different for the last {count} mails.",
    )
