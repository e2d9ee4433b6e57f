"""File a batch of read mails in one transaction: every recipient gets its fate, or nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from config.clock import now
from config.errors import NotFound
from gateway.intake.by_agent import is_from_agent
from gateway.intake.case import SEVERAL_FROM, Case, Verdict
from gateway.intake.customer import UNPROVED, outsider
from gateway.intake.desk import Desk, Filed
from gateway.intake.forwarding import Source, source_inbox
from gateway.intake.late import tell_authors
from gateway.intake.news import tell_agents
from gateway.intake.prepare import Ready, same_message_key
from gateway.intake.process import process
from gateway.intake.reports import REPORTS
from gateway.intake.sender import Writer, written_by
from gateway.reading.addresses import parse_mailboxes
from gateway.reading.authenticity import Authentication, Identity
from gateway.reading.mail import Mail
from outbound.acknowledge import acknowledge
from outbound.marks import Mark
from outbound.post_office import PostOffice
from storage.address import canonical_address
from storage.claims import Settled, settle, still_ours
from storage.ids import lock_filing
from storage.message_filing import note_duplicate
from storage.queues import Queue, queue_key
from storage.source_inboxes import count_mails
from storage.spool import SpoolState, move_raw_to_blob
from storage.storms import note_storms
from storage.suppression import end_suppression

_STEP = "acknowledge"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mail, for the log."""

    settled: Settled
    case: Case
    ticket_id: int | None
    by: str


def file_batch(session: Session, office: PostOffice, owner: str, ready: Sequence[Ready]) -> list[Outcome]:
    """File what `owner` still holds; what another worker has taken over meanwhile is left alone.

    From here to the end of the transaction no other worker files anything.
    """
    lock_filing(session)
    ours = still_ours(session, owner, [one.claimed.id for one in ready])
    mine = [one for one in ready if one.claimed.id in ours]
    office.marks.renew(session)
    desk = Desk(session, office, now(), len(mine))
    desk.fetch_addresses(one.claimed.recipient for one in mine)
    cases = [open_case(one, desk) for one in mine]
    desk.fetch(cases)
    verdicts = [process(case, desk) for case in cases]
    desk.save()
    _count_inboxes(desk, cases, verdicts)
    _believe_authors(desk)
    _acknowledge(desk)
    tell_authors(desk)
    tell_agents(desk)
    outcomes = _outcomes(mine, cases, verdicts, desk)
    for outcome in outcomes:
        _note_other_way(desk, outcome)
    settle(session, owner, [outcome.settled for outcome in outcomes])
    note_storms(session, {outcome.settled.storm_of for outcome in outcomes} - {""}, desk.at)
    move_raw_to_blob(session, [one.claimed.sha256 for one in mine if one.moves_to_blob])
    return outcomes


def open_case(ready: Ready, desk: Desk) -> Case:
    """What the envelope says about a mail: its queue, and the mark in a signed address."""
    claimed = ready.claimed
    mark = desk.office.marks.read_recipient(claimed.recipient)
    address = desk.addresses.get(claimed.recipient)
    ticket = desk.ticket(desk.leads_to(mark)) if mark else None
    queue_id = address.queue_id if address else desk.mailboxes.get(claimed.recipient)
    if queue_id is not None:
        queue = desk.queues[queue_id]
    else:
        queue = desk.queues[ticket.queue_id] if ticket else _postmaster_queue(desk)
    writer = _writer(ready, mark, queue, desk)
    source = source_inbox(ready.mail, claimed.reverse_path, desk.confirmed_inboxes, desk.office.settings.own_domains)
    if claimed.recipient in desk.mailboxes:
        source = Source(claimed.recipient, "the mailbox that it was fetched from")
    customer = outsider(writer, source.address, desk)
    case = Case(
        claimed=claimed,
        mail=writer.mail,
        queue=queue,
        address_id=address.id if address else None,
        mark=mark,
        author=writer.address,
        writer=writer.person,
        customer=customer if customer and writer.is_proven else writer.person,
        source_inbox=source.address,
        is_source_learnt=_is_learnt(source, mark, writer, desk),
        content_key=same_message_key(ready.content_key, writer.address),
        conversation=ready.conversation,
        attachments=ready.attachments,
        authentication=_authentication(ready, writer),
        is_author_proven=writer.is_proven,
        is_author_vouched=writer.is_vouched,
        flags=(*_flags(ready, writer), *((UNPROVED,) if customer and not writer.is_proven else ())),
    )
    case.note("recipient", f"queue {queue.name}", f"{claimed.recipient} in the envelope")
    case.note("source inbox", source.address or "unknown", source.why)
    case.note("author", case.author or "nobody", writer.note)
    if case.customer != case.writer:
        case.note("customer", case.customer_address, "an agent wrote to him, with the desk in copy")
    return case


def _is_learnt(source: Source, mark: Mark | None, writer: Writer, desk: Desk) -> bool:
    """Whether this mail shows that the inbox forwards: neither an answer sent to us nor resent mail does."""
    if source.address in desk.mailboxes:
        return False
    if source.address in desk.inboxes:
        return mark is None
    return mark is None and source.is_trace and source.address != writer.address and source.address not in desk.agents


def _count_inboxes(desk: Desk, cases: Sequence[Case], verdicts: Sequence[Verdict | None]) -> None:
    through: dict[str, list[int]] = {}
    for case, verdict in zip(cases, verdicts, strict=True):
        if case.is_source_learnt and not (verdict and verdict.state is SpoolState.LOOP):
            through.setdefault(case.source_inbox, []).append(case.queue.number)
    count_mails(desk.session, through, desk.at)


def _authentication(ready: Ready, writer: Writer) -> Authentication:
    """What is known of the author: nothing, when what was proven is only who passed his words on."""
    if not writer.is_hearsay:
        return ready.authentication
    return replace(ready.authentication, identity=Identity.UNKNOWN, reason=writer.note)


def _writer(ready: Ready, mark: Mark | None, queue: Queue, desk: Desk) -> Writer:
    proven = ready.authentication.is_proven
    if is_from_agent(mark):  # what he quotes or forwards in his answer is no customer's mail
        person = ready.mail.author
        return Writer(canonical_address(person.email) or "", person, ready.mail, is_proven=proven)
    return written_by(ready.mail, ready.claimed.reverse_path, queue, desk, is_proven=proven)


def _flags(ready: Ready, writer: Writer) -> tuple[str, ...]:
    flags = [*writer.flags]
    if ready.unreadable:
        flags.append("unreadable")
    if _has_several_authors(ready.mail):  # which of them a mail program shows is chance
        flags.append(SEVERAL_FROM)
    return tuple(flags)


def _has_several_authors(mail: Mail) -> bool:
    fields = mail.header_all("From")
    return len(fields) > 1 or any("," in field and _count_authors(field) > 1 for field in fields)


def _count_authors(field: str) -> int:
    """How many addresses stand there: `Customer, Carla <carla@x>` is one, however a program forgets its quotes."""
    return len({canonical_address(person.email) for person in parse_mailboxes(field)} - {None})


def _postmaster_queue(desk: Desk) -> Queue:
    """The queue of postmaster, and of a mark whose ticket is gone: mail that was accepted is read by somebody."""
    key = queue_key(desk.office.settings.postmaster_queue)
    for queue in desk.queues.values():
        if queue.key == key:
            return queue
    if not desk.queues:
        raise NotFound("There is no queue at all: make one with `gateway queue new`")
    return next(iter(desk.queues.values()))


def _believe_authors(desk: Desk) -> None:
    """Who writes is there, whatever his server has said before; reports are written by machines."""
    cases = [one.case for one in desk.filed if one.case.mail.kind not in REPORTS]
    end_suppression(desk.session, {case.author for case in cases if not case.is_author_denied})


def _acknowledge(desk: Desk) -> None:
    for filed in desk.filed:
        why = _why_silent(filed)
        if why:
            filed.case.note(_STEP, "no", why)
            continue
        person = desk.people.get(filed.case.customer_address)
        lines = acknowledge(
            desk.session,
            desk.office,
            queue=filed.case.queue,
            ticket=filed.ticket,
            message=filed.message,
            is_proven=filed.case.is_author_proven,
            null_reverse_path=filed.case.is_report,
            is_answered_contact=bool(person and person.known and not filed.case.is_author_denied),
            template=filed.case.template,
        )
        for step, answer, why in lines:
            filed.case.note(step, answer, why)


def _why_silent(filed: Filed) -> str:
    if filed.case.is_past:
        return "it is mail of the past"
    if filed.case.silenced_by:
        return f"{filed.case.silenced_by} says so"
    # A rule that is asked about answers too may answer them.
    return "" if filed.is_new_ticket or filed.case.template else "only a new ticket is acknowledged"


def _outcomes(
    mine: Sequence[Ready], cases: Sequence[Case], verdicts: Sequence[Verdict | None], desk: Desk
) -> list[Outcome]:
    filed = {one.case.claimed.id: one for one in desk.filed}
    return [
        _outcome(one, case, verdict, filed.get(one.claimed.id))
        for one, case, verdict in zip(mine, cases, verdicts, strict=True)
    ]


def _outcome(ready: Ready, case: Case, verdict: Verdict | None, filed: Filed | None) -> Outcome:
    if verdict is not None:
        storm_of = case.author if verdict.is_storm else ""
        reason = f"{verdict.check}: {verdict.reason}"
        settled = Settled(case.claimed.id, verdict.state, reason, case.trace, verdict.message_id, storm_of)
        return Outcome(settled, case, verdict.ticket_id, verdict.check)
    if filed is None:
        raise LookupError(f"mail {case.claimed.id} has neither a verdict nor a ticket")
    by = case.trace_answer("filed")
    settled = Settled(case.claimed.id, SpoolState.FILED, by, case.trace, filed.number)
    if ready.unreadable:
        settled = replace(settled, state=SpoolState.QUARANTINED, reason=f"unreadable: {ready.unreadable}")
    return Outcome(settled, case, filed.ticket.id, by)


def _note_other_way(desk: Desk, outcome: Outcome) -> None:
    """A duplicate is shown on the message that stands already."""
    if outcome.settled.state is SpoolState.DUPLICATE:
        note_duplicate(
            desk.session, outcome.case.mail.message_id, outcome.case.content_key, outcome.case.claimed.acceptance_id
        )
