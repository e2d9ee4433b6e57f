"""`gateway mailbox`: inboxes that the gateway reads itself, over IMAP. Connecting sets up both directions."""

from typing import Annotated

import typer

from config.clock import now
from gateway.cli import mailbox_sign_in, mailbox_watch
from gateway.cli.channel_way import read_password
from gateway.cli.desk import open_desk
from gateway.cli.mailbox_view import try_account, view_mailbox
from gateway.cli.mailbox_way import Answering, Reading, apply_reading, password_for
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson, taking, word_of
from gateway.cli.printing import answer, facts, local_time, say, say_json, state_cell, table
from gateway.cli.registration import ask_for_registration

app = Noun("Mailboxes: inboxes that the gateway reads itself, over IMAP.")
Named = Annotated[str, typer.Argument(metavar="ADDRESS", help="The mailbox's address or number.")]
_MOST_DAYS = 36_500


@app.verb("connect", "gateway mailbox connect gmail support@company.example --queue Support --password-stdin")
@taking(Reading, Answering)
def connect(
    ctx: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="office365|gmail|imap",
            help="office365: with a sign-in in the browser; gmail: with an app password.",
        ),
    ],
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The inbox that customers write to.")],
    queue: Annotated[str, typer.Option(help="The queue that its mail goes to.")],
    reading: Reading,
    answering: Answering,
    backlog: Annotated[
        str, typer.Option(metavar="now|DAYS|all", help="Which mail that is there already is fetched.")
    ] = "now",
    sign_in: Annotated[
        str | None,
        typer.Option(
            metavar="device|application",
            help="Of kind office365: a person signs in once, or the registration's own secret. Default: device.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Connect an inbox: its mail becomes tickets of the queue, and answers leave through the same account.

    Both directions are tried first; when one fails, nothing is stored.
    """
    from storage.mailboxes import MailboxKind

    chosen = word_of(MailboxKind, kind, "KIND")
    if chosen is MailboxKind.OFFICE365:
        ask_for_registration(ctx)
    with open_desk(ctx) as desk:
        from gateway.cli import mailbox_connect
        from storage.accounts import Grant

        wanted = mailbox_connect.Wanted(
            kind=chosen,
            address=address,
            queue=queue,
            since=mailbox_connect.since_of(backlog),
            ask_password=lambda: password_for(chosen),
            smtp=answering.smtp,
            grant=word_of(Grant, sign_in, "--sign-in") if sign_in else None,
        )
        number = mailbox_connect.connect(desk, wanted, lambda mailbox: apply_reading(mailbox, reading))
        with desk.reading() as session:
            from storage.mailboxes import Mailbox

            view = view_mailbox(session, session.get_one(Mailbox, number))
    if as_json:
        say_json(view)
        return
    say(f"{view.address} is connected: its mail becomes tickets of queue {view.queue}.")
    say(f"Answers leave via {view.answer_via}. `gateway serve` fetches: gateway mailbox watch {view.address}")


@app.verb("set", "gateway mailbox set support@company.example --after move --move-to Tickets")
@taking(Reading)
def set_(
    ctx: typer.Context,
    named: Named,
    reading: Reading,
    queue: Annotated[str | None, typer.Option(help="Another queue for its mail.")] = None,
    answer_via: Annotated[
        str | None, typer.Option(metavar="CHANNEL", help="The channel of its queue's answers.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a mailbox; what is not named stays."""
    with open_desk(ctx) as desk:
        from config.secrets import Seal
        from storage.channels import channel_id_of
        from storage.mailboxes import find_mailbox
        from storage.queues import Queue, find_queue

        password = read_password(asked=reading.password_stdin)
        with desk.writing() as session:
            mailbox = find_mailbox(session, named)
            apply_reading(mailbox, reading)
            if password:
                mailbox.secret = Seal(desk.settings.key_file).close(password, mailbox.secret_purpose)
            if queue is not None:
                mailbox.queue_id = find_queue(session, queue).number
            if answer_via is not None:
                its_queue = session.get_one(Queue, mailbox.queue_id)
                its_queue.answer_via = channel_id_of(session, answer_via)
                session.add(its_queue)
            session.add(mailbox)
            session.flush()
            view = view_mailbox(session, mailbox)
        answer(view, as_json, f"Mailbox {view.address} is changed.")


@app.verb("list", "gateway mailbox list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the mailboxes, and how they do."""
    with open_desk(ctx) as desk:
        from storage.mailboxes import list_mailboxes

        with desk.reading() as session:
            views = [view_mailbox(session, one) for one in list_mailboxes(session)]
        if as_json:
            say_json(views)
            return
        zone = desk.settings.time_zone
        table(
            ("MAILBOX", "QUEUE", "STATE", "FETCHED", "WAITING", "LAST MAIL", "LAST ERROR"),
            [
                (
                    v.address,
                    v.queue,
                    state_cell(v.state),
                    str(v.fetched),
                    str(v.waiting),
                    local_time(v.last_mail, zone),
                    v.last_error,
                )
                for v in views
            ],
            empty="No mailbox: connect one with `gateway mailbox connect imap ADDRESS --queue QUEUE --host HOST`",
        )


@app.verb("show", "gateway mailbox show support@company.example")
def show(ctx: typer.Context, named: Named, as_json: AsJson = False) -> None:
    """Show a mailbox and how far it was read; its password is never shown."""
    with open_desk(ctx) as desk:
        from storage.mailboxes import find_mailbox

        with desk.reading() as session:
            view = view_mailbox(session, find_mailbox(session, named))
        if as_json:
            say_json(view)
            return
        zone = desk.settings.time_zone
        say(view.address)
        facts(
            [
                ("queue", view.queue),
                ("server", f"{view.host}:{view.port} ({view.security}), {view.folder}"),
                ("user", view.user),
                ("stored mail there", f"{view.after} {view.move_to}".strip()),
                ("older mail", f"since {local_time(view.since, zone)}" if view.since else "all of it"),
                ("answer via", view.answer_via),
                ("state", view.state),
                ("last error", view.last_error),
                ("fetched", str(view.fetched)),
                ("waiting", str(view.waiting)),
                ("last look", local_time(view.last_look, zone)),
                ("last mail", local_time(view.last_mail, zone)),
            ]
        )
        for one in view.withheld:
            say(f"not given: UID {one.uid}, asked for again at {local_time(one.next_try, zone)}: {one.reason}")


@app.verb("test", "gateway mailbox test support@company.example")
def try_(ctx: typer.Context, named: Named, as_json: AsJson = False) -> None:
    """Sign in and look, without fetching anything; exit status 1 when that fails."""
    with open_desk(ctx) as desk:
        from gateway.mailbox.keys import account_of
        from storage.mailboxes import find_mailbox

        with desk.reading() as session:
            mailbox = find_mailbox(session, named)
        tried = try_account(mailbox.address, account_of(desk.settings, desk.database, mailbox))
    if as_json:
        say_json(tried)
    elif tried.ok:
        say(f"ok    {tried.address}: {tried.mails} mails, new ones are known by {tried.news}")
    else:
        say(f"fail  {tried.address}: {tried.advice or tried.reply}")
        facts([("said", tried.reply if tried.advice else "")])
    if not tried.ok:
        raise typer.Exit(1)


@app.verb("enable", "gateway mailbox enable support@company.example")
def enable(ctx: typer.Context, named: Named, as_json: AsJson = False) -> None:
    """Read a mailbox again, from where it was left."""
    _switch(ctx, named, "connected", as_json)


@app.verb("disable", "gateway mailbox disable support@company.example")
def disable(ctx: typer.Context, named: Named, as_json: AsJson = False) -> None:
    """Read a mailbox no more, until it is enabled."""
    _switch(ctx, named, "disabled", as_json)


app.verb("watch", "gateway mailbox watch support@company.example")(mailbox_watch.watch)
app.verb("sign-in", "gateway mailbox sign-in support@company.example")(mailbox_sign_in.sign_in)


def _switch(ctx: typer.Context, named: str, word: str, as_json: bool) -> None:
    with open_desk(ctx) as desk:
        from storage.mailboxes import MailboxState, find_mailbox, set_state

        with desk.writing() as session:
            mailbox = find_mailbox(session, named)
            set_state(session, mailbox, MailboxState(word))
            mailbox.asked_at = now()
            session.flush()
            view = view_mailbox(session, mailbox)
        answer(view, as_json, f"Mailbox {view.address} is {view.state}.")


@app.verb("remove", "gateway mailbox remove support@company.example")
def remove(ctx: typer.Context, named: Named, as_json: AsJson = False) -> None:
    """Forget a mailbox and its password; its tickets stay, and so does its channel."""
    with open_desk(ctx) as desk:
        from storage.mailboxes import find_mailbox, remove_mailbox

        with desk.writing() as session:
            mailbox = find_mailbox(session, named)
            view = view_mailbox(session, mailbox)
            remove_mailbox(session, mailbox)
        words = f"Mailbox {view.address} is removed. "
        if view.answer_via != "default":
            words += f"Its queue still answers via {view.answer_via}: see `gateway channel list`."
        answer(view, as_json, words)
