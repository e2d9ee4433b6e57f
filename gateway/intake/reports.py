"""Reports about mail of ours: delivery reports, read receipts, complaints.

Only a return path or a Message-ID that we signed changes the state of a delivery: a stranger's false report
silences nobody. A report that belongs to no mail of ours makes no ticket. RFC 3464, RFC 8098, RFC 5965.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import select

from gateway.intake.case import Case
from gateway.intake.desk import Desk
from gateway.reading.mail import Kind, ReportedRecipient
from outbound.marks import Mark, person_tag
from outbound.refusals import says_nobody_is_there
from storage.address import canonical_address
from storage.agents import NoticeKind
from storage.messages import Message
from storage.notices import News, tell
from storage.outbox import MOVES, Delivery, DeliveryState, Outcome, Outgoing, prove_sent, record
from storage.outbox_view import deliveries_of_mail, newest_delivery
from storage.suppression import suppress
from storage.tickets import Event, Status, Ticket

REPORTS = (Kind.DSN, Kind.MDN, Kind.COMPLAINT)
_MAX_IDS = 32
_MAX_GUESSED = 20
# RFC 5321 section 4.5.4.1: servers give up after four or five days.
_GUESS_WITHIN = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Reported:
    """The mail of ours that a report speaks of."""

    outgoing: Outgoing
    ticket: Ticket


def reported_mail(case: Case, desk: Desk) -> Reported | None:
    """The mail that a report is about, by the return path, the original's id or the ids that the report names."""
    mark = report_mark(case, desk)
    outgoing = desk.session.get(Outgoing, mark.outgoing_id) if mark else None
    ticket = desk.ticket(outgoing.ticket_id) if outgoing and outgoing.ticket_id else None
    return Reported(outgoing, ticket) if outgoing and ticket else None


def report_mark(case: Case, desk: Desk) -> Mark | None:
    """The mark of the mail that a report is about: in its return path, else among the ids that it names."""
    if case.mark:
        return case.mark
    original = case.mail.report.original_message_id if case.mail.report else ""
    for id_ in (original, *case.mail.in_reply_to[:_MAX_IDS], *case.mail.references[-_MAX_IDS:]):
        mark = desk.office.marks.read_message_id(id_)
        if mark:
            return mark
    return None


def note_guess(case: Case, desk: Desk) -> str:
    """Say on the newest mail's ticket that a report may speak of it: by address and time, so nothing else changes.

    Returns which ticket that is, for the reason of the report's fate.
    """
    failed = [one for one in case.mail.report.recipients if one.action == "failed"] if case.mail.report else []
    addresses = {canonical_address(one.address) or "" for one in failed[:_MAX_GUESSED]} - {""}
    found = newest_delivery(desk.session, sorted(addresses), desk.at - _GUESS_WITHIN) if addresses else None
    ticket = desk.ticket(found[1].ticket_id) if found and found[1].ticket_id else None
    if found is None or ticket is None:
        return ""
    said = next(one for one in failed if canonical_address(one.address) == found[0].recipient)
    what = " ".join(part for part in (said.status, said.diagnostic[:200]) if part)
    desk.add_event(ticket, "report", f"somebody reports, without proof: not delivered to {found[0].recipient}: {what}")
    return f"; perhaps about ticket {ticket.id}"


def apply_report(case: Case, desk: Desk, reported: Reported) -> None:
    """Note what the report says on each delivery; a failure of an agent's answer reopens the ticket."""
    recipients = case.mail.report.recipients if case.mail.report else ()
    deliveries = deliveries_of_mail(desk.session, reported.outgoing.id)
    if case.mail.kind is Kind.COMPLAINT:
        _suppress_complainers(desk, case, deliveries)
    failed = [d.recipient for one in recipients for d in _meant(one, deliveries, case) if _apply(desk, one, d)]
    if not failed:
        return
    case.note("report", "bounced", ", ".join(failed))
    if not reported.outgoing.kind.is_automatic:
        _tell_agents(desk, reported, failed)
    if not reported.outgoing.kind.is_automatic and not _reopened_lately(desk, reported.ticket):
        desk.set_status(reported.ticket, Status.OPEN, f"not delivered to {', '.join(failed)}")
        desk.add_event(reported.ticket, "bounced", f"not delivered to {', '.join(failed)}")


def _meant(one: ReportedRecipient, deliveries: list[Delivery], case: Case) -> list[Delivery]:
    """The deliveries that a report means: by address, by the person in the return path, or the only one."""
    address = canonical_address(one.address)
    named = [delivery for delivery in deliveries if delivery.recipient == address]
    if named or (case.mark and not case.mark.is_bound):
        return named
    if case.mark:
        return [delivery for delivery in deliveries if person_tag(delivery.recipient) == case.mark.person]
    return deliveries if len(deliveries) == 1 else []


def _apply(desk: Desk, one: ReportedRecipient, delivery: Delivery) -> bool:
    if one.action in ("delivered", "relayed", "expanded"):
        prove_sent(desk.session, delivery.outgoing_id, "a delivery report", delivery.recipient)
    if one.action != "failed" or DeliveryState.BOUNCED not in MOVES[delivery.state]:
        return False
    reply = " ".join(part for part in (one.status, one.diagnostic) if part) or "the mail came back"
    record(desk.session, Outcome(delivery.id or 0, DeliveryState.BOUNCED, reply, one.remote_mta))
    if says_nobody_is_there(reply):
        suppress(desk.session, delivery.recipient, reply)
    return True


def _tell_agents(desk: Desk, reported: Reported, failed: list[str]) -> None:
    message = desk.session.get(Message, reported.outgoing.message_id) if reported.outgoing.message_id else None
    also = [message.agent_id] if message and message.agent_id else []
    headline = f"the answer to {', '.join(failed)} came back"
    tell(desk.session, News(NoticeKind.FAILED, headline, also=also), reported.ticket)


def _suppress_complainers(desk: Desk, case: Case, deliveries: list[Delivery]) -> None:
    """Who calls our mail unwanted gets no more by itself; of several recipients only one who is named."""
    named = case.mail.report.recipients if case.mail.report else ()
    meant = {d.recipient for one in named for d in _meant(one, deliveries, case)}
    for address in meant or ({deliveries[0].recipient} if len(deliveries) == 1 else ()):
        suppress(desk.session, address, "the recipient complained that our mail was unwanted")


def _reopened_lately(desk: Desk, ticket: Ticket) -> bool:
    since = desk.at - timedelta(hours=1)
    query = select(Event.id).where(Event.ticket_id == ticket.id, Event.kind == "bounced", Event.at >= since)
    return desk.session.exec(query).first() is not None
