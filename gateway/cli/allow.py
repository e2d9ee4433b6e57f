"""`gateway allow`: authors whose mail is never held as a storm."""

import typer

from gateway.cli.desk import open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.patterns import Pattern, PatternView, print_patterns
from gateway.cli.printing import answer

app = Noun("The allow list: authors whose mail is never held as a storm.")


@app.verb("add", "gateway allow add alarms@monitor.example")
def add(ctx: typer.Context, pattern: Pattern, as_json: AsJson = False) -> None:
    """Never hold mail of an author as a storm; what is held of his goes on."""
    with open_desk(ctx) as desk:
        from storage.allowlist import allow
        from storage.storms import release_allowed
        from storage.waking import wake

        with desk.writing() as session:
            made = allow(session, pattern, desk.actor(session))
            released = release_allowed(session)
            view = PatternView(made.pattern, made.by, "added")
        wake(desk.settings.data_dir, "intake")
        more = f" {len(released)} held mails go on." if released else ""
        answer(view, as_json, f"Mail from {view.pattern} is never held as a storm from now on.{more}")


@app.verb("list", "gateway allow list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List who is allowed."""
    with open_desk(ctx) as desk:
        from storage.allowlist import list_allowed

        with desk.reading() as session:
            views = [PatternView(allowed.pattern, allowed.by, "added") for allowed in list_allowed(session)]
        print_patterns(views, as_json, "Nobody is allowed more than others.")


@app.verb("remove", "gateway allow remove alarms@monitor.example")
def remove(ctx: typer.Context, pattern: Pattern, as_json: AsJson = False) -> None:
    """Take a pattern off the list."""
    with open_desk(ctx) as desk:
        from storage.allowlist import disallow

        with desk.writing() as session:
            gone = disallow(session, pattern)
            view = PatternView(gone.pattern, gone.by, "removed")
        answer(view, as_json, f"{view.pattern} is off the allow list.")
