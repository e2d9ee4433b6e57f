"""`gateway mail inject`: take a mail as the listener would, without one. A pipe transport of Postfix or Exim.

The exit status is read by a mail system: 67 (EX_NOUSER) bounces the mail, 75 (EX_TEMPFAIL) keeps it. So all
trouble of our own is 75, whatever it is; a bounce for our fault would lose mail.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly, GatewayError, Refused, TryAgain, UnknownRecipient
from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson
from gateway.cli.printing import say, say_json

if TYPE_CHECKING:
    from config.settings import Settings


def inject(
    ctx: typer.Context,
    to: Annotated[list[str], typer.Option("--to", metavar="ADDRESS", help="A recipient; may be given again.")],
    sender: Annotated[
        str | None,
        typer.Option("--from", metavar="PATH", help='Reverse-path, "<>" for null; else Return-Path, else From.'),
    ] = None,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The mail; else standard input.")] = None,
    as_json: AsJson = False,
) -> None:
    """Accept a mail from a file or standard input, and print its id.

    Exit status 67: no such recipient; 75: try again.
    """
    with _as_pipe_transport():
        content = _content(file)
        with open_desk(ctx) as desk:
            id_ = _accept(desk, content, to, sender)
    if as_json:
        say_json({"id": id_})
    else:
        say(id_)


@contextmanager
def _as_pipe_transport() -> Iterator[None]:
    try:
        yield
    except (AskedWrongly, UnknownRecipient, Refused):
        raise
    except GatewayError as error:
        raise TryAgain(str(error)) from error
    except Exception as error:  # whatever it is, it is ours, and the mail must not bounce
        raise TryAgain(f"{type(error).__name__}: {error}") from error


def _content(file: Path | None) -> bytes:
    if file is None or str(file) == "-":
        content = sys.stdin.buffer.read()
    else:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise AskedWrongly(f"{file}: {error.strerror}") from error
    if not content:
        raise AskedWrongly("The mail is empty")
    from gateway.mailbox.archive import with_crlf

    return with_crlf(content)


def _accept(desk: Desk, content: bytes, to: list[str], sender: str | None) -> str:
    from config.clock import now
    from storage.arrivals import accept_now
    from storage.spool import Arrival
    from storage.waking import wake

    limit = desk.settings.limits.message_bytes
    if limit and len(content) > limit:
        raise Refused(f"The mail has {len(content):,} bytes: limits.message_bytes allows {limit:,}")
    arrival = Arrival(
        reverse_path=_reverse_path(content, sender),
        recipients=tuple(_recipients(desk, to)),
        sha256=sha256(content).hexdigest(),
        size=len(content),
        content=content,
        received_at=now(),
        protocol="inject",
    )
    id_ = accept_now(desk.database, desk.blobs, arrival)
    wake(desk.settings.data_dir, "intake")
    return id_


def _reverse_path(content: bytes, sender: str | None) -> str:
    """The reverse-path, empty for null: as given, else Return-Path, else the address in From."""
    if sender is not None:
        plain = sender.strip().removeprefix("<").removesuffix(">")
        # Postfix writes MAILER-DAEMON for the null reverse-path where `null_sender` says nothing else.
        return "" if plain == "MAILER-DAEMON" else plain
    from gateway.reading.envelope import reverse_path_of

    return reverse_path_of(content)


def _recipients(desk: Desk, to: list[str]) -> list[str]:
    """The canonical recipients. Raises UnknownRecipient unless all of them are ours: then none gets the mail."""
    from outbound.marks import Marks
    from storage.addresses import queue_ids_by_address
    from storage.installation import load_installation

    with desk.reading() as session:
        routed = queue_ids_by_address(session)
        marks = Marks(load_installation(session), desk.settings.own_domains)
    found = [(text, _canonical(text, desk.settings)) for text in to]
    unknown = [
        text
        for text, address in found
        if address not in routed and address != _postmaster(desk.settings) and not marks.read_recipient(address)
    ]
    if unknown:
        raise UnknownRecipient(f"No such address here: {', '.join(unknown)}")
    return [address for _, address in found]


def _canonical(text: str, settings: "Settings") -> str:
    from storage.address import canonical_address, domain_of

    text = text.strip().removeprefix("<").removesuffix(">")
    if text.lower() == "postmaster":
        return _postmaster(settings)
    address = canonical_address(text) or ""
    is_postmaster = address.startswith("postmaster@") and domain_of(address) in settings.own_domains
    return _postmaster(settings) if is_postmaster else address


def _postmaster(settings: "Settings") -> str:
    return f"postmaster@{settings.domain}"
