"""What commands show of a mailbox: its row without the secret, and what a sign-in found."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlmodel import Session

    from gateway.mailbox.account import Account
    from storage.mailboxes import Mailbox


@dataclass(frozen=True, slots=True)
class WithheldView:
    """A mail that the server lists and does not give."""

    uid: int
    since: datetime
    tries: int
    next_try: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class MailboxView:
    """A mailbox as it is shown, without its secret."""

    id: int
    address: str
    queue: str
    kind: str
    host: str
    port: int
    security: str
    user: str
    folder: str
    after: str
    move_to: str
    since: datetime | None
    answer_via: str
    state: str
    last_error: str
    fetched: int
    waiting: int
    last_look: datetime | None
    last_mail: datetime | None
    withheld: list[WithheldView]  # stepped over, and asked for again


@dataclass(frozen=True, slots=True)
class Tried:
    """What a sign-in found."""

    address: str
    ok: bool
    mails: int
    news: str  # idle | poll
    capabilities: list[str]
    reply: str
    advice: str


def view_mailbox(session: "Session", one: "Mailbox") -> MailboxView:
    """A row as it is shown."""
    from storage.channels import channel_name
    from storage.queues import Queue
    from storage.withheld import withheld_mails

    queue = session.get_one(Queue, one.queue_id)
    return MailboxView(
        id=one.number,
        address=one.address,
        queue=queue.name,
        kind=one.kind,
        host=one.host,
        port=one.port,
        security=one.security,
        user=one.user,
        folder=one.folder,
        after=one.after_fetch,
        move_to=one.move_to,
        since=one.since,
        answer_via=channel_name(session, queue.answer_via),
        state=one.state,
        last_error=one.last_error,
        fetched=one.fetched,
        waiting=one.waiting,
        last_look=one.seen_at,
        last_mail=one.last_mail_at,
        withheld=[
            WithheldView(mail.uid, mail.since, mail.tries, mail.next_at, mail.reason)
            for mail in withheld_mails(session, one.number)
        ],
    )


def try_account(address: str, account: "Account") -> Tried:
    """Sign in and open the folder, without changing anything."""
    from gateway.mailbox.account import MailboxTrouble
    from gateway.mailbox.imap import Inbox
    from gateway.mailbox.refusals import plain_sentence

    try:
        with Inbox(account) as inbox:
            place = inbox.open(is_read_only=True)
            capabilities = sorted(inbox.capabilities)
            return Tried(address, True, place.mails, "idle" if inbox.has_idle else "poll", capabilities, "", "")
    except MailboxTrouble as error:
        return Tried(address, False, 0, "", [], str(error), plain_sentence(str(error)))
