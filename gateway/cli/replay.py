"""`gateway mail replay`: read stored mail anew, and show what a better reader finds."""

from collections.abc import Iterator
from difflib import unified_diff
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly
from gateway.cli.desk import Desk, open_desk
from gateway.cli.moment import moment_of
from gateway.cli.options import AsJson
from gateway.cli.printing import say, say_json

if TYPE_CHECKING:
    from gateway.intake.replay import Change, Replayed

_AT_ONCE = 20
_SHORT = 100


def replay(
    ctx: typer.Context,
    named: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Ids of 250 replies, messages like 12.3, or Message-IDs."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="All mail since 2026-11-01, 2026-11-01T10:00, or 30m, 12h, 7d ago."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read stored mail anew from its raw bytes; print what is read otherwise now, and keep it.

    What the mail says is put right: text, people, files, kind. What was done because of it stays: its ticket, status,
    who takes part, what was sent. A mail in quarantine that can be read now is released.
    """
    if bool(named) == bool(since):
        raise AskedWrongly("Name some mails, or say --since WHEN")
    with open_desk(ctx) as desk:
        found = list(_replayed(desk, named or [], since, dry_run))
        if as_json:
            say_json(
                [{"id": one.id, "message": one.message, "changes": one.changes, "dry_run": dry_run} for one in found]
            )
            return
        for one in found:
            _print(one)
        done = "would change" if dry_run else "changed"
        say(f"{len(found)} {'mail' if len(found) == 1 else 'mails'} {done}.")


def _replayed(desk: Desk, named: list[str], since: str | None, is_dry: bool) -> "Iterator[Replayed]":
    from gateway.intake.replay import Replay
    from outbound.post_office import open_post_office
    from storage.waking import wake

    with desk.reading() as session:
        by = desk.actor(session)
    pages = _since(desk, since) if since else _named(desk, named)
    replay = Replay(desk.settings, desk.database, open_post_office(desk.settings, desk.database))
    try:
        for ids in pages:
            yield from replay.replay(ids, by=by, is_dry=is_dry)
    finally:
        replay.close()
    wake(desk.settings.data_dir, "intake")


def _named(desk: Desk, named: list[str]) -> Iterator[list[str]]:
    from storage.mail_view import filed_rows

    with desk.reading() as session:
        ids = list(dict.fromkeys(id_ for name in named for id_ in filed_rows(session, name)))
    yield from (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _since(desk: Desk, since: str) -> Iterator[list[str]]:
    from storage.ids import first_id
    from storage.mail_view import filed_after

    last = first_id(moment_of(since, desk.settings.time_zone, "--since"))
    while True:
        with desk.reading() as session:
            ids = filed_after(session, last, _AT_ONCE)
        if not ids:
            return
        yield ids
        last = ids[-1]


def _print(one: "Replayed") -> None:
    say(f"{one.message}  {one.id}")
    for change in one.changes:
        for line in _lines(change):
            say(f"  {line}")


def _lines(change: "Change") -> list[str]:
    before, after = _text(change.before), _text(change.after)
    if len(before) <= _SHORT and len(after) <= _SHORT and "\n" not in before + after:
        return [f"{change.field}: {before!r} -> {after!r}"]
    lines = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    # Its first two lines name files, and there are none.
    return [f"{change.field}:", *(f"  {line}" for place, line in enumerate(lines) if place > 1)]


def _text(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(" ".join(one) if isinstance(one, list) else str(one) for one in value)
    return "" if value is None else str(value)
