"""What is shown of a queue: everything about it, as JSON and for people."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.cli.printing import facts, red, say, say_json
from gateway.cli.queue_health import troubles_of

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.queues import Queue


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue as it is shown."""

    id: int
    name: str
    address: str | None  # the one to use: its newest active one
    addresses: list[str]
    sources: list[str]
    mailboxes: list[str]  # connected ones, whose mail comes here
    troubles: list[str]
    suggested_inboxes: list[str]  # they seem to forward here; `queue set --source` confirms one
    members: list[str]
    display_name: str
    display_name_in_automatic_replies: bool
    from_name: str
    color: str
    template: str
    logo: str
    header: str
    footer: str
    quote_last: bool
    reply_marker: bool
    from_: str
    reply_to: str
    fresh_mail: str
    join_days: int
    reopen_days: int
    late_answers: str
    close_after_days: int
    acknowledge: str | None  # null: as the settings say
    known_contacts_only: bool
    forwards: str
    assignment: str
    form_senders: list[str]
    answer_via: str
    subject_tag: bool
    signature: str
    language: str
    archived: bool


def view_queue(session: "Session", queue: "Queue") -> QueueView:
    """Everything about a queue."""
    from storage.addresses import AddressState, list_addresses
    from storage.agents import queue_members
    from storage.channels import channel_name
    from storage.mailboxes import mailboxes_of
    from storage.queues import source_inboxes
    from storage.source_inboxes import suggested_inboxes

    active = [a.address for a in list_addresses(session, queue.number) if a.state is AddressState.ACTIVE]
    return QueueView(
        id=queue.number,
        name=queue.name,
        address=active[-1] if active else None,
        addresses=active,
        sources=[inbox.address for inbox in source_inboxes(session, queue.number)],
        mailboxes=[one.address for one in mailboxes_of(session, queue.number)],
        troubles=troubles_of(session, queue),
        suggested_inboxes=[inbox.address for inbox in suggested_inboxes(session, queue.number)],
        members=[agent.email for agent in queue_members(session, queue.number)],
        display_name=queue.display_name,
        display_name_in_automatic_replies=queue.display_name_in_automatic_replies,
        from_name=queue.from_name,
        color=queue.color,
        template=queue.template,
        logo=queue.logo,
        header=queue.mail_header,
        footer=queue.mail_footer,
        quote_last=queue.quote_last,
        reply_marker=queue.reply_marker,
        from_=queue.from_address,
        reply_to=queue.reply_to,
        fresh_mail=queue.fresh_mail,
        join_days=queue.join_days,
        reopen_days=queue.reopen_days,
        late_answers=queue.late_answers,
        close_after_days=queue.close_after_days,
        acknowledge=queue.acknowledge,
        known_contacts_only=queue.known_contacts_only,
        forwards=queue.forwards,
        assignment=queue.assignment,
        form_senders=queue.form_senders,
        answer_via=channel_name(session, queue.answer_via),
        subject_tag=queue.subject_tag,
        signature=queue.signature,
        language=queue.language,
        archived=queue.archived_at is not None,
    )


def print_queue(view: QueueView, as_json: bool) -> None:
    """All that is set; what is not is left out."""
    if as_json:
        say_json(view)
        return
    say(view.name + (" (archived)" if view.archived else ""))
    facts(
        [
            ("addresses", ", ".join(view.addresses)),
            ("source inboxes", ", ".join(view.sources)),
            ("mailboxes", ", ".join(view.mailboxes)),
            ("trouble", red("; ".join(view.troubles))),
            (
                "suggested inboxes",
                ", ".join(view.suggested_inboxes) and f"{', '.join(view.suggested_inboxes)} (confirm: --source)",
            ),
            ("team", ", ".join(view.members)),
            ("display name", view.display_name),
            ("name in From", view.from_name),
            ("from", view.from_),
            ("reply to", view.reply_to),
            ("answer via", view.answer_via),
            ("fresh mail", f"{view.fresh_mail}, within {view.join_days} days"),
            ("acknowledge", view.acknowledge or "as in the settings"),
            ("reopen", f"{view.reopen_days} days" if view.reopen_days else "never"),
            ("late answers", "" if view.late_answers == "new" else "refused"),
            ("close after", f"{view.close_after_days} days" if view.close_after_days else "never"),
            ("known contacts only", "yes" if view.known_contacts_only else ""),
            ("forwards", view.forwards),
            ("new tickets", f"assigned {view.assignment}" if view.assignment != "nobody" else ""),
            ("form senders", ", ".join(view.form_senders)),
            ("subject tag", "yes" if view.subject_tag else ""),
            ("language", view.language),
            ("template", view.template),
            ("color", view.color),
            ("logo", view.logo),
            ("header", view.header.replace("\n", " / ")),
            ("footer", view.footer.replace("\n", " / ")),
            ("quote the last mail", "yes" if view.quote_last else ""),
            ("reply marker", "yes" if view.reply_marker else ""),
            ("signature", view.signature.replace("\n", " / ")),
        ]
    )
