"""What a batch of filed mails means for agents: a new ticket, or an answer of a customer."""

from gateway.intake.desk import Desk, Filed
from gateway.intake.reports import REPORTS
from gateway.reading.mail import Kind
from storage.agents import NoticeKind
from storage.notices import Listeners, News, load_listeners, tell


def tell_agents(desk: Desk) -> None:
    """Note the news of this batch for the agents who want them. The messages are filed already."""
    if not desk.filed:
        return
    listeners = load_listeners(desk.session)
    for filed in desk.filed if listeners.agents else ():
        _tell(desk, filed, listeners)


def _tell(desk: Desk, filed: Filed, listeners: Listeners) -> None:
    case = filed.case
    if case.is_past:
        return
    # Bounces are told by what they mean for an answer; machines that answer us are no customers.
    if case.mail.kind in REPORTS or (case.is_automatic and not filed.is_new_ticket):
        return
    who = case.writer.name or case.author or "somebody"
    kind = NoticeKind.NEW if filed.is_new_ticket else NoticeKind.ANSWERED
    headline = f"{who} wrote" if kind is NoticeKind.ANSWERED else f"new ticket of {who}"
    # A code for signing up somewhere is read in the ticket only.
    excerpt = "" if case.mail.kind is Kind.VERIFICATION else filed.message.reply_text
    tell(desk.session, News(kind, headline, excerpt, by=case.author), filed.ticket, listeners)
