"""`gateway mail import`: mail of the past, from files into a queue.

It takes the way of all mail (spool, intake, ticket), so it is threaded and can be explained; but nobody is
acknowledged, and it is no storm. What is there already is known by its bytes: given again, the command goes on where
it was ended.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import Refused
from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson
from gateway.cli.printing import complain, say, say_json
from gateway.cli.progress import progress

if TYPE_CHECKING:
    from gateway.mailbox.archive import Kept

EXAMPLE = "gateway mail import archive.mbox --queue Support"
_BATCH = 100
_BATCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import."""

    queue: str
    address: str
    found: int
    imported: int
    known: int  # were here already
    skipped: list[str]  # larger than limits.message_bytes


def import_(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="An mbox, a maildir, a folder of .eml files, or one.")],
    queue: Annotated[str, typer.Option(help="The queue that its tickets go to.")],
    as_json: AsJson = False,
) -> None:
    """Import mail from files into a queue: the oldest first, in threads, each mail once.

    Nobody is acknowledged. It can be ended and given again. Exit status 1 when a mail was too large.
    """
    with open_desk(ctx) as desk:
        from gateway.mailbox.archive import find_mails

        name, address = _address(desk, queue)
        mails = find_mails(path)
        with progress("importing", len(mails), is_quiet=as_json) as show:
            imported, known, skipped = _take(desk, mails, address, show)
    made = Imported(name, address, len(mails), imported, known, skipped)
    if as_json:
        say_json(made)
    else:
        say(f"{made.imported} mails are imported into queue {made.queue}, {made.known} were here already.")
        for one in skipped:
            complain(f"too large: {one}: limits.message_bytes allows {desk.settings.limits.message_bytes:,}")
    if skipped:
        raise typer.Exit(1)


def _address(desk: Desk, queue: str) -> tuple[str, str]:
    """The queue's first creation address: always the same one, so that a second import knows the mails of the first."""
    from storage.addresses import list_addresses
    from storage.queues import find_queue

    with desk.reading() as session:
        found = find_queue(session, queue)
        addresses = list_addresses(session, found.number)
    if not addresses:
        raise Refused(f"Queue {found.name} has no address: make one with `gateway address new '{found.name}'`")
    return found.name, addresses[0].address


def _take(
    desk: Desk, mails: "Sequence[Kept]", address: str, show: Callable[[int, int], None]
) -> tuple[int, int, list[str]]:
    limit = desk.settings.limits.message_bytes
    small = [mail for mail in mails if not limit or mail.size <= limit]
    skipped = [mail.name for mail in mails if limit and mail.size > limit]
    imported = done = 0
    for batch in _batches(small):
        imported += _accept(desk, batch, address)
        done += len(batch)
        show(done, len(small))
    return imported, len(small) - imported, skipped


def _batches(mails: "Sequence[Kept]") -> "Iterator[list[Kept]]":
    batch: list[Kept] = []
    size = 0
    for mail in mails:
        if batch and (len(batch) >= _BATCH or size + mail.size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(mail)
        size += mail.size
    if batch:
        yield batch


def _accept(desk: Desk, batch: "Sequence[Kept]", address: str) -> int:
    """Store mails in one transaction; returns how many of them are new."""
    from hashlib import sha256

    from config.clock import now
    from gateway.reading.envelope import reverse_path_of
    from storage import spool
    from storage.accepting import accept
    from storage.arrivals import as_blob
    from storage.waking import wake

    blobs = desk.blobs
    arrivals = []
    for mail in batch:
        content = mail.content()
        arrival = spool.Arrival(
            reverse_path=reverse_path_of(content),
            recipients=(address,),
            sha256=sha256(content).hexdigest(),
            size=len(content),
            content=content,
            received_at=min(mail.date, now()),
            protocol="import",
        )
        arrivals.append(as_blob(blobs, arrival))
    with desk.database.writing_connection() as connection:
        before = spool.known_digests(connection, address, [arrival.sha256 for arrival in arrivals])
        ids = accept(connection, arrivals)
        spool.waive(connection, ids, spool.OLD_MAIL_PASSES)
    wake(desk.settings.data_dir, "intake")
    return len({arrival.sha256 for arrival in arrivals} - before)
