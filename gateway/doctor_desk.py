"""What the database says about the desk: its queues and people, inboxes, and mail that waits for somebody."""

from sqlmodel import Session

from gateway.findings import Finding, Findings, State
from storage.addresses import AddressState, list_addresses
from storage.agents import list_agents
from storage.channels import ChannelState, list_channels
from storage.forward_checks import CheckState, latest_check
from storage.mailboxes import MailboxState, list_mailboxes, queue_ids_by_mailbox
from storage.outbox import DeliveryState
from storage.outbox_view import count_states
from storage.queues import list_queues, source_inboxes
from storage.silence import silent_queues
from storage.spool import SpoolState, count_fates
from storage.withheld import withheld_mails


def examine_desk(session: Session) -> Findings:
    """Everything, in order."""
    for look in (_queues_and_agents, _forwards, _silence, _mailboxes, _mail, _outgoing):
        yield from look(session)


def _queues_and_agents(session: Session) -> Findings:
    queues = list_queues(session)
    if not queues:
        yield Finding(State.FAIL, "queues", "none: no mail can come in", "make one with `gateway queue new NAME`")
    active = {address.queue_id for address in list_addresses(session) if address.state is AddressState.ACTIVE}
    read = set(queue_ids_by_mailbox(session).values())
    for queue in queues:
        subject = f"queue {queue.name}"
        if queue.id not in active:
            yield Finding(
                State.WARN, subject, "has no active address", f"make one with `gateway address new '{queue.name}'`"
            )
        elif not source_inboxes(session, queue.number) and queue.number not in read:
            yield Finding(
                State.WARN,
                subject,
                "nobody knows which inbox forwards to it",
                f"name it with `gateway queue set '{queue.name}' --source INBOX`, so that nothing is sent to it",
            )
        else:
            yield Finding(State.OK, subject, "has an address and a source inbox")
    if not list_agents(session):
        yield Finding(State.FAIL, "agents", "none: nobody can answer", "add one with `gateway agent add EMAIL`")


def _forwards(session: Session) -> Findings:
    for inbox in source_inboxes(session):
        check = latest_check(session, inbox.address)
        if check is None or check.state is CheckState.WAITING:
            continue
        subject, when = f"forward of {inbox.address}", f"{check.sent_at:%Y-%m-%d %H:%M} UTC"
        if check.state is CheckState.ARRIVED:
            yield Finding(State.OK, subject, f"worked on {when}")
        else:
            advice = "try it again with `gateway queue check`"
            yield Finding(State.FAIL, subject, f"{check.state} on {when}: {check.refusal or 'not seen again'}", advice)


def _silence(session: Session) -> Findings:
    for one in silent_queues(session):
        advice = f"see whether its inbox still forwards with `gateway queue check '{one.queue}'`"
        yield Finding(State.WARN, f"queue {one.queue}", f"gets no mail since {one.since:%Y-%m-%d %H:%M} UTC", advice)


def _mailboxes(session: Session) -> Findings:
    for mailbox in list_mailboxes(session):
        subject = f"mailbox {mailbox.address}"
        if mailbox.state is MailboxState.FAILING:
            advice = f"look with `gateway mailbox test {mailbox.address}`"
            yield Finding(State.FAIL, subject, mailbox.last_error or "fails", advice)
        elif mailbox.state is MailboxState.CONNECTED:
            yield Finding(State.OK, subject, f"{mailbox.fetched} mails fetched, {mailbox.waiting} waiting")
        withheld = withheld_mails(session, mailbox.number)
        if withheld:
            count = f"{len(withheld)} mail{'s' if len(withheld) > 1 else ''}"
            advice = f"see which with `gateway mailbox show {mailbox.address}`; they are asked for again"
            yield Finding(State.WARN, subject, f"{count} not given by its server: {withheld[0].reason}", advice)


def _mail(session: Session) -> Findings:
    fates = count_fates(session)
    held, lost = fates.get(SpoolState.HELD, 0), fates.get(SpoolState.QUARANTINED, 0)
    if held:
        yield Finding(State.WARN, "held mail", f"{held} wait for a decision", "look with `gateway mail held`")
    if lost:
        advice = "look with `gateway mail list --fate quarantined`"
        yield Finding(State.WARN, "quarantined mail", f"{lost} could not be read", advice)


def _outgoing(session: Session) -> Findings:
    states = count_states(session)
    stuck = {
        s: states[s] for s in (DeliveryState.UNCERTAIN, DeliveryState.BOUNCED, DeliveryState.BLOCKED) if s in states
    }
    if stuck:
        text = ", ".join(f"{count} {state}" for state, count in stuck.items())
        yield Finding(State.WARN, "outgoing mail", text, "look with `gateway outbox list`")
    for channel in list_channels(session):
        if channel.state is ChannelState.FAILING:
            advice = f"put it right with `gateway channel edit {channel.name}`"
            yield Finding(State.FAIL, f"channel {channel.name}", channel.last_error or "fails", advice)
