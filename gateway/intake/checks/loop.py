"""Know our own mail when it comes back.

This stops the gateway from answering itself. It does not stop loops between other servers: that is the hop
limit's work. RFC 3834 section 2, RFC 5322 section 3.6.4.
"""

from gateway.intake.case import Case, Verdict
from gateway.intake.desk import Desk
from gateway.intake.reports import REPORTS
from outbound.marks import LOOP_HEADER
from storage.spool import SpoolState


def check(case: Case, desk: Desk) -> Verdict | None:
    """Our Message-ID, or the mark of our automatic mail: it came home by way of `recipient`."""
    marks = desk.office.marks
    way = f"from {case.author or 'nobody'} to {case.claimed.recipient}"
    # Some servers give a report the id of the mail that it is about; we write no reports.
    if case.mail.kind not in REPORTS and marks.read_message_id(case.mail.message_id):
        return Verdict(SpoolState.LOOP, "loop", f"our own mail {case.mail.message_id} came home, {way}")
    if any(marks.is_own_loop(value) for value in case.mail.header_all(LOOP_HEADER)):
        return Verdict(SpoolState.LOOP, "loop", f"our own automatic mail came home, {way}")
    return None
