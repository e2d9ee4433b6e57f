"""What follows from evidence: strangers, other queues, old and closed tickets, merged and moved ones, machines."""

import pytest
from fakes.house import House, days_ago, mail

from outbound.marks import Audience, person_tag
from storage.queues import find_queue
from storage.tickets import Status, get_ticket, move_to_queue

STRANGER = "Sam Stranger <sam@elsewhere.example>"
ANSWER = "In-Reply-To: <a@x.example>\n"


def first(house: House) -> int:
    """A ticket of Carla's, whose first mail has the id <a@x.example>."""
    return house.ticket_of(house.receive(mail(message_id="<a@x.example>"))).id


@pytest.mark.parametrize("place", ["to", "In-Reply-To", "text"])
def test_the_mark_of_somebodys_own_copy_vouches_for_him_alone(house: House, place: str) -> None:
    """In the envelope, in an id or in the text: in another's hand, even a participant's, it makes him unverified."""
    number = first(house)
    mark = house.mark(number, person=person_tag("boss@company.example"), audience=Audience.COPY)
    marks = house.office.marks
    if place == "to":
        house.receive(mail("hm"), to=marks.reply_address(mark))
    elif place == "text":
        house.receive(mail(f"hm {marks.body_mark(mark)}"))
    else:
        house.receive(mail("hm", headers=f"In-Reply-To: {marks.message_id(mark)}\n"))
    assert house.messages(number)[-1].flags == ["unverified"]


def test_an_open_ticket_of_long_ago_takes_no_new_matter(house: House) -> None:
    """A new subject on a mail of a month ago is a new ticket; the old subject, or a young ticket, joins."""
    number = first(house)
    assert house.ticket_of(house.receive(mail("x", subject="Invoice", headers=ANSWER))).id == number
    house.change_ticket(number, updated_at=days_ago(30))
    assert house.ticket_of(house.receive(mail("y", subject="AW: my printer  smokes", headers=ANSWER))).id == number
    house.change_ticket(number, updated_at=days_ago(30))
    other = house.ticket_of(house.receive(mail("z", subject="Toner", headers=ANSWER)))
    assert house.links(other.id) == [(number, "follow-up")]


def test_a_subject_that_the_conversation_took_up_is_not_new(house: House) -> None:
    """The customer changed the subject on the way: an answer under it still belongs to the closed ticket."""
    number = first(house)
    house.receive(mail("x", subject="Invoice", headers=ANSWER))
    house.change_ticket(number, status=Status.CLOSED, settled_at=days_ago(1))
    assert house.ticket_of(house.receive(mail("y", subject="Re: Invoice", headers=ANSWER))).id == number


def test_a_stranger_with_a_mark_reopens_or_links_like_anybody(house: House) -> None:
    """His mail must be seen: a young solved ticket opens, an old one gets a linked ticket of his own."""
    number = first(house)
    address = house.office.marks.reply_address(house.mark(number))
    house.change_ticket(number, status=Status.SOLVED, settled_at=days_ago(2))
    house.receive(mail("hello", author=STRANGER), to=address)
    assert (house.ticket(number).status, house.messages(number)[-1].flags) == (Status.OPEN, ["unverified"])
    house.change_ticket(number, status=Status.CLOSED, settled_at=days_ago(30))
    other = house.ticket_of(house.receive(mail("hello again", author=STRANGER), to=address))
    assert (other.customer_address, house.links(other.id)) == ("sam@elsewhere.example", [(number, "follow-up")])


def test_what_a_merged_ticket_brought_along_counts_in_the_living_one(house: House) -> None:
    """Its people and its queue: an answer to it through its own queue is no forward and no stranger's."""
    sales = house.add_queue("Sales")
    row = house.receive(mail(author=STRANGER, message_id="<s@x.example>"), to=sales)
    dead, living = house.ticket_of(row).id, first(house)
    house.change_ticket(dead, merged_into=living)
    row = house.receive(mail("more", author=STRANGER, headers="In-Reply-To: <s@x.example>\n"), to=sales)
    assert house.ticket_of(row).id == living
    assert house.messages(living)[-1].flags == []


@pytest.mark.parametrize("through", ["Support", "Sales"])
def test_a_moved_ticket_stays_whole(house: House, through: str) -> None:
    """Mail through the queue it came in by, and through the one it is in now, belongs to it."""
    number = first(house)
    addresses = {"Support": house.address, "Sales": house.add_queue("Sales")}
    with house.database.writing() as session:
        move_to_queue(session, get_ticket(session, number), find_queue(session, "Sales"), by="agent@company.example")
    row = house.receive(mail("more", headers=ANSWER), to=addresses[through])
    assert house.ticket_of(row).id == number


def test_one_mail_to_two_queues_with_ids_is_two_siblings(house: House) -> None:
    """Also when it names other mails: the second copy is no forward of the first."""
    sales = house.add_queue("Sales")
    id_ = house.accept(mail(headers="References: <root@x.example>\n"), to=f"{house.address},{sales}")
    house.work()
    one, two = (house.ticket_of(row).id for row in house.rows(id_))
    assert house.links(one) == [(two, "sibling")]


@pytest.mark.parametrize("status", [Status.SOLVED, Status.CLOSED])
@pytest.mark.parametrize(
    "headers",
    ["Auto-Submitted: auto-replied\n", "Precedence: auto_reply\n", "X-Autoreply: yes\n", "Precedence: bulk\n"],
)
def test_a_machine_never_reopens(house: House, status: Status, headers: str) -> None:
    """It is filed where it belongs, however old that is, and changes nothing."""
    number = first(house)
    house.change_ticket(number, status=status, settled_at=days_ago(100))
    assert house.ticket_of(house.receive(mail("away", subject="Away", headers=ANSWER + headers))).id == number
    assert house.ticket(number).status is status
