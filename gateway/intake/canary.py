"""Watch the forwards of inboxes by themselves: send a test every so many hours, and tell when one does not come home.

The same test as `gateway queue check`. What it finds stands in `gateway doctor` and in the log, and people are told.
"""

from datetime import timedelta

from sqlmodel import Session

from config import maillog
from config.clock import now
from config.errors import Refused
from outbound.forward_check import is_undelivered, note_refusal, send_check
from outbound.post_office import PostOffice
from storage.forward_checks import CheckState, ForwardCheck, check_before, end_check, late_checks, latest_check
from storage.notices import raise_alarm
from storage.queues import Queue, source_inboxes


def watch_forwards(session: Session, office: PostOffice) -> None:
    """Settle the tests that are late, and send those that are due. The caller holds the filing lock."""
    for check in late_checks(session):
        if is_undelivered(session, check):
            note_refusal(session, check)
        else:
            end_check(session, check, CheckState.LOST)
        tell_of_forward(session, check)
    if office.settings.forwarding.canary_hours:
        _send_due(session, office)


def tell_of_forward(session: Session, check: ForwardCheck) -> None:
    """A test has failed: people are told when the one before it had not."""
    maillog.trouble("a forward does not work", inbox=check.inbox, state=check.state, reason=check.refusal)
    before = check_before(session, check)
    if before is None or before.state is CheckState.ARRIVED:
        reason = check.refusal or "A test mail was sent there and did not come home."
        raise_alarm(session, f"mail to {check.inbox} is not forwarded to us any more", reason)


def _send_due(session: Session, office: PostOffice) -> None:
    since = now() - timedelta(hours=office.settings.forwarding.canary_hours)
    for inbox in source_inboxes(session):
        queue = session.get_one(Queue, inbox.queue_id)
        latest = latest_check(session, inbox.address)
        if queue.archived_at is not None or (latest and latest.sent_at > since):
            continue
        try:
            send_check(session, office, queue, inbox.address, channel=None, is_canary=True)
        except Refused as error:
            maillog.trouble("a forward cannot be tested", inbox=inbox.address, reason=str(error))
            return  # there is no server to send through: it is the same for all
