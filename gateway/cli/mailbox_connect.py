"""Connect an inbox: try both directions, then store the mailbox, its channel and what its queue does from now on."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from config.clock import now
from config.errors import AskedWrongly, Refused
from config.secrets import Seal
from gateway.cli.account_sign_in import accounts_of, sign_in_to
from gateway.cli.channel_way import new_channel
from gateway.cli.desk import Desk
from gateway.cli.mailbox_view import try_account
from gateway.mailbox.account import Account
from gateway.mailbox.keys import token_source
from outbound.doors import Door
from outbound.envelope import Server
from outbound.probe import probe
from outbound.tokens import Purpose, check_registration
from storage.accounts import Grant, account_for, account_of_user
from storage.address import canonical_address, domain_of
from storage.channels import PRESETS, Channel, ChannelKind, add_channel, list_channels
from storage.mailboxes import Mailbox, MailboxKind, add_mailbox, check_mailbox
from storage.queues import Queue, ReplyTo, find_queue

_HOSTS = {MailboxKind.GMAIL: "imap.gmail.com", MailboxKind.OFFICE365: "outlook.office365.com"}
_CHANNELS = {
    MailboxKind.IMAP: ChannelKind.SMTP,
    MailboxKind.GMAIL: ChannelKind.GMAIL,
    MailboxKind.OFFICE365: ChannelKind.OFFICE365,
}
_DAYS = re.compile(r"(\d{1,5})\s*(?:d|days?)?")
# Outlook.com, hotmail.co.uk, live.fr and the like.
_PERSONAL = re.compile(r"(outlook|hotmail|live|msn|windowslive|passport)\.[a-z.]{2,6}")


# What else can be done when SMTP does not work: with a password, and with a token.
_OTHER_WAYS = (
    "Name the server with --smtp-host, --smtp-port and --smtp-security, or say --receive-only",
    "Or say --receive-only, and let answers leave by a channel with --kind office365 --via graph",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to connect. `smtp`: host (None: guessed), port and security; None: receive only."""

    kind: MailboxKind
    address: str
    queue: str
    since: datetime | None
    ask_password: Callable[[], str]  # only when all else fits: nobody types it for nothing
    smtp: tuple[str | None, int, str] | None
    grant: Grant | None = None  # of kind office365; None: as the account has it, else by a person


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
    _check_smtp(wanted)
    # Nothing is stored by this: who cannot be connected should not hear it after he has signed in.
    with desk.reading() as session:
        find_queue(session, wanted.queue)
        check_mailbox(session, mailbox)
    if wanted.kind is MailboxKind.OFFICE365:
        mailbox.account_id = _signed_in(desk, mailbox, wanted.grant)
    password = wanted.ask_password()
    server = _server(mailbox, wanted, password)
    _try(desk, mailbox, password, server)
    with desk.writing() as session:
        queue = find_queue(session, wanted.queue)
        mailbox.queue_id = queue.number
        add_mailbox(session, mailbox)
        seal = Seal(desk.settings.key_file)
        if password:
            mailbox.secret = seal.close(password, mailbox.secret_purpose)
        if server:
            channel = _channel(session, mailbox, server)
            if password:
                channel.secret = seal.close(password, channel.secret_purpose)
            session.add(channel)
            mailbox.channel_id = queue.answer_via = channel.number
            _answer_there(session, queue)
        session.add(mailbox)
        session.flush()
        return mailbox.number


def _signed_in(desk: Desk, mailbox: Mailbox, grant: Grant | None) -> int:
    """The account, signed in. It is kept when a direction fails: nobody needs to sign in for the next try."""
    user = canonical_address(mailbox.user)
    if user is None:
        raise AskedWrongly(f"--user: {mailbox.user!r} is no mail address")
    if _PERSONAL.fullmatch(domain_of(user)):
        raise Refused(
            f"{user} is a personal Microsoft account, which lets no program in: forward it instead "
            "(`gateway queue setup NAME --provider outlook`)"
        )
    with desk.writing() as session:
        before = account_of_user(session, user)
        chosen = grant or (before.grant if before else Grant.DEVICE)
        check_registration(desk.settings.office365, chosen)
        account_id = account_for(session, user, chosen).number
    if not accounts_of(desk).is_signed_in(account_id, Purpose.IMAP):
        sign_in_to(desk, account_id, Purpose.IMAP)
    return account_id


def _mailbox(desk: Desk, wanted: Wanted, apply: Callable[[Mailbox], None]) -> Mailbox:
    address = canonical_address(wanted.address)
    if address is None:
        raise AskedWrongly(f"{wanted.address!r} is no mail address")
    host = _HOSTS.get(wanted.kind, "")
    mailbox = Mailbox(address=address, queue_id=0, kind=wanted.kind, host=host, user=address, since=wanted.since)
    apply(mailbox)
    if mailbox.security == "starttls" and mailbox.port == 993:
        mailbox.port = 143
    return mailbox


def _check_smtp(wanted: Wanted) -> None:
    if wanted.smtp and wanted.smtp[2] not in ("starttls", "tls", "none"):
        raise AskedWrongly(f"--smtp-security: {wanted.smtp[2]!r} is none of starttls, tls, none")


def _server(mailbox: Mailbox, wanted: Wanted, password: str) -> Server | None:
    """The way out: named, or guessed from the way in."""
    if wanted.smtp is None:
        return None
    named, port, security = wanted.smtp
    guessed = PRESETS[_CHANNELS[wanted.kind]].host or re.sub(r"^imaps?\.", "smtp.", mailbox.host)
    return Server(named or guessed, port, security, mailbox.user, password, mailbox.account_id)


def _try(desk: Desk, mailbox: Mailbox, password: str, server: Server | None) -> None:
    account = Account(
        host=mailbox.host,
        port=mailbox.port,
        security=mailbox.security,
        user=mailbox.user,
        password=password,
        folder=mailbox.folder,
        timeout_seconds=desk.settings.mailboxes.timeout_seconds,
        token=token_source(accounts_of(desk), mailbox.account_id) if mailbox.account_id is not None else None,
    )
    tried = try_account(mailbox.address, account)
    if not tried.ok:
        raise Refused(f"Nothing was stored. IMAP: {tried.reply}" + (f": {tried.advice}" if tried.advice else ""))
    if server is None:
        return
    [found] = probe(desk.settings, Door(servers=(server,)), accounts_of(desk))
    if not found.ok:
        raise Refused(
            f"Nothing was stored. IMAP works; SMTP at {found.server} does not: {found.advice or found.reply}. "
            f"{_OTHER_WAYS[mailbox.account_id is not None]}"
        )


def _channel(session: Session, mailbox: Mailbox, server: Server) -> Channel:
    """A channel that sends as this address: the one that is there, else a new one."""
    found = next((one for one in list_channels(session) if one.from_address == mailbox.address), None)
    channel = found or add_channel(session, _new_channel(mailbox))
    channel.host, channel.port, channel.security, channel.user = server.host, server.port, server.security, server.user
    channel.kind, channel.account_id = _CHANNELS[mailbox.kind], mailbox.account_id
    return channel


def _new_channel(mailbox: Mailbox) -> Channel:
    channel = new_channel(mailbox.address, _CHANNELS[mailbox.kind])
    channel.from_address = mailbox.address
    return channel


def _answer_there(session: Session, queue: Queue) -> None:
    # A gateway without an MX record cannot be written to: customers answer to the inbox.
    queue.reply_to = ReplyTo.INBOX
    session.add(queue)
