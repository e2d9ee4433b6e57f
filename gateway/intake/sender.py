"""Who wrote a mail: the author that stands behind forwarders, lists and forms, or inside a hand-made forward.

The reverse-path belongs to whoever passed the mail on and never says who wrote it; it is asked only when the
header names nobody.
"""

import re
from dataclasses import dataclass, replace

from gateway.intake.agent_words import agent_words
from gateway.intake.desk import Desk
from gateway.intake.forwarding import original_sender
from gateway.intake.lists import list_author
from gateway.intake.subject import without_prefixes
from gateway.reading.mail import Kind, Mail, Person
from storage.address import canonical_address
from storage.queues import Forwards, Queue

_NOBODY = re.compile(r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply)@")


@dataclass(frozen=True, slots=True)
class Writer:
    """The author of a mail: canonical address (or empty), as he spells himself, what to flag, and the mail to file."""

    address: str
    person: Person
    mail: Mail
    flags: tuple[str, ...] = ()
    note: str = ""
    is_proven: bool = False  # he is who he says; an agent's proof covers the customer whose mail he forwards
    is_hearsay: bool = False  # somebody else sent it and says so: what is known of the sender says nothing of him
    is_vouched: bool = True  # False: a strange list or an unproved forwarder says it, and may say it of anybody


def written_by(mail: Mail, reverse_path: str, queue: Queue, desk: Desk, *, is_proven: bool) -> Writer:
    """Who wrote it. `is_proven`: the domain in From has really sent it."""
    address = canonical_address(mail.author.email) or ""
    if not address:
        address = canonical_address(original_sender(reverse_path)) or ""
        return Writer(address, Person(mail.author.name, address), mail, ("no-author",))
    if is_proven and address in desk.agents and desk.office.settings.intake.agents_by_mail:
        named, mail = _by_command(mail, address, desk)
        if named:
            return named
    found = _behind_form(mail, address, queue, desk) or _behind_list(mail, desk)
    found = found or _inner(mail, address, queue, desk, is_proven=is_proven)
    return found or Writer(address, mail.author, mail, is_proven=is_proven)


def _behind_form(mail: Mail, outer: str, queue: Queue, desk: Desk) -> Writer | None:
    """The person who filled in a form: Reply-To, believed of the senders that the queue lists and of nobody else."""
    if outer not in queue.form_senders or not mail.reply_to:
        return None
    person = mail.reply_to[0]
    address = canonical_address(person.email) or ""
    if not address or address == outer or desk.is_ours(address):
        return None
    # The form is a machine; a person wrote what it sends.
    if mail.kind in (Kind.AUTO_GENERATED, Kind.BULK):
        mail = replace(mail, kind=Kind.HUMAN, kind_reason=f"written in the form of {outer}")
    why = f"Reply-To of the form sender {outer}"
    # Anybody may write anybody's address into a form: it opens tickets, and takes part in none.
    return Writer(address, person, mail, ("form-sender",), why, is_hearsay=True, is_vouched=False)


def _behind_list(mail: Mail, desk: Desk) -> Writer | None:
    """The author whose address a mailing list replaced in From by its own."""
    person = list_author(mail, desk)
    if person is None:
        return None
    is_known = canonical_address(mail.author.email) in desk.confirmed_inboxes
    return Writer(
        canonical_address(person.email) or "",
        person,
        mail,
        ("behind-list",),
        f"the list {mail.author.email} stands in From",
        is_hearsay=True,
        is_vouched=is_known,
    )


def _by_command(mail: Mail, agent: str, desk: Desk) -> tuple[Writer | None, Mail]:
    """The customer whom an agent names with `@fwd EMAIL`, and the mail without that line."""
    inner = mail.forwarded
    words = agent_words(inner.note if inner else mail.text)
    if not words.is_forward:
        return None, mail
    if inner:
        mail = replace(mail, forwarded=replace(inner, note=words.text))
    else:
        mail = replace(mail, text=words.text, reply_text=agent_words(mail.reply_text).text)
    address = canonical_address(words.customer) or ""
    if not address or _is_no_customer(address, desk):
        return None, mail
    person = inner.author if inner and canonical_address(inner.author.email) == address else Person("", words.customer)
    read = replace(_as_written(mail), author=person, subject=without_prefixes(mail.subject))
    return Writer(address, person, read, ("forwarded-by-hand",), f"named by {agent}", is_proven=True), mail


def _is_no_customer(address: str, desk: Desk) -> bool:
    """Ours, an agent's, or nobody's."""
    return desk.is_ours(address) or address in desk.agents or is_nobody(address)


def _inner(mail: Mail, outer: str, queue: Queue, desk: Desk, *, is_proven: bool) -> Writer | None:
    """The writer of a mail that somebody forwarded by hand, where the queue believes that person."""
    inner = mail.forwarded
    if inner is None or queue.forwards is Forwards.OFF:
        return None
    is_by_agent = outer in desk.agents
    if queue.forwards is Forwards.AGENTS and not is_by_agent:
        return None
    if queue.forwards is Forwards.AGENTS and not is_proven:
        # An agent's From alone proves nothing: the ticket is his until he says whose it is.
        return Writer(outer, mail.author, mail, ("forward-unproved",))
    address = canonical_address(inner.author.email) or ""
    if not address or _is_no_customer(address, desk):
        return None
    # Anybody else could put an inner sender there whom our acknowledgement would then hit.
    vouched = is_proven and is_by_agent
    return Writer(
        address,
        inner.author,
        _as_written(mail),
        ("forwarded-by-hand",),
        f"forwarded by {outer}",
        is_proven=vouched,
        is_vouched=vouched,
    )


def is_nobody(address: str) -> bool:
    """An address behind which no person sits: never a customer by somebody else's word."""
    return _NOBODY.match(address) is not None


def _as_written(mail: Mail) -> Mail:
    """The outer mail with the subject and text of the inner one, and with the note above them kept."""
    inner = mail.forwarded
    if inner is None:
        return mail
    body = inner.body or mail.text
    text = f"{inner.note}\n\n{body}" if inner.note else body
    ids = (*mail.references, inner.message_id) if inner.message_id else mail.references
    return replace(
        mail,
        author=inner.author,
        subject=inner.subject or without_prefixes(mail.subject),
        text=text,
        reply_text=body,
        cc=(),
        references=ids,  # what the customer writes next may name his own mail only
    )
