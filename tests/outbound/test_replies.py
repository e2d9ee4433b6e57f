"""Whom a reply goes to, when it is refused, and what it leaves in the ticket."""

from email import message_from_bytes

import pytest
from peers.replydesk import CUSTOMER, Desk, MakeDesk
from peers.sink import Sink
from sqlmodel import select

from config.errors import AskedWrongly, Refused
from outbound.compose import File
from outbound.replies import Draft, add_note, start_ticket
from storage.addresses import list_addresses
from storage.agents import add_agent
from storage.blocklist import block
from storage.contacts import find_contact
from storage.messages import Direction
from storage.outbox import DeliveryState
from storage.queues import ReplyTo, name_source_inbox
from storage.tickets import Participant, ParticipantRole, Shown, Status, assign, get_ticket, set_status


def _recipients(desk: Desk) -> list[str]:
    return [delivery.recipient for delivery in desk.deliveries()]


def _show(desk: Desk, number: int) -> None:
    """What `ticket show` remembers."""
    last = desk.messages(number)[-1].id
    desk.change(lambda s: s.merge(Shown(agent_id=desk.agent.id or 0, ticket_id=number, message_id=last)))


def _header(desk: Desk, name: str) -> str:
    from storage.outbox import Outgoing

    with desk.database.reading() as session:
        outgoing = session.exec(select(Outgoing).order_by(Outgoing.id)).all()  # type: ignore[arg-type]
    return str(message_from_bytes(outgoing[0].content)[name])


def test_reply_goes_to_the_customer_and_whom_agents_copied(desk: Desk) -> None:
    """Copied people are in Cc; people whom mails only named get nothing."""
    number = desk.ticket()
    desk.add_participant(number, "copied@customer.example", ParticipantRole.COPIED)
    desk.add_participant(number, "named@customer.example", ParticipantRole.NAMED)
    desk.add_participant(number, "stranger@evil.example", ParticipantRole.UNVERIFIED)
    desk.reply(number)
    assert _recipients(desk) == [CUSTOMER, "copied@customer.example"]


def test_whom_the_customer_left_out_is_left_out_too_and_said(desk: Desk) -> None:
    """He saw the copy and answered without it: we do not add them again, and one line names --keep."""
    number = desk.ticket()
    desk.reply(number, cc=["boss@customer.example"])
    desk.mail(number, to=(("", "re-x@in.desk.example"),))
    sent = desk.reply(number)
    assert list(sent.deliveries.values()) == [CUSTOMER]
    assert any("boss@customer.example" in line and "--keep" in line for line in sent.lines)
    kept = desk.reply(number, keep=True)
    assert list(kept.deliveries.values()) == [CUSTOMER, "boss@customer.example"]


def test_reply_all_adds_whom_the_customer_named(desk: Desk) -> None:
    """Without it a line says who was named; with it they are in Cc, our own addresses never."""
    number = desk.ticket()
    desk.change(lambda s: name_source_inbox(s, desk.queue, "support@company.example"))
    desk.add_participant(number, "ben@customer.example", ParticipantRole.NAMED)
    named = (("", "support@company.example"), ("Ben", "ben@customer.example"))
    desk.mail(number, to=named)
    assert any("ben@customer.example" in line for line in desk.reply(number).lines)
    sent = desk.reply(number, reply_all=True)
    assert list(sent.deliveries.values()) == [CUSTOMER, "ben@customer.example"]


def test_domain_new_to_the_ticket_needs_a_yes(desk: Desk) -> None:
    """A slip of the fingers does not send a ticket to strangers."""
    number = desk.ticket()
    with pytest.raises(Refused, match=r"ann@typo\.example.*--yes"):
        desk.reply(number, cc=["ann@typo.example"])
    assert desk.deliveries() == []
    desk.reply(number, cc=["ann@typo.example"], yes=True)
    assert _recipients(desk) == [CUSTOMER, "ann@typo.example"]


def test_bcc_gets_a_copy_of_his_own_that_nobody_else_sees(desk: Desk, sink: Sink) -> None:
    """The copy has its own Message-ID and reply address; no mail names the person in Bcc."""
    number = desk.ticket()
    desk.reply(number, bcc=["spy@customer.example"])
    with desk.relay():
        desk.wait_for(DeliveryState.SENT, DeliveryState.SENT)
    public, copy = sorted(sink.mails, key=lambda mail: mail.recipients)
    assert copy.recipients == ("spy@customer.example",)
    assert b"spy@customer.example" not in public.raw + copy.raw
    first, second = message_from_bytes(public.raw), message_from_bytes(copy.raw)
    assert first["To"] == second["To"]
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Reply-To"] != second["Reply-To"]
    mark = desk.office.marks.read_message_id(second["Message-ID"])
    assert mark
    assert mark.is_bound
    with desk.database.reading() as session:
        assert session.get(Participant, (number, "spy@customer.example")) is None


def test_blocked_address_is_named_and_nothing_is_queued(desk: Desk) -> None:
    """The command refuses at once; neither message nor mail is there afterwards."""
    number = desk.ticket()
    desk.change(lambda s: block(s, "@customer.example", "eva"))
    with pytest.raises(Refused, match=r"ann@customer\.example.*block list"):
        desk.reply(number)
    assert desk.deliveries() == []
    assert len(desk.messages(number)) == 1


def test_our_own_addresses_are_refused(desk: Desk) -> None:
    """A creation address or a source inbox would bring the mail back to us."""
    number = desk.ticket()
    desk.change(lambda s: name_source_inbox(s, desk.queue, "support@company.example"))
    with desk.database.reading() as session:
        creation = list_addresses(session)[0].address
    for own in (creation, "support@company.example"):
        with pytest.raises(Refused, match=r"ours|forwards to us"):
            desk.reply(number, cc=[own], yes=True)


def test_customer_without_an_address_is_a_clear_error(desk: Desk) -> None:
    """The refusal names the command that helps."""
    number = desk.ticket()

    def forget(session: object) -> None:
        ticket = get_ticket(session, number)  # type: ignore[arg-type]
        ticket.customer_address = ""
        session.add(ticket)  # type: ignore[attr-defined]

    desk.change(forget)
    with pytest.raises(Refused, match=f"gateway ticket customer {number}"):
        desk.reply(number)


def test_newer_message_stops_a_reply(desk: Desk) -> None:
    """What came after the last `ticket show` must be read first, unless --anyway."""
    number = desk.ticket()
    _show(desk, number)
    desk.mail(number)
    with pytest.raises(Refused, match=rf"{number}\.2 .*--anyway"):
        desk.reply(number)
    desk.reply(number, anyway=True)
    desk.reply(number)  # what he wrote himself counts as seen


def test_seen_names_the_message_that_the_author_knows(desk: Desk) -> None:
    """--seen wins over what was shown, in both directions."""
    number = desk.ticket()
    desk.mail(number)
    with pytest.raises(Refused):
        desk.reply(number, seen=f"{number}.1")
    desk.reply(number, seen=f"{number}.2")


def test_note_of_a_colleague_counts_as_newer(desk: Desk) -> None:
    """Two agents do not talk past each other; an agent's own note stops nothing."""
    number = desk.ticket()
    _show(desk, number)
    add_note(desk.database, desk.agent, number, "My own remark")
    desk.reply(number)
    with desk.database.writing() as session:
        other = add_agent(session, "max@company.example", "Max")
    add_note(desk.database, other, number, "I am on it")
    with pytest.raises(Refused, match="Max"):
        desk.reply(number)


def test_never_shown_ticket_can_be_answered(desk: Desk) -> None:
    """Without an earlier `ticket show` nothing is newer than what is there, also after a reply of his own."""
    number = desk.ticket()
    desk.mail(number)
    desk.reply(number)
    desk.mail(number)
    desk.reply(number)


def test_closed_and_merged_tickets_are_not_answered_by_accident(desk: Desk) -> None:
    """Closed: reopen it or say so; merged: the other one is named."""
    number, other = desk.ticket(), desk.ticket()
    desk.change(lambda s: set_status(s, get_ticket(s, number), Status.CLOSED, by="eva"))
    with pytest.raises(Refused, match="closed"):
        desk.reply(number)
    desk.reply(number, anyway=True)
    assert desk.read_ticket(number).status is Status.PENDING

    def merge(session: object) -> None:
        get_ticket(session, other).merged_into = number  # type: ignore[arg-type]

    desk.change(merge)
    with pytest.raises(Refused, match=f"merged into {number}"):
        desk.reply(other)


def test_reply_sets_the_status_that_was_asked_for_and_keeps_the_assignee(desk: Desk) -> None:
    """--status wins over pending; a ticket that somebody has stays his."""
    number = desk.ticket()
    with desk.database.writing() as session:
        other = add_agent(session, "max@company.example", "Max")
        assign(session, get_ticket(session, number), other.id, by="eva", text="Max")
    desk.reply(number, status=Status.SOLVED)
    ticket = desk.read_ticket(number)
    assert (ticket.status, ticket.assignee_id) == (Status.SOLVED, other.id)


def test_signature_is_the_assignees_or_the_queues(desk: Desk) -> None:
    """The author's own where he is responsible, the queue's where somebody else is."""
    desk.agent.signature, desk.queue.signature = "Eva from Support", "Your Support"
    desk.change(lambda s: (s.merge(desk.agent), s.merge(desk.queue)))
    number = desk.ticket()
    desk.reply(number)
    assert desk.messages(number)[-1].text.endswith("\n\n-- \nEva from Support\n")
    assert desk.messages(number)[-1].reply_text == "Turn it off and on.\n"
    with desk.database.writing() as session:
        other = add_agent(session, "max@company.example", "Max")
        assign(session, get_ticket(session, number), other.id, by="eva", text="Max")
    desk.reply(number)
    assert desk.messages(number)[-1].text.endswith("\n\n-- \nYour Support\n")


def test_answered_contact_is_known_and_copied_people_take_part(desk: Desk) -> None:
    """An agent's answer makes the contact known; Cc is in the ticket from now on."""
    number = desk.ticket()
    desk.reply(number, cc=["Ben B <ben@customer.example>"])
    with desk.database.reading() as session:
        assert find_contact(session, CUSTOMER).known
        ben = session.get_one(Participant, (number, "ben@customer.example"))
        assert (ben.role, ben.name) == (ParticipantRole.COPIED, "Ben B")


def test_subject_is_that_of_the_last_mail(desk: Desk) -> None:
    """A customer who takes up something else is answered under his own words, with one Re: and the tag if wished."""
    desk.queue.subject_tag = True
    desk.change(lambda s: s.merge(desk.queue))
    number = desk.ticket()
    desk.mail(number, subject="AW: Re: Sv: Another matter")
    desk.reply(number)
    assert _header(desk, "Subject") == f"Re: Another matter [#{number}]"


def test_answers_go_to_the_source_inbox_when_the_queue_says_so(desk: Desk) -> None:
    """--reply-to inbox: From and answers are the company's own address."""
    desk.queue.reply_to = ReplyTo.INBOX
    desk.queue.display_name = "Customer care"
    desk.change(lambda s: (s.merge(desk.queue), name_source_inbox(s, desk.queue, "care@company.example")))
    desk.reply(desk.ticket())
    assert _header(desk, "From") == "Customer care <care@company.example>"
    assert _header(desk, "Reply-To") == "None"


def test_from_is_the_queues_own_address_when_it_has_one(desk: Desk) -> None:
    """--from wins over the source inbox, and answers still come straight to us."""
    desk.queue.from_address = "hello@company.example"
    desk.change(lambda s: (s.merge(desk.queue), name_source_inbox(s, desk.queue, "care@company.example")))
    desk.reply(desk.ticket())
    assert _header(desk, "From") == "Support <hello@company.example>"
    assert "@in.desk.example" in _header(desk, "Reply-To")


def test_first_answer_under_a_foreign_domain_says_what_to_expect(desk: Desk) -> None:
    """From a company address through the default servers: one line about DKIM, once."""
    desk.queue.from_address = "hello@company.example"
    desk.change(lambda s: s.merge(desk.queue))
    number = desk.ticket()
    assert any("DKIM" in line for line in desk.reply(number).lines)
    assert not any("DKIM" in line for line in desk.reply(number).lines)


def test_references_are_bounded(desk: Desk) -> None:
    """After forty mails the header names the first and the newest ids only."""
    number = desk.ticket()
    for _ in range(40):
        desk.mail(number)
    desk.reply(number)
    ids = _header(desk, "References").split()
    assert len(ids) == 20
    assert ids[0] == f"<mail-{number}-1@customer.example>"
    assert ids[-1] == f"<mail-{number}-41@customer.example>"


def test_undo_time_holds_the_mail_back(desk: Desk, sink: Sink) -> None:
    """Without --now the mail waits undo_seconds in the outbox."""
    slow = desk.settings.model_copy(update={"outbound": desk.settings.outbound.model_copy(update={"undo_seconds": 30})})
    desk.office = type(desk.office)(slow, desk.office.blobs, desk.office.marks, desk.office.seal)
    desk.reply(desk.ticket(), now=False)
    with desk.relay():
        sink.stays_at(0, 0.5)
    assert desk.delivery().state is DeliveryState.WAITING


def test_attachments_travel_and_stay_in_the_ticket(desk: Desk, sink: Sink) -> None:
    """The file leaves with the mail, and its bytes are kept once as a blob."""
    from storage.messages import attachments_of

    number = desk.ticket()
    sent = desk.reply(number, attachments=[File("Angebot März.pdf", "application/pdf", b"%PDF")])
    with desk.relay():
        desk.wait_for(DeliveryState.SENT)
    part = message_from_bytes(sink.mails[0].raw).get_payload()[1]
    assert (part.get_filename(), part.get_payload(decode=True)) == ("Angebot März.pdf", b"%PDF")
    with desk.database.reading() as session:
        [file] = attachments_of(session, [sent.number])[sent.number]
    assert desk.office.blobs.get(file.sha256) == b"%PDF"


def test_attachments_that_no_mail_could_carry_are_refused(make_desk: MakeDesk) -> None:
    """Base64 makes them a third larger: what would be over message_bytes then is said at once, and nothing is filed."""
    desk = make_desk()
    number = desk.ticket()
    too_much = b"x" * (desk.settings.limits.message_bytes * 3 // 4)
    with pytest.raises(Refused, match="they grow by a third"):
        desk.reply(number, attachments=[File("big.bin", "application/octet-stream", too_much)])
    assert len(desk.messages(number)) == 1


def test_empty_reply_is_an_error(desk: Desk) -> None:
    """Nothing to say is nothing to send."""
    with pytest.raises(AskedWrongly):
        desk.reply(desk.ticket(), text="  \n")


def test_new_ticket_begins_with_our_mail(desk: Desk, sink: Sink) -> None:
    """`ticket new`: a ticket that waits for the customer, whose answer finds it by our marks."""
    sent = start_ticket(
        desk.database,
        desk.office,
        desk.agent,
        desk.queue,
        "Zoe <Zoe@Other.example>",
        "An offer",
        Draft("Hello", now=True),
    )
    with desk.relay():
        desk.wait_for(DeliveryState.SENT)
    ticket = desk.read_ticket(sent.ticket)
    assert (ticket.subject, ticket.status, ticket.customer_address) == ("An offer", Status.PENDING, "zoe@other.example")
    mail = message_from_bytes(sink.mails[0].raw)
    assert (mail["To"], mail["Subject"]) == ("Zoe <Zoe@other.example>", "An offer")
    mark = desk.office.marks.read_message_id(mail["Message-ID"])
    assert mark
    assert mark.ticket_id == sent.ticket


def test_new_ticket_writes_to_everybody_once(desk: Desk) -> None:
    """Who is named twice gets one mail, in the first field that names him."""
    draft = Draft("Hello", now=True, cc=["ZOE@other.example", "ben@other.example"], bcc=["ben@other.example"])
    sent = start_ticket(desk.database, desk.office, desk.agent, desk.queue, "zoe@other.example", "An offer", draft)
    assert list(sent.deliveries.values()) == ["zoe@other.example", "ben@other.example"]


def test_note_is_for_agents_only(desk: Desk) -> None:
    """A note is filed, nothing leaves, and a new ticket is open from then on."""
    number = desk.ticket()
    assert add_note(desk.database, desk.agent, number, "Call him") == f"{number}.2"
    note = desk.messages(number)[-1]
    assert (note.direction, note.text) == (Direction.NOTE, "Call him\n")
    assert desk.deliveries() == []
    assert desk.read_ticket(number).status is Status.OPEN


def test_two_replies_at_once_make_two_mails_or_a_refusal(both_desk: Desk) -> None:
    """Filing is one transaction: positions and counts are right whoever was first."""
    from concurrent.futures import ThreadPoolExecutor

    number = both_desk.ticket()
    with ThreadPoolExecutor(4) as pool:
        tried = [pool.submit(both_desk.reply, number, anyway=True) for _ in range(4)]
    done = [one.result() for one in tried if one.exception() is None]
    assert all(isinstance(one.exception(), Refused) for one in tried if one.exception())
    positions = [message.position for message in both_desk.messages(number)]
    assert positions == list(range(1, len(done) + 2))
    assert both_desk.read_ticket(number).messages == len(positions)
