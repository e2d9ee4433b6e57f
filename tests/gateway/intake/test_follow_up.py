"""A mail finds the ticket that it belongs to, and no other."""

import pytest
from fakes.house import House, days_ago, mail

from gateway.intake.lookups import Known, find_references
from outbound.marks import Audience, person_tag
from storage.queues import FreshMail
from storage.spool import SpoolState
from storage.tickets import ParticipantRole, Status

STRANGER = "Sam Stranger <sam@elsewhere.example>"


def test_fresh_mail_opens_a_ticket(house: House) -> None:
    """A mail that answers nothing is a new ticket with subject, customer and text."""
    row = house.receive(mail())
    ticket = house.ticket_of(row)
    assert (row.state, ticket.subject, ticket.status, ticket.messages) == (
        SpoolState.FILED, "My printer smokes", Status.NEW, 1,
    )  # fmt: skip
    assert ticket.customer_address == "carla@customer.example"
    assert house.messages(ticket.id)[0].text.strip() == "Hello, it smokes."


def test_two_recipients_of_one_mail_are_two_tickets(house: House) -> None:
    """Each queue named in the envelope gets its own ticket, and the two are linked as siblings."""
    sales = house.add_queue("Sales")
    id_ = house.accept(mail(), to=f"{house.address},{sales}")
    house.work()
    first, second = (house.ticket_of(row) for row in house.rows(id_))
    assert first.id != second.id
    assert house.links(first.id) == [(second.id, "sibling")]


def test_a_byte_identical_retry_makes_nothing_new(house: House) -> None:
    """The same bytes to the same recipient are answered with the same id and filed once."""
    raw = mail()
    first = house.accept(raw)
    assert house.accept(raw) == first
    house.work()
    assert len(house.rows(first)) == 1


def test_the_same_message_by_another_way_is_a_duplicate(house: House) -> None:
    """New trace headers do not make a second message; the first one shows the other way."""
    first = house.ticket_of(house.receive(mail(message_id="<a@x.example>")))
    row = house.receive(mail(message_id="<a@x.example>", headers="Received: from a by b; today\n"))
    assert row.state is SpoolState.DUPLICATE
    assert house.messages(first.id)[0].also_received == [row.acceptance_id]


def test_the_same_id_with_other_content_is_filed_with_a_flag(house: House) -> None:
    """Who uses a Message-ID first cannot keep the real mail out."""
    house.receive(mail("fake", message_id="<a@x.example>", author=STRANGER))
    ticket = house.ticket_of(house.receive(mail("real", message_id="<a@x.example>")))
    assert house.messages(ticket.id)[0].flags == ["same-id-other-content"]


@pytest.mark.parametrize("header", ["In-Reply-To: <a@x.example>\n", "References: <z@x.example> <a@x.example>\n"])
def test_an_answer_by_stored_id_joins_the_ticket(house: House, header: str) -> None:
    """In-Reply-To or References with the id of a filed mail lead to its ticket."""
    ticket = house.ticket_of(house.receive(mail(message_id="<a@x.example>")))
    assert house.ticket_of(house.receive(mail("and it burns", headers=header))).id == ticket.id


def test_an_answer_in_the_same_batch_joins_the_ticket(house: House) -> None:
    """A mail and the answer to it that wait together end in one ticket."""
    first = house.accept(mail(message_id="<a@x.example>"))
    second = house.accept(mail("more", headers="In-Reply-To: <a@x.example>\n"))
    house.work()
    assert house.ticket_of(house.rows(first)[0]).id == house.ticket_of(house.rows(second)[0]).id


def test_two_answers_to_a_mail_that_we_never_saw_are_one_ticket(house: House) -> None:
    """A common ancestor is enough, when the writer takes part."""
    first = house.receive(mail(headers="References: <root@x.example>\n", message_id="<b@x.example>"))
    second = house.receive(mail("more", headers="References: <root@x.example>\n"))
    assert house.ticket_of(first).id == house.ticket_of(second).id


def test_a_reply_address_in_the_envelope_joins_the_ticket(house: House) -> None:
    """Mail of the customer to the signed reply address is filed in its ticket, whatever its headers say."""
    ticket = house.ticket_of(house.receive(mail()))
    reply_to = house.office.marks.reply_address(house.mark(ticket.id))
    assert house.ticket_of(house.receive(mail("thanks", subject="x"), to=reply_to)).id == ticket.id


def test_a_reply_address_in_the_headers_joins_the_ticket(house: House) -> None:
    """It is found in To when the inbox forwarded the answer to the creation address."""
    ticket = house.ticket_of(house.receive(mail()))
    reply_to = house.office.marks.reply_address(house.mark(ticket.id)).upper()
    assert house.ticket_of(house.receive(mail("thanks", subject="x", to=reply_to))).id == ticket.id


def test_our_signed_message_id_joins_the_ticket(house: House) -> None:
    """An answer that names a Message-ID of ours needs no stored row."""
    ticket = house.ticket_of(house.receive(mail()))
    named = house.office.marks.message_id(house.mark(ticket.id))
    assert house.ticket_of(house.receive(mail("thanks", headers=f"In-Reply-To: {named}\n"))).id == ticket.id


def test_a_stranger_with_a_token_is_filed_unverified(house: House) -> None:
    """A leaked reply address lets its bearer write to the desk and makes him nothing else."""
    ticket = house.ticket_of(house.receive(mail()))
    reply_to = house.office.marks.reply_address(house.mark(ticket.id))
    assert house.ticket_of(house.receive(mail("let me in", author=STRANGER), to=reply_to)).id == ticket.id
    assert house.people(ticket.id)["sam@elsewhere.example"] == ParticipantRole.UNVERIFIED
    assert house.ticket(ticket.id).customer_address == "carla@customer.example"
    assert house.messages(ticket.id)[-1].flags == ["unverified"]


def test_somebody_elses_own_copy_is_unverified(house: House) -> None:
    """A mark that was made for one person's Bcc copy does not vouch for another participant."""
    ticket = house.ticket_of(house.receive(mail()))
    mark = house.mark(ticket.id, person=person_tag("boss@company.example"), audience=Audience.COPY)
    house.receive(mail("hm"), to=house.office.marks.reply_address(mark))
    assert house.messages(ticket.id)[-1].flags == ["unverified"]


def test_the_third_stranger_gets_a_linked_ticket(house: House) -> None:
    """A mail that was passed around does not fill one ticket with strangers."""
    ticket = house.ticket_of(house.receive(mail()))
    reply_to = house.office.marks.reply_address(house.mark(ticket.id))
    tickets = [
        house.ticket_of(house.receive(mail(f"me {n}", author=f"s{n}@elsewhere.example"), to=reply_to)).id
        for n in range(3)
    ]
    assert tickets[:2] == [ticket.id, ticket.id]
    assert house.links(tickets[2]) == [(ticket.id, "related")]


@pytest.mark.parametrize("evidence", ["stored id", "subject tag", "common ancestor"])
def test_a_stranger_without_a_mark_gets_a_linked_ticket(house: House, evidence: str) -> None:
    """What anybody can write into a header lets nobody into a ticket."""
    ticket = house.ticket_of(house.receive(mail(message_id="<a@x.example>", headers="References: <root@x.example>\n")))
    headers = {"stored id": "In-Reply-To: <a@x.example>\n", "common ancestor": "References: <root@x.example>\n"}
    subject = f"Re: [#{ticket.id}] My printer" if evidence == "subject tag" else "Re: My printer"
    row = house.receive(mail("hi", author=STRANGER, subject=subject, headers=headers.get(evidence, "")))
    assert house.ticket_of(row).id != ticket.id
    assert house.links(house.ticket_of(row).id) == [(ticket.id, "related")]


def test_a_subject_tag_from_the_customer_joins_the_ticket(house: House) -> None:
    """Mail programs that lose every id leave the number."""
    ticket = house.ticket_of(house.receive(mail()))
    assert house.ticket_of(house.receive(mail("more", subject=f"AW: [#{ticket.id}] printer"))).id == ticket.id


@pytest.mark.parametrize("altered", ["signature", "ticket"])
def test_an_altered_token_is_no_mark(house: House, altered: str) -> None:
    """A changed character makes a reply address that is not ours."""
    address = house.office.marks.reply_address(house.mark(1))
    place = 40 if altered == "signature" else 8
    other = "b" if address[place] == "a" else "a"
    assert house.office.marks.read_reply_address(address[:place] + other + address[place + 1 :]) is None


def test_mail_to_another_queue_is_a_linked_ticket_there(house: House) -> None:
    """The envelope decides the queue: an answer that somebody forwards to Sales is a ticket of Sales."""
    sales = house.add_queue("Sales")
    ticket = house.ticket_of(house.receive(mail(message_id="<a@x.example>")))
    other = house.ticket_of(house.receive(mail("more", headers="In-Reply-To: <a@x.example>\n"), to=sales))
    assert other.id != ticket.id
    assert house.links(other.id) == [(ticket.id, "forward")]


def test_a_merged_ticket_leads_to_the_one_that_lives(house: House) -> None:
    """The chain is followed, and a circle in it ends."""
    first = house.ticket_of(house.receive(mail(message_id="<a@x.example>")))
    second = house.ticket_of(house.receive(mail("other", subject="Other")))
    house.change_ticket(first.id, merged_into=second.id)
    assert house.ticket_of(house.receive(mail("more", headers="In-Reply-To: <a@x.example>\n"))).id == second.id
    house.change_ticket(second.id, merged_into=first.id)
    assert house.receive(mail("again", headers="In-Reply-To: <a@x.example>\n")).state is SpoolState.FILED


def test_a_follow_up_within_the_days_reopens(house: House) -> None:
    """A solved ticket opens again when its customer writes soon enough."""
    ticket = house.ticket_of(house.receive(mail(message_id="<a@x.example>")))
    house.change_ticket(ticket.id, status=Status.SOLVED, settled_at=days_ago(3))
    house.receive(mail("not solved", subject="Re: My printer smokes", headers="In-Reply-To: <a@x.example>\n"))
    assert house.ticket(ticket.id).status is Status.OPEN


@pytest.mark.parametrize("days", [14, 0])
def test_a_late_follow_up_opens_a_linked_ticket(house: House, days: int) -> None:
    """After reopen_days, or with 0 at any time, the follow-up is a new ticket that names the old one."""
    house.set_queue("Support", reopen_days=days)
    ticket = house.ticket_of(house.receive(mail(message_id="<a@x.example>")))
    house.change_ticket(ticket.id, status=Status.CLOSED, settled_at=days_ago(20 if days else 1))
    other = house.ticket_of(house.receive(mail("again", headers="In-Reply-To: <a@x.example>\n")))
    assert house.links(other.id) == [(ticket.id, "follow-up")]
    assert house.ticket(ticket.id).status is Status.CLOSED


def test_a_new_matter_on_a_closed_ticket_is_a_new_ticket(house: House) -> None:
    """Who answers an old mail under a new subject has a new matter."""
    ticket = house.ticket_of(house.receive(mail(message_id="<a@x.example>")))
    house.change_ticket(ticket.id, status=Status.CLOSED, settled_at=days_ago(1))
    other = house.ticket_of(house.receive(mail("x", subject="Invoice", headers="In-Reply-To: <a@x.example>\n")))
    assert house.links(other.id) == [(ticket.id, "follow-up")]


def test_automatic_mail_joins_and_never_reopens(house: House) -> None:
    """An out-of-office note is shown in the ticket and changes nothing."""
    ticket = house.ticket_of(house.receive(mail(message_id="<a@x.example>")))
    house.change_ticket(ticket.id, status=Status.SOLVED, settled_at=days_ago(1))
    headers = "In-Reply-To: <a@x.example>\nAuto-Submitted: auto-replied\n"
    assert house.ticket_of(house.receive(mail("I am away", headers=headers))).id == ticket.id
    assert house.ticket(ticket.id).status is Status.SOLVED


def test_fresh_mail_joins_the_open_ticket_where_the_queue_says_so(house: House) -> None:
    """With join_open a contact has one open ticket at a time."""
    house.set_queue("Support", fresh_mail=FreshMail.JOIN_OPEN)
    first = house.ticket_of(house.receive(mail()))
    assert house.ticket_of(house.receive(mail("another thing", subject="Invoice"))).id == first.id
    house.change_ticket(first.id, status=Status.SOLVED, settled_at=days_ago(0))
    assert house.ticket_of(house.receive(mail("third thing", subject="Toner"))).id != first.id


def test_whom_a_mail_names_is_no_customer(house: House) -> None:
    """To and Cc of inbound mail make people known in the ticket, never recipients."""
    row = house.receive(mail(headers="Cc: Bob <bob@customer.example>\n"))
    people = house.people(house.ticket_of(row).id)
    assert people["bob@customer.example"] == "named"
    assert people["carla@customer.example"] == "customer"


def test_mail_to_postmaster_is_filed_in_its_queue(house: House) -> None:
    """RFC 5321 section 4.5.1: somebody reads it."""
    row = house.receive(mail(subject="your server"), to=f"postmaster@{house.settings.domain}")
    assert house.ticket_of(row).subject == "your server"


def test_a_long_thread_is_one_row_for_the_id_that_all_of_its_mails_name(house: House) -> None:
    """The first mail is known with its content; that others name it is said once, however many they are."""
    first = house.ticket_of(house.receive(mail(message_id="<a@x.example>")))
    for number in range(3):
        house.receive(mail(f"again {number}", headers="In-Reply-To: <a@x.example>\n"))
    content = house.messages(first.id)[0].content_key
    with house.database.reading() as session:
        found = find_references(session, ["a@x.example"])
    assert found == {"a@x.example": [Known(first.id, True, content), Known(first.id, False, "")]}
