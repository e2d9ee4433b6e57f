"""One mail from its content to its fate: the order of all steps.

kind -> checks -> answers of agents to notices -> reports and confirmations -> follow-up finders -> rules -> checks of
fresh mail -> file. The acknowledgement comes after everything is written (`gateway.intake.batch`).
"""

from collections.abc import Callable

from gateway.intake.assignment import assign_by_policy
from gateway.intake.by_agent import take_answer
from gateway.intake.case import Case, Verdict
from gateway.intake.checks import blocked, duplicate, flood, loop, probe
from gateway.intake.confirmations import keep_confirmation
from gateway.intake.desk import Desk
from gateway.intake.file import file_in_place
from gateway.intake.follow_up import BY_POLICY, find_ticket
from gateway.intake.late import refuse
from gateway.intake.place import Place, find_place
from gateway.intake.reports import REPORTS, apply_report, note_guess, reported_mail
from gateway.intake.rules.apply import ask_rules, change_ticket, place_by, ruled, verdict_of
from gateway.reading.mail import Kind
from storage.outbox import prove_sent
from storage.spool import SpoolState

Check = Callable[[Case, Desk], Verdict | None]

# Of every mail. The loop comes early: nothing of ours may ever be taken for a customer's. Only what is meant to come
# home is asked for before it.
CHECKS: tuple[Check, ...] = (probe.check, loop.check, duplicate.check, blocked.check)
# Of mail that answers nothing, before it opens a ticket.
FRESH_CHECKS: tuple[Check, ...] = (
    flood.check_unknown,
    flood.check_growing_subject,
    flood.check_repetition,
    flood.check_new_tickets,
)


def process(case: Case, desk: Desk) -> Verdict | None:
    """Decide, and prepare what is to be written. None: the mail is filed in a ticket."""
    case.note("kind", case.mail.kind, case.mail.kind_reason)
    case.note("identity", case.authentication.identity, case.authentication.reason)
    for answer, why in case.authentication.details:
        case.note("authenticity", answer, why)
    verdict = _ask(CHECKS, case, desk)
    if verdict:
        _learn_from(verdict, case, desk)
        return verdict
    verdict = take_answer(case, desk)
    if verdict:
        case.note(verdict.check, verdict.state, verdict.reason)
        return verdict
    if case.mail.kind is Kind.CONFIRMATION:
        return keep_confirmation(case, desk)
    if case.mail.kind in REPORTS:
        return _process_report(case, desk)
    return _process_mail(case, desk)


def _ask(checks: tuple[Check, ...], case: Case, desk: Desk) -> Verdict | None:
    for check in checks:
        verdict = check(case, desk)
        if verdict is None:
            continue
        if verdict.check in case.claimed.passed:
            case.note(verdict.check, "waived", f"released: {verdict.reason}")
            continue
        case.note(verdict.check, verdict.state, verdict.reason)
        return verdict
    return None


def _learn_from(verdict: Verdict, case: Case, desk: Desk) -> None:
    mark = desk.office.marks.read_message_id(case.mail.message_id)
    if verdict.state is SpoolState.LOOP and mark:
        prove_sent(desk.session, mark.outgoing_id, "the mail itself, which came home")


def _process_report(case: Case, desk: Desk) -> Verdict | None:
    reported = reported_mail(case, desk)
    if reported is None:
        guess = note_guess(case, desk)
        return Verdict(SpoolState.REPORT, "report", f"a report that cites no mail of ours{guess}")
    apply_report(case, desk, reported)
    file_in_place(case, desk, Place(reported.ticket, "a report about our mail"))
    return None


def _process_mail(case: Case, desk: Desk) -> Verdict | None:
    match = find_ticket(case, desk)
    place = find_place(case, desk, match)
    is_answer = match is not None and match.by != BY_POLICY and place.ticket is not None
    decision = ask_rules(case, desk, is_answer=is_answer)
    verdict = verdict_of(decision)
    if verdict:
        return verdict
    wanted, place = ruled(case, desk, decision), place_by(decision, place, is_answer=is_answer)
    if place.ticket is None:
        verdict = refuse(wanted, desk, place) or _ask(FRESH_CHECKS, wanted, desk)
        if verdict:
            return verdict
    ticket = file_in_place(wanted, desk, place)
    # Whatever a rule says: mail to the address that it came to finds it.
    desk.add_home(ticket, case.queue)
    change_ticket(wanted, desk, ticket, decision)
    if place.ticket is None:
        assign_by_policy(wanted, desk, ticket)
    if flood.UNKNOWN in case.claimed.passed:
        desk.learn(case.author)
    _prove_by_answer(case, desk)
    if place.ticket is None and case.author in desk.people:
        desk.people[case.author].recent.append((case.mail.subject, case.content_key))
    return None


def _prove_by_answer(case: Case, desk: Desk) -> None:
    """Who answers a mail of ours has received it."""
    for id_ in case.mail.in_reply_to[:1]:
        mark = desk.office.marks.read_message_id(id_)
        if mark:
            prove_sent(desk.session, mark.outgoing_id, "an answer to it", case.author)
