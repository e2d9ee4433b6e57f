"""A ticket as others take it: a page to print, or a mailbox for any mail program. JSON is `ticket show`'s own shape.

The page holds no script and loads nothing; the HTML of mails was made safe when they were read.
"""

import re
from collections.abc import Iterator
from html import escape

from sqlmodel import Session, col, select

from config.errors import GatewayError
from storage.blobs import Blobs
from storage.messages import Message
from storage.outbox import Outgoing
from storage.spool import Spool, raw_bytes
from storage.ticket_view import MessageView, TicketView

_FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)
_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "article{border:1px solid #ccc;border-radius:6px;margin:1rem 0;padding:0 1rem;break-inside:avoid}"
    "article.outbound{background:#f2f7ff}article.note{background:#fff9e5}"
    "header{color:#555;border-bottom:1px solid #ddd}"
    "pre{white-space:pre-wrap;font:inherit}"
)


def ticket_mbox(session: Session, blobs: Blobs, ticket: TicketView) -> Iterator[bytes]:
    """The mails of a ticket in the mboxrd form, as they came and as they left; notes are no mails. RFC 4155."""
    for view in ticket.messages:
        raw = _raw(session, blobs, view)
        if raw is None:
            continue
        # The second word is the sender of the envelope; nobody relies on it.
        yield f"From {_one_word(view.author.email)} {view.filed:%a %b %d %H:%M:%S %Y}\n".encode("ascii", "replace")
        yield _FROM_LINE.sub(rb">\1", raw.replace(b"\r\n", b"\n")).rstrip(b"\n") + b"\n\n"


def _one_word(email: str) -> str:
    return "".join(email.split()) or "MAILER-DAEMON"


def _raw(session: Session, blobs: Blobs, view: MessageView) -> bytes | None:
    if view.direction == "inbound":
        row = session.exec(select(Spool).join(Message, col(Message.spool_id) == Spool.id).where(Message.id == view.id))
        spool = row.first()
        try:
            return raw_bytes(session, blobs, spool.sha256) if spool else None
        except GatewayError:
            return None  # its bytes are gone; the rest of the ticket is not
    return session.exec(select(Outgoing.content).where(Outgoing.message_id == view.id)).first() or None


def ticket_page(ticket: TicketView) -> str:
    """A ticket as one HTML page."""
    customer = f"{ticket.contact.name} <{ticket.contact.email}>" if ticket.contact else "nobody"
    about = f"{ticket.queue}, {ticket.status}, customer {customer}, created {ticket.created:%Y-%m-%d %H:%M} UTC"
    title = escape(f"#{ticket.number} {ticket.subject}")
    messages = "\n".join(_article(message) for message in ticket.messages)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head>\n<body><h1>{title}</h1><p>{escape(about)}</p>\n{messages}\n</body></html>\n"
    )


def _article(message: MessageView) -> str:
    author = escape(f"{message.author.name} <{message.author.email}>".strip())
    to = escape(", ".join(person.email for person in (*message.to, *message.cc)))
    files = "".join(f"<li>{escape(file.filename)} ({file.size:,} bytes)</li>" for file in message.attachments)
    body = message.html if message.html is not None else f"<pre>{escape(message.text)}</pre>"
    return (
        f'<article class="{escape(message.direction)}"><header><p><b>{author}</b> {message.date:%Y-%m-%d %H:%M %z}'
        f" ({escape(message.ref)})<br>to {to}</p></header><div>{body}</div>" + (f"<ul>{files}</ul>" if files else "")
    ) + "</article>"
