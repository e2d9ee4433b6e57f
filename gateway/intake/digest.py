"""Once a day, tell the managers what waits for a person's decision: held and quarantined mail, with the commands.

Nothing is sent when nothing waits. Who decides is `gateway mail release` and `drop`; this only reminds.
"""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from config.errors import GatewayError
from config.settings import Settings
from gateway.reading.child_process import Unreadable
from gateway.reading.mail import Mail
from storage.agents import Agent, NoticeKind, Role, list_agents
from storage.blobs import Blobs
from storage.installation import note_fact, read_fact
from storage.mail_view import MailRow, count_mails, mail_rows
from storage.notices import News, tell_one
from storage.spool import SpoolState, raw_bytes

_WAITING = (SpoolState.HELD, SpoolState.QUARANTINED)
_FACT = "held-digest"
# What a notice has room for; the rest is counted.
_SHOWN = 10
_MAX_HEADER = 64 * 1024
_MAX_WORDS = 60
_MANAGERS = (Role.MANAGER, Role.ADMIN)


def waiting_mails(session: Session, settings: Settings, at: datetime) -> list[MailRow]:
    """What a digest would show now, the newest first; nothing when today's was written, or nobody is to read it."""
    if settings.intake.held_digest_hour < 0 or not _is_due(session, settings, at) or not _readers(session):
        return []
    return mail_rows(session, _WAITING, _SHOWN)


def headers_of(session: Session, blobs: Blobs, rows: Sequence[MailRow]) -> list[bytes]:
    """The header of each mail: who wrote it and what about stands there. Of one whose bytes are gone, nothing."""
    return [_header(session, blobs, row) for row in rows]


def _header(session: Session, blobs: Blobs, row: MailRow) -> bytes:
    try:
        raw = raw_bytes(session, blobs, row.sha256)
    except GatewayError:
        raw = b""
    return raw[:_MAX_HEADER].partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def write_digest(
    session: Session, settings: Settings, at: datetime, rows: Sequence[MailRow], mails: Sequence[Mail | Unreadable]
) -> bool:
    """Note it for the managers. False when another worker was first; the caller holds the filing lock."""
    if not _is_due(session, settings, at):
        return False
    note_fact(session, _FACT, _today(settings, at))
    count = count_mails(session, _WAITING)
    lines = [line for row, mail in zip(rows, mails, strict=True) for line in _lines(row, mail)]
    if count > len(rows):
        lines.append(f"... and {count - len(rows)} more: gateway mail held, gateway mail list --fate quarantined")
    headline = f"{count} mails wait for your decision" if count > 1 else "A mail waits for your decision"
    for agent in _readers(session):
        tell_one(session, agent, News(NoticeKind.HELD, headline, "\n".join(lines)), None)
    return True


def _is_due(session: Session, settings: Settings, at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(settings.time_zone))
    return local.hour >= settings.intake.held_digest_hour and read_fact(session, _FACT) != _today(settings, at)


def _today(settings: Settings, at: datetime) -> str:
    return at.astimezone(ZoneInfo(settings.time_zone)).date().isoformat()


def _readers(session: Session) -> list[Agent]:
    return [agent for agent in list_agents(session) if agent.role in _MANAGERS or NoticeKind.HELD in agent.hears]


def _lines(row: MailRow, mail: Mail | Unreadable) -> tuple[str, str]:
    head = "unreadable" if isinstance(mail, Unreadable) else f"{mail.author.email}: {mail.subject}"
    about = " ".join(head.split())[:_MAX_WORDS]
    return f"gateway mail release {row.id}", f"    {about} ({row.reason[:_MAX_WORDS]})"
