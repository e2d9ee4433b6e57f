"""May this mail leave? The lowest layer, asked whenever a mail is queued and again before each attempt.

The block list holds for agents' answers and automatic mail alike; automatic mail has to pass more. How
often somebody may be acknowledged is `outbound.acknowledge`'s question.
"""

import re

from sqlmodel import Session, col, select

from outbound.post_office import PostOffice
from storage.blocklist import why_blocked
from storage.channels import Channel
from storage.outbox import OutgoingKind
from storage.queues import SourceInbox

# Nobody reads there; what comes back from there opens loops (RFC 3834 section 2).
_NOBODY = re.compile(
    r"(?:mailer-?daemon|postmaster|abuse|root|daemon|bounces?|auto-?reply|autoresponder|"
    r"(?:do-?)?not?[-_.]?reply|donot-?reply|no[-_.]?responder|nao-?responda|ne-?pas-?repondre|keine-?antwort)"
    r"(?:[+._-].{0,256})?"
)


def why_not(session: Session, office: PostOffice, recipient: str, kind: OutgoingKind) -> str:
    """Why nothing may be sent to this canonical address; empty when it may."""
    return (
        why_blocked(session, recipient, office.settings.own_domains)
        or _why_channel(session, recipient)
        or (_why_not_automatic(session, recipient) if kind.is_automatic else "")
    )


def _why_channel(session: Session, recipient: str) -> str:
    through = select(Channel.name).where(Channel.from_address == recipient, col(Channel.removed_at).is_(None))
    name = session.exec(through).first()
    return f"{recipient} is the sender of the channel {name}" if name else ""


def _why_not_automatic(session: Session, recipient: str) -> str:
    if _NOBODY.fullmatch(recipient.rpartition("@")[0]):
        return f"nobody reads {recipient}"
    if session.get(SourceInbox, recipient):
        return f"{recipient} seems to forward to us"
    return ""
