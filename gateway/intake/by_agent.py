"""An agent answers a notice by mail: his words go to the customer as his, or become a note.

Two things are asked, and either alone is nothing: the address of his own notice (a mark that was made for him), and
proof that he wrote (aligned DKIM, DMARC). Without the mark it is an ordinary mail of that person; with the mark and
without proof it is held until a person says that he wrote it. Off unless `intake.agents_by_mail`:
then all of it is held, since its author believes that he has answered the customer.
"""

from sqlmodel import Session

from config.errors import GatewayError
from gateway.intake.agent_words import AgentWords, agent_words
from gateway.intake.case import Case, Verdict
from gateway.intake.desk import Desk
from gateway.intake.reports import REPORTS
from outbound.compose import File
from outbound.drafts import Draft
from outbound.marks import Audience, Mark, person_tag
from outbound.replies import file_note, reply_within
from storage.agents import Agent, find_agent
from storage.message_filing import NewAttachment, remember_id
from storage.spool import SpoolState
from storage.tickets import Status, Ticket, assign, set_status

CHECK = "by-agent"


def is_from_agent(mark: Mark | None) -> bool:
    """It was sent to the reply address of a notice."""
    return mark is not None and mark.audience is Audience.AGENT


def take_answer(case: Case, desk: Desk) -> Verdict | None:
    """What becomes of an answer to a notice. None: it is none, or counts as an ordinary mail."""
    mark = case.mark
    if mark is None or not is_from_agent(mark) or case.mail.kind in REPORTS:
        return None
    if case.is_automatic:
        return Verdict(SpoolState.IGNORED, CHECK, "an automatic answer to a notice")
    is_released = CHECK in case.claimed.passed
    if not desk.office.settings.intake.agents_by_mail:
        why = "an answer to a notice, and agents do not write by mail here: intake.agents_by_mail"
        return None if is_released else Verdict(SpoolState.HELD, CHECK, why)
    ticket = desk.ticket(mark.ticket_id)
    agent = _agent_of(case, mark, desk)
    if agent is None or ticket is None or mark.outgoing_id < desk.tickets[mark.ticket_id].marks_from:
        why = f"{case.author or 'nobody'} wrote to the address of a notice that is not his, or was revoked"
        case.note(CHECK, "no", why)
        return None if is_released else Verdict(SpoolState.HELD, CHECK, why)
    doubt = "" if is_released else _doubt(case, mark, agent, ticket)
    if doubt:
        return Verdict(SpoolState.HELD, CHECK, doubt)
    case.note(CHECK, "yes", f"{agent.email}, {'released' if is_released else case.authentication.reason}")
    return _carry_out(case, desk, agent, ticket)


def _doubt(case: Case, mark: Mark, agent: Agent, ticket: Ticket) -> str:
    """What a person has to say before this goes out; empty when nothing."""
    if mark.outgoing_id < ticket.split_at:
        # What it told of may be another customer's matter by now, and he would not get this answer.
        return f"ticket {ticket.id} was split since this notice was written: release it when its customer is meant"
    if not case.authentication.is_proven:
        return f"nothing proves that {agent.email} wrote it ({case.authentication.reason}): release it when he did"
    return ""


def _agent_of(case: Case, mark: Mark, desk: Desk) -> Agent | None:
    """The author, when he is the agent for whom the mark was made."""
    if case.author not in desk.agents or mark.person != person_tag(case.author):
        return None
    return find_agent(desk.session, case.author)


def _carry_out(case: Case, desk: Desk, agent: Agent, ticket: Ticket) -> Verdict:
    """Do what he asks, whole; what cannot be done leaves his text as a note that says why."""
    desk.write()
    desk.session.flush()
    words = agent_words(case.mail.reply_text)
    try:
        with desk.session.begin_nested():
            number, ref = _do(case, desk, agent, ticket, words)
    except GatewayError as error:
        text = f"This answer by mail was not sent: {error}\n\n{case.mail.reply_text}"
        number, ref = file_note(desk.session, agent, ticket.id, text, case.attachments)
        case.note(CHECK, "not sent", str(error))
    remember_id(desk.session, number, ticket.id, case.mail.message_id, case.content_key)
    case.note("filed", f"ticket {ticket.id}", f"{ref} by {agent.email}")
    return Verdict(SpoolState.FILED, CHECK, f"{ref} by {agent.email}", message_id=number, ticket_id=ticket.id)


def _do(case: Case, desk: Desk, agent: Agent, ticket: Ticket, words: AgentWords) -> tuple[int, str]:
    session = desk.session
    if words.assign:
        _assign(session, agent, ticket, words.assign)
    if words.is_note or not (words.text.strip() or case.attachments):
        text = words.text if words.is_note and words.text.strip() else "\n".join(words.commands)
        filed = file_note(session, agent, ticket.id, text or "(an empty mail)", case.attachments)
        if words.closes:
            set_status(session, ticket, Status.CLOSED, by=agent.email)
        return filed
    status = Status.CLOSED if words.closes else None
    files = [File(file.filename, file.content_type, _content(desk, file)) for file in case.attachments]
    # Who answers by mail cannot be asked whether he has seen the newest message.
    draft = Draft(words.text, attachments=files, status=status, anyway=True)
    sent = reply_within(session, desk.office, agent, ticket.id, draft)
    return sent.number, sent.ref


def _content(desk: Desk, file: NewAttachment) -> bytes:
    return desk.office.blobs.get(file.sha256)


def _assign(session: Session, agent: Agent, ticket: Ticket, whom: str) -> None:
    nobody, me = whom.lower() == "nobody", whom.lower() == "me"
    who = None if nobody else agent if me else find_agent(session, whom.strip("<>"))
    assign(session, ticket, who.id if who else None, by=agent.email, text=who.email if who else "nobody")
