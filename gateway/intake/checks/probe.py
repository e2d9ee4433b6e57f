"""Know the mail that tests a forward when it comes home, and what servers and machines answer to it.

It carries our loop mark, so this is asked before the loop check. The signed Message-ID is what counts; where a
server on the way has written another, the one in the subject does. A person's answer to it is ordinary mail.
"""

from gateway.intake.canary import tell_of_forward
from gateway.intake.case import Case, Verdict
from gateway.intake.desk import Desk
from gateway.intake.reports import REPORTS, report_mark
from gateway.reading.parse import read_mail
from outbound.forward_check import SUBJECT
from outbound.marks import Audience, Mark
from storage.forward_checks import CheckState, ForwardCheck, end_check
from storage.outbox import Outgoing
from storage.spool import SpoolState

_FIELDS = ("Date", "From", "To", "Subject", "Message-ID", "Reply-To", "Auto-Submitted", "Precedence", "X-Gateway-Loop")
_MAX_REFUSAL = 1000


def check(case: Case, desk: Desk) -> Verdict | None:
    """The test itself, a report about it, or a machine's answer to it."""
    home = _home(case, desk)
    if home:
        return _arrived(case, desk, home)
    if case.mail.kind in REPORTS:
        mark = report_mark(case, desk)
        return _refused(case, desk, mark) if _is_ours(mark) else None
    named = [desk.office.marks.read_message_id(id_) for id_ in case.mail.in_reply_to[:1]]
    if case.is_automatic and any(_is_ours(mark) for mark in (case.mark, *named)):
        return Verdict(SpoolState.SETUP, "probe", "a machine's answer to a test of a forward")
    return None


def _is_ours(mark: Mark | None) -> bool:
    return mark is not None and mark.audience is Audience.PROBE


def _home(case: Case, desk: Desk) -> Mark | None:
    marks = desk.office.marks
    named = [case.mail.message_id]
    if case.mail.subject.startswith(SUBJECT):
        named.append(case.mail.subject.rpartition(" ")[2])
    return next((mark for mark in map(marks.read_message_id, named) if _is_ours(mark)), None)


def _arrived(case: Case, desk: Desk, mark: Mark) -> Verdict:
    found = desk.session.get(ForwardCheck, mark.outgoing_id)
    # A second copy, by another forward or a retry, is no news.
    if found and end_check(desk.session, found, CheckState.ARRIVED):
        found.address = case.claimed.recipient
        found.source_inbox, found.evidence = case.source_inbox, case.trace_answer("source inbox")
        found.dkim, found.arc = case.authentication.dkim, case.authentication.arc
        found.kept, found.changed = _compared(case, desk, mark)
    return Verdict(SpoolState.SETUP, "probe", f"our test of a forward came home to {case.claimed.recipient}")


def _compared(case: Case, desk: Desk, mark: Mark) -> tuple[list[str], list[str]]:
    """Which of our fields came home as we wrote them, and which were lost or rewritten."""
    outgoing = desk.session.get(Outgoing, mark.outgoing_id)
    if outgoing is None:
        return [], []
    sent = read_mail(outgoing.content)
    written = [name for name in _FIELDS if sent.header(name)]
    kept = [name for name in written if sent.header(name) == case.mail.header(name)]
    return kept, [name for name in written if name not in kept]


def _refused(case: Case, desk: Desk, mark: Mark | None) -> Verdict | None:
    failed = [one for one in (case.mail.report.recipients if case.mail.report else ()) if one.action == "failed"]
    found = desk.session.get(ForwardCheck, mark.outgoing_id) if mark and failed else None
    if found and end_check(desk.session, found, CheckState.REFUSED):
        words = [" ".join(part for part in (one.address, one.status, one.diagnostic) if part) for one in failed]
        found.refusal = "; ".join(words)[:_MAX_REFUSAL]
        if found.is_canary:
            tell_of_forward(desk.session, found)
    return Verdict(SpoolState.SETUP, "probe", "a report about a test of a forward")
