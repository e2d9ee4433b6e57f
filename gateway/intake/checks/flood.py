"""Hold storms of new tickets, so that a robot gone mad costs one look instead of a thousand tickets.

Only mail that would open a ticket is counted, and only by author: one forwarder carries a whole company. What is
held is kept, shown by `gateway mail held`, and goes on with `gateway mail release`.
"""

from gateway.intake.case import Case, Verdict
from gateway.intake.desk import Desk
from gateway.intake.subject import plain_subject
from storage.spool import SpoolState

UNKNOWN = "unknown-contact"


def check_unknown(case: Case, desk: Desk) -> Verdict | None:
    """The queue takes new matters from known contacts only, and from its agents."""
    person = desk.people.get(case.author)
    is_agent = case.author in desk.agents and case.is_author_proven
    if case.queue.known_contacts_only and not is_agent and not (person and person.known):
        return Verdict(SpoolState.HELD, UNKNOWN, f"the queue wants known contacts, {case.author} is none")
    return None


def check_repetition(case: Case, desk: Desk) -> Verdict | None:
    """The same author has sent the same subject or the same content too often within an hour."""
    limit = desk.office.settings.intake.same_mail_per_hour
    person = desk.people.get(case.author)
    if not limit or person is None or len(person.recent) < limit:
        return None
    subject, key = plain_subject(case.mail.subject), case.content_key
    same = [one for one in person.recent if one[1] == key or (subject and plain_subject(one[0]) == subject)]
    if len(same) < limit:
        return None
    return Verdict(SpoolState.HELD, "repetition", f"{case.author} sent the same {len(same)} times within an hour")


def check_new_tickets(case: Case, desk: Desk) -> Verdict | None:
    """The same author has opened too many tickets."""
    settings = desk.office.settings.intake
    person = desk.people.get(case.author)
    if not settings.new_tickets_per_sender or person is None or person.opened < settings.new_tickets_per_sender:
        return None
    minutes = settings.new_tickets_window_minutes
    return Verdict(SpoolState.HELD, "flood", f"{case.author} opened {person.opened} tickets within {minutes} minutes")
