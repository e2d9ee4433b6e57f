"""May this mail leave? The lowest layer, asked whenever a mail is queued and again before each attempt.

The block list holds for agents' answers and automatic mail alike; automatic mail has to pass more. How
often somebody may be acknowledged is `outbound.acknowledge`'s question.
"""

import re
from collections.abc import Collection

from sqlmodel import Session, col, select

from outbound.post_office import PostOffice
from storage.blocklist import whys_blocked
from storage.channels import Channel
from storage.outbox import OutgoingKind
from storage.queues import SUGGESTED_AFTER, SourceInbox
from storage.suppression import suppressed

# Nobody reads there; what comes back from there opens loops (RFC 3834 section 2).
_NOBODY = re.compile(
    r"(?:mailer-?daemon|postmaster|abuse|root|daemon|bounces?|auto-?reply|autoresponder|"
    r"(?:do-?)?not?[-_.]?reply|donot-?reply|no[-_.]?responder|nao-?responda|ne-?pas-?repondre|keine-?antwort)"
    r"(?:[+._-].{0,256})?"
)


def why_not(session: Session, office: PostOffice, recipient: str, kind: OutgoingKind) -> str:
    """Why nothing may be sent to this canonical address; empty when it may."""
    return whys_not(session, office, [recipient], kind)[recipient]


def whys_not(session: Session, office: PostOffice, recipients: Collection[str], kind: OutgoingKind) -> dict[str, str]:
    """Why nothing may be sent to each of these canonical addresses; empty where it may."""
    if kind is OutgoingKind.PROBE:
        # The one exemption: signed, one at a time, and it never becomes a ticket. Else nobody could try a forward.
        return dict.fromkeys(recipients, "")
    blocked = whys_blocked(session, recipients, office.settings.own_domains)
    through = select(Channel.from_address, Channel.name).where(
        col(Channel.from_address).in_(recipients), col(Channel.removed_at).is_(None)
    )
    channels = {address: f"{address} is the sender of the channel {name}" for address, name in session.exec(through)}
    automatic = _not_automatic(session, recipients) if kind.is_automatic else {}
    return {one: blocked[one] or channels.get(one) or automatic.get(one, "") for one in recipients}


def _not_automatic(session: Session, recipients: Collection[str]) -> dict[str, str]:
    learnt = select(SourceInbox.address).where(
        col(SourceInbox.address).in_(recipients), SourceInbox.mails >= SUGGESTED_AFTER
    )
    whys = {address: f"{address} seems to forward to us" for address in session.exec(learnt).all()}
    nobody = [one for one in recipients if _NOBODY.fullmatch(one.rpartition("@")[0])]
    whys |= {one: f"{one} refused our mail: {row.reason}" for one, row in suppressed(session, recipients).items()}
    return whys | {one: f"nobody reads {one}" for one in nobody}
