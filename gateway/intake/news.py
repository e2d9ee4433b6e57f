"""What a batch of filed mails means for agents: a new ticket, or an answer of a customer."""

from gateway.intake.desk import Desk, Filed
from gateway.intake.reports import REPORTS
from gateway.reading.mail import Kind
from storage.agents import Agent, NoticeKind
from storage.notices import Listeners, News, load_listeners, tell, tell_one


def tell_agents(desk: Desk) -> None:
    """Note the news of this batch for the agents who want them. The messages are filed already."""
    if not desk.filed:
        return
    listeners = load_listeners(desk.session)
    for filed in desk.filed:
        _tell_by_rules(desk, filed)
        told = _tell(desk, filed, listeners) if listeners.agents else []
        filed.case.note("notice", "yes" if told else "no", ", ".join(told) or "no agent asked to be told of such mail")


def _tell_by_rules(desk: Desk, filed: Filed) -> None:
    """A rule names whom it wants told: what else he wants to hear does not matter."""
    news = _news(filed)
    for agent_id in filed.case.tells:
        tell_one(desk.session, desk.session.get_one(Agent, agent_id), news, filed.ticket)


def _tell(desk: Desk, filed: Filed, listeners: Listeners) -> list[str]:
    case = filed.case
    if case.is_past:
        return []
    # Bounces are told by what they mean for an answer; machines that answer us are no customers.
    if case.mail.kind in REPORTS or (case.is_automatic and not filed.is_new_ticket):
        return []
    told = tell(desk.session, _news(filed), filed.ticket, listeners)
    if filed.is_new_ticket and filed.ticket.assignee_id:
        told += tell(desk.session, News(NoticeKind.ASSIGNED, "assigned to you"), filed.ticket, listeners)
    return told


def _news(filed: Filed) -> News:
    case = filed.case
    who = case.writer.name or case.author or "somebody"
    kind = NoticeKind.NEW if filed.is_new_ticket else NoticeKind.ANSWERED
    headline = f"{who} wrote" if kind is NoticeKind.ANSWERED else f"new ticket of {who}"
    # A code for signing up somewhere is read in the ticket only.
    excerpt = "" if case.mail.kind is Kind.VERIFICATION else filed.message.reply_text
    return News(kind, headline, excerpt, by=case.author)
