"""Hold storms of new tickets, so that a robot gone mad costs one look instead of a thousand tickets.

Only mail that would open a ticket is counted, and only by author: one forwarder carries a whole company. What is
held is kept, shown by `gateway mail held`, and goes on with `gateway mail release`; what a storm held goes on by
itself when its author is quiet (`storage.storms`). `gateway allow add` exempts an author.
"""

from gateway.intake.case import Case, Verdict
from gateway.intake.desk import Desk
from gateway.intake.subject import layers, plain_subject
from storage.allowlist import allowed_by
from storage.spool import SpoolState

UNKNOWN = "unknown-contact"


def check_unknown(case: Case, desk: Desk) -> Verdict | None:
    """The queue takes new matters from known contacts only, and from its agents."""
    person = desk.people.get(case.author)
    is_agent = case.author in desk.agents and case.is_author_proven
    is_known = person is not None and person.known and case.is_author_vouched and not case.is_author_denied
    if case.queue.known_contacts_only and not is_agent and not is_known:
        return Verdict(SpoolState.HELD, UNKNOWN, f"the queue wants known contacts, {case.author} is none")
    return None


def check_growing_subject(case: Case, desk: Desk) -> Verdict | None:
    """Two robots have answered each other, and each has put its words before the subject of the other."""
    limit = desk.office.settings.intake.subject_layers
    count = layers(case.mail.subject)
    if not limit or count < limit:
        return None
    return _storm(case, desk, "growing-subject", f"robots have answered {count} times in the subject")


def check_repetition(case: Case, desk: Desk) -> Verdict | None:
    """The same author has sent the same subject or the same content too often within an hour."""
    limit = desk.office.settings.intake.same_mail_per_hour
    person = desk.people.get(case.author)
    # What could not be read shares one subject, and its author is only the forwarder's reverse-path.
    if not limit or person is None or len(person.recent) < limit or "unreadable" in case.flags:
        return None
    subject, key = plain_subject(case.mail.subject), _content(case)
    same = [one for one in person.recent if (key and one[1] == key) or (subject and plain_subject(one[0]) == subject)]
    if len(same) < limit:
        return None
    return _storm(case, desk, "repetition", f"{case.author} sent the same {len(same)} times within an hour")


def check_new_tickets(case: Case, desk: Desk) -> Verdict | None:
    """The same author has opened too many tickets."""
    settings = desk.office.settings.intake
    person = desk.people.get(case.author)
    if not settings.new_tickets_per_sender or person is None or person.opened < settings.new_tickets_per_sender:
        return None
    minutes = settings.new_tickets_window_minutes
    return _storm(case, desk, "flood", f"{case.author} opened {person.opened} tickets within {minutes} minutes")


def _content(case: Case) -> str:
    """The content to compare; of a mail that says all in its subject there is none."""
    return case.content_key if case.mail.text.strip() or case.attachments else ""


def _storm(case: Case, desk: Desk, check: str, reason: str) -> Verdict | None:
    """Held, unless somebody has allowed the author. Both ends are named, so that a loop can be found."""
    pattern = allowed_by(desk.session, case.author)
    if pattern:
        case.note(check, "allowed", f"{reason}; {pattern} is on the allow list")
        return None
    way = f"from {case.author or 'nobody'} to {case.claimed.recipient}"
    return Verdict(SpoolState.HELD, check, f"{reason}, {way}", is_storm=True)
