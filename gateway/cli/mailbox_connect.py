"""Connect an inbox: try both directions, then store the mailbox, its channel and what its queue does from now on."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from config.clock import now
from config.errors import AskedWrongly, Refused
from config.secrets import Seal
from gateway.cli.desk import Desk
from gateway.cli.mailbox_view import try_account
from gateway.mailbox.account import Account
from outbound.doors import Door
from outbound.envelope import Server
from outbound.probe import probe
from storage.address import canonical_address
from storage.channels import Channel, ChannelKind, add_channel, list_channels
from storage.mailboxes import Mailbox, MailboxKind, add_mailbox
from storage.queues import Queue, ReplyTo, find_queue

_GMAIL = ("imap.gmail.com", "smtp.gmail.com")
_DAYS = re.compile(r"(\d{1,5})\s*(?:d|days?)?")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to connect. `smtp`: host (None: guessed), port and security; None: receive only."""

    kind: MailboxKind
    address: str
    queue: str
    since: datetime | None
    password: str
    smtp: tuple[str | None, int, str] | None


def since_of(backlog: str) -> datetime | None:
    """From when on mail that is there already is fetched; None: all of it."""
    word = backlog.strip().lower()
    if word in ("all", "now"):
        return now() if word == "now" else None
    days = _DAYS.fullmatch(word)
    if days is None:
        raise AskedWrongly(f"--backlog: {backlog!r} is none of now, all, or a number of days")
    return now() - timedelta(days=int(days[1]))


def connect(desk: Desk, wanted: Wanted, apply: Callable[[Mailbox], None]) -> int:
    """Returns the number of the new mailbox. Raises Refused, with what to do, when a direction does not work."""
    mailbox = _mailbox(desk, wanted, apply)
    server = _server(mailbox, wanted)
    # Nothing is stored by this: who cannot be connected should not hear it after he has signed in.
    with desk.reading() as session:
        find_queue(session, wanted.queue)
    _try(desk, mailbox, wanted, server)
    with desk.writing() as session:
        queue = find_queue(session, wanted.queue)
        mailbox.queue_id = queue.number
        add_mailbox(session, mailbox)
        seal = Seal(desk.settings.key_file)
        mailbox.secret = seal.close(wanted.password, mailbox.secret_purpose)
        if server:
            channel = _channel(session, mailbox.address, server)
            channel.secret = seal.close(wanted.password, channel.secret_purpose)
            session.add(channel)
            mailbox.channel_id = queue.answer_via = channel.number
            _answer_there(session, queue)
        session.add(mailbox)
        session.flush()
        return mailbox.number


def _mailbox(desk: Desk, wanted: Wanted, apply: Callable[[Mailbox], None]) -> Mailbox:
    address = canonical_address(wanted.address)
    if address is None:
        raise AskedWrongly(f"{wanted.address!r} is no mail address")
    host = _GMAIL[0] if wanted.kind is MailboxKind.GMAIL else ""
    mailbox = Mailbox(address=address, queue_id=0, kind=wanted.kind, host=host, user=address, since=wanted.since)
    apply(mailbox)
    if mailbox.security == "starttls" and mailbox.port == 993:
        mailbox.port = 143
    return mailbox


def _server(mailbox: Mailbox, wanted: Wanted) -> Server | None:
    """The way out: named, or guessed from the way in."""
    if wanted.smtp is None:
        return None
    named, port, security = wanted.smtp
    guessed = _GMAIL[1] if wanted.kind is MailboxKind.GMAIL else re.sub(r"^imaps?\.", "smtp.", mailbox.host)
    if security not in ("starttls", "tls", "none"):
        raise AskedWrongly(f"--smtp-security: {security!r} is none of starttls, tls, none")
    return Server(named or guessed, port, security, mailbox.user, wanted.password)


def _try(desk: Desk, mailbox: Mailbox, wanted: Wanted, server: Server | None) -> None:
    account = Account(
        host=mailbox.host,
        port=mailbox.port,
        security=mailbox.security,
        user=mailbox.user,
        password=wanted.password,
        folder=mailbox.folder,
        timeout_seconds=desk.settings.mailboxes.timeout_seconds,
    )
    tried = try_account(mailbox.address, account)
    if not tried.ok:
        raise Refused(f"Nothing was stored. IMAP: {tried.reply}" + (f": {tried.advice}" if tried.advice else ""))
    if server is None:
        return
    [found] = probe(desk.settings, Door(servers=(server,)))
    if not found.ok:
        raise Refused(
            f"Nothing was stored. IMAP works; SMTP at {found.server} does not: {found.advice or found.reply}. "
            "Name the server with --smtp-host, --smtp-port and --smtp-security, or say --receive-only"
        )


def _channel(session: Session, address: str, server: Server) -> Channel:
    """A channel that sends as this address: the one that is there, else a new one."""
    found = next((one for one in list_channels(session) if one.from_address == address), None)
    channel = found or add_channel(session, Channel(name=address, key="", kind=ChannelKind.SMTP, from_address=address))
    channel.host, channel.port, channel.security, channel.user = server.host, server.port, server.security, server.user
    return channel


def _answer_there(session: Session, queue: Queue) -> None:
    # A gateway without an MX record cannot be written to: customers answer to the inbox.
    queue.reply_to = ReplyTo.INBOX
    session.add(queue)
