"""`gateway ticket attachment`: list the files of messages, or save them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AlreadyThere, AskedWrongly, NotFound, Refused
from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson
from gateway.cli.printing import merged, say_json, size, table

if TYPE_CHECKING:
    from storage.messages import MessageAttachment


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
