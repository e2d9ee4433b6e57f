"""Write to agents what they asked to be told: one mail for all that is due for one of them.

Notices are automatic mail (RFC 3834) with a null return path. They leave through the default servers where there are
any: the way of a ticket may be the very channel that fails. Each carries a token of its own, bound to the agent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlmodel import Session

from config import maillog
from config.clock import now
from config.errors import GatewayError, Refused
from outbound.caps import too_much
from outbound.compose import Letter, Thread
from outbound.guard import why_not
from outbound.marks import Audience, Mark, person_tag
from outbound.post_office import PostOffice
from outbound.routes import keys_of, signed, way_of
from outbound.writing import Person, one_line
from storage.agents import Agent
from storage.database import Database
from storage.ids import new_id
from storage.notices import Notice, due_notices, take_notices
from storage.outbox import NewOutgoing, OutgoingKind, enqueue
from storage.outbox_view import count_sent
from storage.queues import Queue
from storage.tickets import Ticket
from storage.waking import wake

_AT_ONCE = 500
_MAX_LINES = 100
_MAX_EXCERPTS = 20
# More than this in an hour is gathered until the hour is over.
_MAILS_PER_HOUR = 30


@dataclass(frozen=True, slots=True)
class _Parcel:
    """One mail to an agent, composed, and the notices that stand in it."""

    notices: list[Notice]
    mail: NewOutgoing | None  # None: he must not be written to


def send_due_notices(database: Database, office: PostOffice) -> int:
    """Put what is due into the outbox; returns how many mails. Composed before the transaction begins."""
    with database.reading() as session:
        notices = due_notices(session, _AT_ONCE)
        parcels = [_packed(session, office, list(group)) for _, group in groupby(notices, lambda one: one.agent_id)]
    queued = 0
    for parcel in parcels:
        if parcel is None:
            continue
        with database.writing() as session:
            if not take_notices(session, parcel.notices) or parcel.mail is None:
                continue
            enqueue(session, parcel.mail)
        queued += 1
        [to] = parcel.mail.recipients
        maillog.queued(parcel.mail.id, ticket=parcel.mail.ticket_id, kind=OutgoingKind.NOTICE, recipient=to)
    if queued:
        wake(office.settings.data_dir, "relay")
    return queued


def _packed(session: Session, office: PostOffice, notices: list[Notice]) -> _Parcel | None:
    """What is to be done with the notices of one agent; None: they wait. A mail that fails stops no other."""
    try:
        return _parcel(session, office, notices)
    except GatewayError as error:
        maillog.trouble("notices", agent=notices[0].agent_id, error=str(error))
        return _Parcel(notices, None)


def _parcel(session: Session, office: PostOffice, notices: list[Notice]) -> _Parcel | None:
    agent = session.get_one(Agent, notices[0].agent_id)
    if agent.removed_at is not None or why_not(session, office, agent.email, OutgoingKind.NOTICE):
        return _Parcel(notices, None)
    if count_sent(session, OutgoingKind.NOTICE, now() - timedelta(hours=1), agent.email) >= _MAILS_PER_HOUR:
        return None
    tickets = {one.ticket_id: session.get_one(Ticket, one.ticket_id) for one in notices if one.ticket_id}
    only = next(iter(tickets.values())) if len(tickets) == 1 and all(one.ticket_id for one in notices) else None
    if too_much(session, office.settings.outbound, agent.email, only.id if only else None):
        return None
    mark = Mark(Audience.AGENT, only.id if only else 0, new_id(), person_tag(agent.email))
    channel_id, author, sender = _way(session, office, next(iter(tickets.values()), None))
    letter = Letter(
        author=author,
        to=(Person(agent.name, agent.email),),
        subject=_subject(notices, only),
        # What a customer quotes of ours would let a reader of this mail into his ticket.
        text=office.marks.without_marks(_text(notices, tickets)),
        date=now().astimezone(ZoneInfo(office.settings.time_zone)),
        thread=Thread(office.marks.message_id(mark)),
        reply_to=Person(author.name, office.marks.reply_address(mark)) if only else None,
        loop_value=office.marks.loop_value(),
    )
    mail = NewOutgoing(
        id=mark.outgoing_id,
        kind=OutgoingKind.NOTICE,
        header_id=letter.thread.message_id,
        reverse_path=sender,
        content=signed(office, keys_of(session, channel_id, author.email), letter),
        recipients={agent.email: agent.email},
        ticket_id=only.id if only else None,
        channel_id=channel_id,
    )
    return _Parcel(notices, mail)


def _way(session: Session, office: PostOffice, ticket: Ticket | None) -> tuple[int | None, Person, str]:
    """The channel, the From, and the reverse-path."""
    ours = Person(office.settings.company.name or "Tickets", f"postmaster@{office.settings.domain}")
    if ticket is None or office.settings.outbound.servers:
        return None, ours, ""
    try:
        way = way_of(session, office, ticket, session.get_one(Queue, ticket.queue_id))
    except Refused:
        return None, ours, ""
    return (way.channel_id, way.author, way.automatic_sender) if way.channel_id else (None, ours, "")


def _subject(notices: Sequence[Notice], only: Ticket | None) -> str:
    if only:
        return f"#{only.id} {only.subject}: {notices[-1].headline}"
    return notices[0].headline if len(notices) == 1 else f"{len(notices)} things have happened in your tickets"


def _text(notices: Sequence[Notice], tickets: dict[int, Ticket]) -> str:
    shown = notices[:_MAX_LINES]
    parts = [_paragraph(one, tickets, with_excerpt=place < _MAX_EXCERPTS) for place, one in enumerate(shown)]
    if len(notices) > _MAX_LINES:
        parts.append(f"... and {len(notices) - _MAX_LINES} more: gateway ticket list")
    parts.append("-- \nWritten by the ticket gateway. `gateway agent edit YOU --notify ...` says what you are told.")
    return "\n\n".join(parts) + "\n"


def _paragraph(notice: Notice, tickets: dict[int, Ticket], *, with_excerpt: bool) -> str:
    ticket = tickets.get(notice.ticket_id or 0)
    about = f"#{ticket.id} {one_line(ticket.subject, 200)}: " if ticket else ""
    lines = [f"{about}{one_line(notice.headline, 300)}"]
    if with_excerpt and notice.excerpt.strip():
        lines += ["", *(f"    {line}" for line in notice.excerpt.strip().splitlines())]
    if ticket:
        lines += ["", f"gateway show {ticket.id}, gateway reply {ticket.id}"]
    return "\n".join(lines)
