"""How a mailbox is read: the options of `mailbox connect` and `mailbox set`, checked and put into its row."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly, Refused
from gateway.cli.channel_way import read_password
from gateway.cli.options import word_of

if TYPE_CHECKING:
    from storage.mailboxes import Mailbox, MailboxKind


@dataclass(frozen=True, slots=True)
class Reading:
    """How a mailbox is read. What is given is changed."""

    host: Annotated[str | None, typer.Option(help="The IMAP server.")] = None
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="993 for TLS, 143 for STARTTLS.")] = None
    security: Annotated[str | None, typer.Option(metavar="tls|starttls|none", help="Default: tls.")] = None
    user: Annotated[str | None, typer.Option(help="For signing in; else the address.")] = None
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input; it is stored sealed.")
    ] = False
    folder: Annotated[str | None, typer.Option(help="Where its mail arrives. Default: INBOX.")] = None
    after: Annotated[
        str | None,
        typer.Option(metavar="leave|mark|move|delete", help="What is done there with stored mail. Default: leave."),
    ] = None
    move_to: Annotated[str | None, typer.Option(metavar="FOLDER", help="With --after move; made if missing.")] = None


@dataclass(frozen=True, slots=True)
class Answering:
    """Where the answers to its mail leave."""

    smtp_host: Annotated[str | None, typer.Option(metavar="HOST", help="Where answers leave; else guessed.")] = None
    smtp_port: Annotated[int, typer.Option(min=1, max=65535, help="587 for STARTTLS, 465 for TLS.")] = 587
    smtp_security: Annotated[str, typer.Option(metavar="starttls|tls|none", help="Of that server.")] = "starttls"
    receive_only: Annotated[
        bool, typer.Option("--receive-only", help="Fetch only; answers leave as the queue says.")
    ] = False

    @property
    def smtp(self) -> tuple[str | None, int, str] | None:
        """Host, port and security; None when it only receives."""
        return None if self.receive_only else (self.smtp_host, self.smtp_port, self.smtp_security)


def password_for(kind: "MailboxKind") -> str:
    """The password on standard input, hidden in a terminal, for kinds that have one. Raises AskedWrongly."""
    from storage.mailboxes import MailboxKind

    password = read_password(asked=kind is not MailboxKind.OFFICE365)
    # Google shows it in groups of four.
    return password.replace(" ", "") if kind is MailboxKind.GMAIL else password


def apply_reading(mailbox: "Mailbox", reading: Reading) -> None:
    """Put what was given into the row. Raises AskedWrongly or Refused for what makes no sense."""
    from config.values import LOOPBACK
    from storage.mailboxes import AfterFetch, MailboxKind

    if reading.password_stdin and mailbox.kind is MailboxKind.OFFICE365:
        raise AskedWrongly("Microsoft takes no password from a program: sign in with `gateway mailbox sign-in` instead")
    for column in ("host", "port", "security", "user", "folder", "move_to"):
        value = getattr(reading, column)
        if value is not None:
            setattr(mailbox, column, value)
    if reading.after is not None:
        mailbox.after_fetch = word_of(AfterFetch, reading.after, "--after")
    if mailbox.security not in ("tls", "starttls", "none"):
        raise AskedWrongly(f"--security: {mailbox.security!r} is none of tls, starttls, none")
    if not mailbox.host:
        raise AskedWrongly("--host: name the IMAP server, like imap.company.example")
    if mailbox.security == "none" and mailbox.host not in LOOPBACK:
        raise Refused("--security none would send the password in clear: use tls or starttls")
    if mailbox.after_fetch is AfterFetch.MOVE and not mailbox.move_to:
        raise AskedWrongly("--after move: say where with --move-to FOLDER")
    if mailbox.after_fetch is AfterFetch.MOVE and mailbox.move_to.casefold() == mailbox.folder.casefold():
        raise AskedWrongly("--move-to: that is the folder that is read, so each mail would come again for ever")
