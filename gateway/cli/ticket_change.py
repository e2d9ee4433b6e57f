"""What is done to a ticket without writing to anybody: verbs of `gateway ticket`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AlreadyThere, AskedWrongly, NotFound, Refused
from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson, word_of
from gateway.cli.printing import merged, say, say_json, size, table

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.agents import Agent
    from storage.messages import MessageAttachment
    from storage.tickets import Ticket

Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The ticket's number.")]
_NOBODY = ("nobody", "none", "-")


def assign(
    ctx: typer.Context,
    number: Number,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="An agent, `me` or `nobody`.")],
    as_json: AsJson = False,
) -> None:
    """Make an agent responsible for a ticket."""
    with open_desk(ctx) as desk:
        from storage.agents import find_agent
        from storage.tickets import assign as assign_ticket

        def change(session: "Session", ticket: "Ticket", agent: "Agent") -> None:
            who = None if email in _NOBODY else agent if email == "me" else find_agent(session, email)
            assign_ticket(session, ticket, who.id if who else None, by=agent.email, text=who.email if who else "nobody")

        _change(desk, number, change, as_json)


def status(
    ctx: typer.Context,
    number: Number,
    to: Annotated[str, typer.Argument(metavar="new|open|pending|solved|closed", help="The new status.")],
    as_json: AsJson = False,
) -> None:
    """Set the status of a ticket."""
    with open_desk(ctx) as desk:
        from storage.tickets import Status, set_status

        new = word_of(Status, to, "status")
        _change(desk, number, lambda session, ticket, agent: set_status(session, ticket, new, by=agent.email), as_json)


def revoke(ctx: typer.Context, number: Number, as_json: AsJson = False) -> None:
    """Make the reply addresses and Message-IDs of a ticket worthless, after one has leaked.

    Who takes part still answers into it; anybody else who uses an old one gets a ticket of his own.
    """
    with open_desk(ctx) as desk:
        from storage.tickets import revoke_marks

        _change(desk, number, lambda session, ticket, agent: revoke_marks(session, ticket, by=agent.email), as_json)


def move(
    ctx: typer.Context,
    number: Number,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="Where it belongs.")],
    as_json: AsJson = False,
) -> None:
    """Put a ticket into another queue; mail that belongs to it still finds it."""
    with open_desk(ctx) as desk:
        from storage.queues import find_queue
        from storage.tickets import move_to_queue

        def change(session: "Session", ticket: "Ticket", agent: "Agent") -> None:
            move_to_queue(session, ticket, find_queue(session, queue), by=agent.email)

        _change(desk, number, change, as_json)


def customer(
    ctx: typer.Context,
    number: Number,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="To whom answers go from now on.")],
    as_json: AsJson = False,
) -> None:
    """Make somebody else the customer of a ticket."""
    with open_desk(ctx) as desk:
        from storage.participants import change_customer

        def change(session: "Session", ticket: "Ticket", agent: "Agent") -> None:
            change_customer(session, ticket, email, by=agent.email)

        _change(desk, number, change, as_json)


def participant(
    ctx: typer.Context,
    number: Number,
    action: Annotated[str, typer.Argument(metavar="add|confirm|remove", help="What to do.")],
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Whose address.")],
    name: Annotated[str, typer.Option(help="His name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Copy somebody in, confirm somebody who wrote, or take somebody out."""
    if action not in ("add", "confirm", "remove"):
        raise AskedWrongly(f"{action!r} is none of add, confirm, remove")
    with open_desk(ctx) as desk:
        from storage import participants

        def change(session: "Session", ticket: "Ticket", agent: "Agent") -> None:
            if action == "add":
                participants.add_participant(session, ticket, email, name, by=agent.email)
            elif action == "confirm":
                participants.confirm_participant(session, ticket, email, by=agent.email)
            else:
                participants.remove_participant(session, ticket, email, by=agent.email)

        _change(desk, number, change, as_json)


def _change(desk: Desk, number: int, change: "Callable[[Session, Ticket, Agent], None]", as_json: bool) -> None:
    """Change a ticket in one transaction, and say what it is now."""
    from storage.overview import Wanted, ticket_rows
    from storage.ticket_view import view_ticket
    from storage.tickets import Status, get_ticket

    with desk.writing() as session:
        agent = desk.agent(session)
        change(session, get_ticket(session, number), agent)
    with desk.reading() as session:
        if as_json:
            say_json(view_ticket(session, number))
            return
        [row] = ticket_rows(session, Wanted(list(Status), numbers=[number]), 1)
    who = row.assignee.email if row.assignee else "nobody"
    customer = row.contact.email if row.contact else "no customer"
    say(f"#{number} {row.subject}: {row.status}, {row.queue}, assigned to {who}, customer {customer}")


def attachment(
    ctx: typer.Context,
    named: Annotated[str, typer.Argument(metavar="ID", help="A file's number, or a message like 12.3: all its files.")],
    save: Annotated[Path | None, typer.Option("--save", metavar="PATH", help="A folder, or a new file.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the files of a message, or save them."""
    with open_desk(ctx) as desk:
        files = _files(desk, named)
        paths = _save(desk, files, save) if save else [None] * len(files)
        if as_json:
            from storage.ticket_view import view_attachment

            say_json(
                [merged(view_attachment(f), saved=str(p) if p else None) for f, p in zip(files, paths, strict=True)]
            )
            return
        table(
            ("ID", "FILE", "TYPE", "SIZE", "SAVED"),
            [
                (str(f.id), f.filename, f.content_type, size(f.size), str(p) if p else "")
                for f, p in zip(files, paths, strict=True)
            ],
            empty=f"{named} has no files.",
        )


def _files(desk: Desk, named: str) -> "list[MessageAttachment]":
    from storage.messages import attachments_of, find_message
    from storage.ticket_view import find_attachment

    with desk.reading() as session:
        if named.isascii() and named.isdigit():
            found = find_attachment(session, int(named))
            if found is None:
                raise NotFound(f"There is no attachment {named}: `gateway ticket show N` shows their numbers")
            return [found]
        message = find_message(session, named)
        return attachments_of(session, [message.id]).get(message.id, [])


def _save(desk: Desk, files: "list[MessageAttachment]", to: Path) -> list[Path]:
    if len(files) > 1 and not to.is_dir():
        raise AskedWrongly(f"There are {len(files)} files: name a folder with --save")
    return [_write(desk, file, to / _safe_name(file) if to.is_dir() else to) for file in files]


def _safe_name(file: "MessageAttachment") -> str:
    # The name is data from a stranger: it never chooses a folder, nor a hidden file.
    name = file.filename.replace("/", "_").replace("\\", "_").replace("\x00", "").lstrip(".").strip()
    return name.encode("utf-8", "replace").decode()[:150] or f"attachment-{file.id}"


def _write(desk: Desk, file: "MessageAttachment", path: Path) -> Path:
    content = desk.blobs.get(file.sha256)
    try:
        with path.open("xb") as target:
            target.write(content)
    except FileExistsError:
        raise AlreadyThere(f"{path} is there already: name another file with --save") from None
    except OSError as error:
        raise Refused(f"Cannot write {path}: {error.strerror}") from error
    return path
