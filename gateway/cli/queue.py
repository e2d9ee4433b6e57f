"""`gateway queue`: queues of tickets with their policies. They are the teams, too."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import queue_check, queue_setup
from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson, taking
from gateway.cli.policies import Policies, apply_policies
from gateway.cli.printing import facts, red, say, say_json, table
from gateway.cli.queue_health import troubles_of

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.queues import Queue

app = Noun("Queues of tickets, which are also the teams.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The queue's name, in any case.")]


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue as it is shown."""

    id: int
    name: str
    address: str | None  # the one to use: its newest active one
    addresses: list[str]
    sources: list[str]
    mailboxes: list[str]  # connected ones, whose mail comes here
    troubles: list[str]
    suggested_inboxes: list[str]  # they seem to forward here; `queue set --source` confirms one
    members: list[str]
    display_name: str
    display_name_in_automatic_replies: bool
    from_name: str
    color: str
    template: str
    logo: str
    header: str
    footer: str
    quote_last: bool
    reply_marker: bool
    from_: str
    reply_to: str
    fresh_mail: str
    join_days: int
    reopen_days: int
    late_answers: str
    close_after_days: int
    acknowledge: str | None  # null: as the settings say
    known_contacts_only: bool
    forwards: str
    assignment: str
    form_senders: list[str]
    answer_via: str
    subject_tag: bool
    signature: str
    language: str
    archived: bool


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
        _print(view, as_json)


@app.verb("show", "gateway queue show Support")
def show(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show a queue with its addresses, team and policies."""
    with open_desk(ctx) as desk:
        from storage.queues import find_queue

        with desk.reading() as session:
            view = view_queue(session, find_queue(session, name))
        _print(view, as_json)


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


def view_queue(session: "Session", queue: "Queue") -> QueueView:
    """Everything about a queue."""
    from storage.addresses import AddressState, list_addresses
    from storage.agents import queue_members
    from storage.channels import channel_name
    from storage.mailboxes import mailboxes_of
    from storage.queues import source_inboxes
    from storage.source_inboxes import suggested_inboxes

    active = [a.address for a in list_addresses(session, queue.number) if a.state is AddressState.ACTIVE]
    return QueueView(
        id=queue.number,
        name=queue.name,
        address=active[-1] if active else None,
        addresses=active,
        sources=[inbox.address for inbox in source_inboxes(session, queue.number)],
        mailboxes=[one.address for one in mailboxes_of(session, queue.number)],
        troubles=troubles_of(session, queue),
        suggested_inboxes=[inbox.address for inbox in suggested_inboxes(session, queue.number)],
        members=[agent.email for agent in queue_members(session, queue.number)],
        display_name=queue.display_name,
        display_name_in_automatic_replies=queue.display_name_in_automatic_replies,
        from_name=queue.from_name,
        color=queue.color,
        template=queue.template,
        logo=queue.logo,
        header=queue.mail_header,
        footer=queue.mail_footer,
        quote_last=queue.quote_last,
        reply_marker=queue.reply_marker,
        from_=queue.from_address,
        reply_to=queue.reply_to,
        fresh_mail=queue.fresh_mail,
        join_days=queue.join_days,
        reopen_days=queue.reopen_days,
        late_answers=queue.late_answers,
        close_after_days=queue.close_after_days,
        acknowledge=queue.acknowledge,
        known_contacts_only=queue.known_contacts_only,
        forwards=queue.forwards,
        assignment=queue.assignment,
        form_senders=queue.form_senders,
        answer_via=channel_name(session, queue.answer_via),
        subject_tag=queue.subject_tag,
        signature=queue.signature,
        language=queue.language,
        archived=queue.archived_at is not None,
    )


def _print(view: QueueView, as_json: bool) -> None:
    if as_json:
        say_json(view)
        return
    say(view.name + (" (archived)" if view.archived else ""))
    facts(
        [
            ("addresses", ", ".join(view.addresses)),
            ("source inboxes", ", ".join(view.sources)),
            ("mailboxes", ", ".join(view.mailboxes)),
            ("trouble", red("; ".join(view.troubles))),
            (
                "suggested inboxes",
                ", ".join(view.suggested_inboxes) and f"{', '.join(view.suggested_inboxes)} (confirm: --source)",
            ),
            ("team", ", ".join(view.members)),
            ("display name", view.display_name),
            ("name in From", view.from_name),
            ("from", view.from_),
            ("reply to", view.reply_to),
            ("answer via", view.answer_via),
            ("fresh mail", f"{view.fresh_mail}, within {view.join_days} days"),
            ("acknowledge", view.acknowledge or "as in the settings"),
            ("reopen", f"{view.reopen_days} days" if view.reopen_days else "never"),
            ("late answers", "" if view.late_answers == "new" else "refused"),
            ("close after", f"{view.close_after_days} days" if view.close_after_days else "never"),
            ("known contacts only", "yes" if view.known_contacts_only else ""),
            ("forwards", view.forwards),
            ("new tickets", f"assigned {view.assignment}" if view.assignment != "nobody" else ""),
            ("form senders", ", ".join(view.form_senders)),
            ("subject tag", "yes" if view.subject_tag else ""),
            ("language", view.language),
            ("template", view.template),
            ("color", view.color),
            ("logo", view.logo),
            ("header", view.header.replace("\n", " / ")),
            ("footer", view.footer.replace("\n", " / ")),
            ("quote the last mail", "yes" if view.quote_last else ""),
            ("reply marker", "yes" if view.reply_marker else ""),
            ("signature", view.signature.replace("\n", " / ")),
        ]
    )
