"""Know a mail that the queue has already, whatever way it took.

The same Message-ID with the same text and attachments of the same author is one message. The same id with other content
is somebody else's or an attack (a Message-ID can be guessed and used first), and is filed with a flag.
"""

from gateway.intake.case import Case, Verdict
from gateway.intake.desk import Desk
from gateway.intake.lookups import Known
from storage.messages import reference_key
from storage.spool import SpoolState

OTHER_CONTENT = "same-id-other-content"


def same_id(case: Case, desk: Desk) -> list[Known]:
    """Messages of any queue that have the id of this one."""
    return [known for known in desk.references.get(reference_key(case.mail.message_id), []) if known.is_own]


def check(case: Case, desk: Desk) -> Verdict | None:
    """The same message is in a ticket of this queue, or was, before a person was erased."""
    if case.claimed.sha256 in desk.erased:
        return Verdict(SpoolState.DUPLICATE, "erased", "the same mail was erased")
    for known in same_id(case, desk):
        ticket = desk.ticket(known.ticket_id)
        if ticket and known.content_key == case.content_key and case.queue.number in desk.homes.get(ticket.id, ()):
            return Verdict(SpoolState.DUPLICATE, "duplicate", f"the same message stands in ticket {ticket.id}")
    return None
