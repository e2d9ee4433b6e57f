"""`gateway mail`: mail that came, and what became of it. `inject`, `import`, `read`, `replay` have their own files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import inject, mail_import, read, replay
from gateway.cli.desk import Desk, open_desk
from gateway.cli.mail_story import print_story
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson, Limit, limit_of, word_of
from gateway.cli.printing import local_time, merged, person, say, say_json, table

if TYPE_CHECKING:
    from storage.mail_view import MailRow
    from storage.spool import SpoolState

app = Noun("Mail that came in: what became of it, and why.")
Id = Annotated[str, typer.Argument(metavar="ID", help="The id of a 250 reply; one recipient's row is ID-2, ID-3 ...")]
Anything = Annotated[
    str, typer.Argument(metavar="ID", help="The id of a 250 reply, a message like 12.3 or its number, or a Message-ID.")
]


@dataclass(frozen=True, slots=True)
class MailLine:
    """A mail in a list, with what its header says."""

    id: str
    recipient: str
    from_: str
    subject: str
    received: datetime
    reason: str
    fate: str
    reverse_path: str
    ticket: int | None


app.verb("inject", "gateway mail inject --to support.k2v7@in.desk.example mail.eml")(inject.inject)
app.verb("import", mail_import.EXAMPLE)(mail_import.import_)
app.verb("read", "gateway mail read mail.eml --json")(read.read)
app.verb("replay", "gateway mail replay --since 7d --dry-run")(replay.replay)


@app.verb("why", "gateway mail why 12.3")
def why(ctx: typer.Context, named: Anything, as_json: AsJson = False) -> None:
    """Tell what became of a mail, and every decision on the way."""
    with open_desk(ctx) as desk:
        from storage.mail_view import tell_stories

        with desk.reading() as session:
            stories = tell_stories(session, named)
        if as_json:
            # One mail may have several recipients: the first one's story, and everybody's below `recipients`.
            say_json(merged(stories[0], recipients=stories))
            return
        for place, story in enumerate(stories):
            if place:
                say()
            print_story(story, desk.settings.time_zone)


@app.verb("raw", "gateway mail raw 12.1 > mail.eml")
def raw(
    ctx: typer.Context,
    named: Anything,
    trace: Annotated[
        bool, typer.Option("--trace", help="Below our Received line, which says how it came through the door.")
    ] = False,
) -> None:
    """Write a mail byte for byte as it was received."""
    with open_desk(ctx) as desk:
        from gateway.cli.rawmail import write_raw
        from storage.mail_view import raw_story, trace_of
        from storage.spool import raw_bytes

        with desk.reading() as session:
            story = raw_story(session, named)
            content = raw_bytes(session, desk.blobs, story.sha256)
        write_raw(trace_of(story, desk.settings.hostname) + content if trace else content)


@app.verb("list", "gateway mail list --fate ignored")
def list_(
    ctx: typer.Context,
    fate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FATE", help="filed, ignored, held, duplicate, loop, report, setup, quarantined, received."
        ),
    ] = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List mail, the newest first; all of it, or that of one fate."""
    with open_desk(ctx) as desk:
        from storage.spool import SpoolState

        states = [word_of(SpoolState, word, "--fate") for word in fate or []] or list(SpoolState)
        _list(desk, states, limit_of(limit, as_json), as_json)


@app.verb("held", "gateway mail held")
def held(ctx: typer.Context, limit: Limit = None, as_json: AsJson = False) -> None:
    """List the mail that waits for your decision: release it, or drop it."""
    with open_desk(ctx) as desk:
        from storage.spool import SpoolState

        _list(desk, [SpoolState.HELD], limit_of(limit, as_json), as_json)


def _list(desk: Desk, states: "Sequence[SpoolState]", limit: int, as_json: bool) -> None:
    lines = _lines(desk, states, limit)
    if as_json:
        say_json(lines)
        return
    zone = desk.settings.time_zone
    table(
        ("ID", "RECEIVED", "FROM", "SUBJECT", "TO", "FATE", "REASON"),
        [(x.id, local_time(x.received, zone), x.from_, x.subject, x.recipient, x.fate, x.reason) for x in lines],
        empty="No such mail.",
    )


def _lines(desk: Desk, states: "Sequence[SpoolState]", limit: int) -> list[MailLine]:
    from gateway.cli.head import read_head
    from storage.mail_view import mail_rows
    from storage.spool import raw_bytes

    lines = []
    with desk.reading() as session:
        for row in mail_rows(session, states, limit):
            head = read_head(partial(raw_bytes, session, desk.blobs, row.sha256))
            lines.append(_line(row, person(head.name, head.email), head.subject))
    return lines


def _line(row: "MailRow", from_: str, subject: str) -> MailLine:
    return MailLine(
        id=row.id,
        recipient=row.recipient,
        from_=from_,
        subject=subject,
        received=row.received,
        reason=row.reason,
        fate=row.state,
        reverse_path=row.reverse_path,
        ticket=row.ticket,
    )


@app.verb("release", "gateway mail release 0dk3v8q2c1a5m7n9")
def release(ctx: typer.Context, id_: Id, as_json: AsJson = False) -> None:
    """Let a held mail go on; only the check that stopped it is passed over."""
    _decide(ctx, id_, "release", as_json)


@app.verb("drop", "gateway mail drop 0dk3v8q2c1a5m7n9")
def drop(ctx: typer.Context, id_: Id, as_json: AsJson = False) -> None:
    """Decide that a held mail makes no ticket; it stays readable."""
    _decide(ctx, id_, "drop", as_json)


def _decide(ctx: typer.Context, id_: str, how: str, as_json: bool) -> None:
    with open_desk(ctx) as desk:
        from storage import spool
        from storage.mail_view import tell_stories
        from storage.waking import wake

        with desk.writing() as session:
            rows = spool.find_rows(session, id_)
            waiting = [row for row in rows if row.state in (spool.SpoolState.HELD, spool.SpoolState.QUARANTINED)]
            # Where nothing waits, the verb of the floor below says why it cannot be.
            for row in waiting or rows[:1]:
                if how == "release":
                    spool.release(session, row)
                else:
                    spool.drop(session, row, desk.actor(session))
            changed = [row.id for row in waiting or rows[:1]]
        wake(desk.settings.data_dir, "intake")
        with desk.reading() as session:
            stories = [story for story in tell_stories(session, id_) if story.id in changed]
        if as_json:
            say_json(stories)
            return
        for story in stories:
            say(f"{story.id} to {story.recipient} is {'dropped' if how == 'drop' else 'released'}.")
