"""Ignore mail of people whom an agent has blocked."""

from gateway.intake.case import Case, Verdict
from gateway.intake.desk import Desk
from storage.spool import SpoolState


def check(case: Case, desk: Desk) -> Verdict | None:
    """The author's contact is blocked."""
    person = desk.people.get(case.author)
    if person and person.blocked:
        return Verdict(SpoolState.IGNORED, "blocked", f"the contact {case.author} is blocked")
    return None
