"""`gateway queue`: queues of tickets with their policies. They are the teams, too."""

from typing import Annotated

import typer

from gateway.cli import queue_check, queue_setup
from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson, taking
from gateway.cli.policies import Policies, apply_policies
from gateway.cli.printing import red, say, say_json, table
from gateway.cli.queue_view import QueueView, print_queue, view_queue

app = Noun("Queues of tickets, which are also the teams.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The queue's name, in any case.")]


app.verb("setup", queue_setup.EXAMPLE)(queue_setup.setup)
app.verb("check", queue_check.EXAMPLE)(queue_check.check)


@app.verb("new", "gateway queue new Support --source support@company.example")
@taking(Policies)
def new(ctx: typer.Context, name: Name, policies: Policies, as_json: AsJson = False) -> None:
    """Make a queue, and a creation address for it."""
    with open_desk(ctx) as desk:
        from storage.addresses import new_address
        from storage.queues import Queue, add_queue

        with desk.writing() as session:
            queue = add_queue(session, Queue(name=name, key=""))
            apply_policies(session, queue, policies, desk.settings.outbound.templates)
            new_address(session, queue, desk.settings.domain)
            view = view_queue(session, queue)
        _print_made(view, as_json)


def _print_made(view: QueueView, as_json: bool) -> None:
    if as_json:
        say_json(view)
        return
    say(f"Queue {view.name} is there. Forward your support inbox to:")
    say(f"  {view.address}")
    if not view.sources:
        say(f"How to do that, step by step: gateway queue setup {_quoted(view.name)}")


def _quoted(name: str) -> str:
    from shlex import quote

    return quote(name)


@app.verb("set", "gateway queue set Support --acknowledge never --reopen-days 30")
@taking(Policies)
def set_(
    ctx: typer.Context,
    name: Name,
    policies: Policies,
    rename: Annotated[str | None, typer.Option("--name", help="A new name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change the policies of a queue; what is not named stays."""
    with open_desk(ctx) as desk:
        from gateway.intake.rules.load import rename_in_rules
        from storage.queues import find_queue, rename_queue

        with desk.writing() as session:
            queue = find_queue(session, name)
            if rename is not None:
                rename_in_rules(session, queue.name, rename)
                rename_queue(session, queue, rename)
            apply_policies(session, queue, policies, desk.settings.outbound.templates)
            view = view_queue(session, queue)
        print_queue(view, as_json)


@app.verb("show", "gateway queue show Support")
def show(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show a queue with its addresses, team and policies."""
    with open_desk(ctx) as desk:
        from storage.queues import find_queue

        with desk.reading() as session:
            view = view_queue(session, find_queue(session, name))
        print_queue(view, as_json)


@app.verb("list", "gateway queue list")
def list_(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Archived ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the queues."""
    with open_desk(ctx) as desk:
        views = _all_views(desk, everything)
        if as_json:
            say_json(views)
            return
        table(
            ("QUEUE", "ADDRESS", "INBOX", "ANSWER VIA", "TEAM", "TROUBLE"),
            [_row(view) for view in views],
            empty="No queue yet: make one with `gateway queue new NAME`",
        )


def _row(view: QueueView) -> tuple[str, ...]:
    inboxes = ", ".join([*view.sources, *(f"{one} (read)" for one in view.mailboxes)])
    return (
        view.name,
        view.address or "",
        inboxes,
        view.answer_via,
        str(len(view.members)),
        red("; ".join(view.troubles)),
    )


def _all_views(desk: Desk, everything: bool) -> list[QueueView]:
    from storage.queues import list_queues

    with desk.reading() as session:
        return [view_queue(session, queue) for queue in list_queues(session, archived=everything)]


@app.verb("archive", 'gateway queue archive "Old brand"')
def archive(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Take a queue out of the lists; its addresses still make tickets."""
    with open_desk(ctx) as desk:
        from storage.queues import archive_queue

        with desk.writing() as session:
            view = view_queue(session, archive_queue(session, name))
        if as_json:
            say_json(view)
        else:
            say(f"Queue {view.name} is archived; mail to its addresses still makes tickets.")
