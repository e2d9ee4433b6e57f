"""Who answers a mail of ours lands in the ticket where that mail stands by now: split off, moved, merged."""

import pytest
from fakes.house import House, mail
from sqlmodel import select

from outbound.replies import SentReply
from storage.joining import merge_tickets, split_ticket
from storage.messages import Message
from storage.queues import find_queue
from storage.spool import SpoolState
from storage.tickets import get_ticket, move_to_queue
from storage.whereabouts import revoke_marks

ME = "agent@company.example"
STRANGER = "Sam Stranger <sam@elsewhere.example>"
WAYS = ["envelope", "to", "in-reply-to", "references", "text"]


class Matter:
    """A ticket with two questions, each answered; the second one is then split off."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.ticket = house.ticket_of(house.receive(mail(message_id="<a@x.example>"))).id
        self.kept = house.reply(self.ticket, "Unplug it.")
        house.receive(mail("and my invoice?", message_id="<b@x.example>", headers="In-Reply-To: <a@x.example>\n"))
        self.moved = house.reply(self.ticket, "It is on its way.")

    def split(self, first: str = "<b@x.example>", *, of: int = 0) -> int:
        """Take the mail of this id and all after it into a ticket of their own."""
        with self.house.database.writing() as session:
            ticket = get_ticket(session, of or self.ticket)
            message = session.exec(select(Message).where(Message.message_id == first)).one()
            return split_ticket(session, ticket, message, by=ME).id

    def answer(self, sent: SentReply, way: str, *, author: str = "carla@customer.example") -> int:
        """In which ticket an answer to a mail of ours ends, which names it in this way only."""
        marks, mark = self.house.office.marks, self.house.office.marks.read_message_id(sent.header_id)
        assert mark is not None
        address = marks.reply_address(mark)
        words = {
            "to": {"to": f"Support <{address}>"},
            "in-reply-to": {"headers": f"In-Reply-To: {sent.header_id}\n"},
            "references": {"headers": f"References: <x@y.example> {sent.header_id}\n"},
            "text": {"text": f"thanks\n\n> {marks.body_mark(mark)}"},
        }.get(way, {})
        raw = mail(**{"text": "thanks", "author": author, "subject": "thanks", **words})
        return self.house.ticket_of(self.house.receive(raw, to=address if way == "envelope" else "")).id


@pytest.fixture
def matter(house: House) -> Matter:
    """Two questions in one ticket."""
    return Matter(house)


def merge(house: House, number: int, into: int) -> None:
    """Put a ticket into another one."""
    with house.database.writing() as session:
        merge_tickets(session, get_ticket(session, number), get_ticket(session, into), by=ME)


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_to_a_mail_that_was_split_off_goes_where_the_mail_is(matter: Matter, way: str) -> None:
    """By any mark; an answer to the mail that stayed goes where it stayed, and nobody is a stranger in either."""
    made = matter.split()
    assert (matter.answer(matter.moved, way), matter.answer(matter.kept, way)) == (made, matter.ticket)
    flags = [message.flags for number in (made, matter.ticket) for message in matter.house.messages(number)]
    assert not any(flags)


def test_the_trace_tells_that_a_mail_was_split_off(matter: Matter) -> None:
    """`mail why` names both tickets."""
    made = matter.split()
    row = matter.house.receive(mail("thanks", headers=f"In-Reply-To: {matter.moved.header_id}\n"))
    assert ["split", f"ticket {made}", f"the mail of ours went there from {matter.ticket}"] in row.trace


def test_what_was_split_twice_is_found(matter: Matter) -> None:
    """Each answer follows its own mail."""
    first = matter.split(matter.kept.header_id)
    second = matter.split(of=first)
    assert [matter.answer(sent, "envelope") for sent in (matter.kept, matter.moved)] == [first, second]


@pytest.mark.parametrize("back", [True, False])
def test_what_was_split_and_merged_is_found(matter: Matter, back: bool) -> None:
    """Put back where it came from, or into a third ticket."""
    made = matter.split()
    living = matter.ticket if back else matter.house.ticket_of(matter.house.receive(mail(subject="Other"))).id
    merge(matter.house, made, living)
    assert matter.answer(matter.moved, "envelope") == living
    assert matter.answer(matter.kept, "envelope") == matter.ticket


def test_what_was_merged_and_then_split_is_found(matter: Matter) -> None:
    """The mark names a dead ticket, whose mail has gone through the living one to a third."""
    living = matter.house.ticket_of(matter.house.receive(mail(subject="Other"))).id
    merge(matter.house, matter.ticket, living)
    made = matter.split(of=living)
    assert (matter.answer(matter.moved, "in-reply-to"), matter.answer(matter.kept, "in-reply-to")) == (made, living)


def test_a_ticket_that_was_split_before_it_was_merged_is_found(matter: Matter) -> None:
    """The living one remembers that mails of the dead one stand elsewhere."""
    made = matter.split()
    living = matter.house.ticket_of(matter.house.receive(mail(subject="Other"))).id
    merge(matter.house, matter.ticket, living)
    assert (matter.answer(matter.moved, "envelope"), matter.answer(matter.kept, "envelope")) == (made, living)


def test_what_was_split_off_and_moved_is_answered_in_its_new_queue(matter: Matter) -> None:
    """Its reply address belongs to the queue where it is now."""
    matter.house.add_queue("Sales")
    made = matter.split()
    with matter.house.database.writing() as session:
        move_to_queue(session, get_ticket(session, made), find_queue(session, "Sales"), by=ME)
    assert matter.answer(matter.moved, "envelope") == made
    [row] = matter.house.rows(matter.house.messages(made)[-1].spool_id or "")
    assert row.trace[0][:2] == ["recipient", "queue Sales"]


def test_a_stranger_follows_the_mail_too(matter: Matter) -> None:
    """Unverified, in the ticket where the mail is, and not in the one from which it was taken."""
    made = matter.split()
    assert matter.answer(matter.moved, "envelope", author=STRANGER) == made
    assert matter.house.messages(made)[-1].flags == ["unverified"]
    assert "sam@elsewhere.example" not in matter.house.people(matter.ticket)


@pytest.mark.parametrize("whose", ["old", "new"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_was_revoked_stays_so_after_a_split(matter: Matter, whose: str, when: str) -> None:
    """Whether the ticket that the mark names was revoked before the split or after it, or the new one was."""
    if when == "before":
        revoke(matter.house, matter.ticket)
    made = matter.split()
    if when == "after":
        revoke(matter.house, made if whose == "new" else matter.ticket)
    assert matter.answer(matter.moved, "envelope", author=STRANGER) not in (made, matter.ticket)


def revoke(house: House, number: int) -> None:
    """An agent makes the marks of a ticket worthless."""
    with house.database.writing() as session:
        revoke_marks(session, get_ticket(session, number), by=ME)


def test_revocation_reaches_over_several_mergers(matter: Matter) -> None:
    """A mark of the first of three tickets, of which the last one lives, is worthless too; a circle ends."""
    others = [matter.house.ticket_of(matter.house.receive(mail(subject=word))).id for word in ("x", "y")]
    merge(matter.house, matter.ticket, others[0])
    merge(matter.house, others[0], others[1])
    revoke(matter.house, others[1])
    assert matter.answer(matter.moved, "envelope", author=STRANGER) not in (matter.ticket, *others)


def test_a_bounce_of_a_mail_that_was_split_off_is_told_where_it_is(matter: Matter) -> None:
    """The report stands in the ticket of the mail that it is about."""
    made = matter.split()
    raw = mail(
        "",
        author="MAILER-DAEMON@mx.example",
        headers="MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nNo such user.\n\n--b\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; carla@customer.example\nAction: failed\n"
        f"Status: 5.1.1\n\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {matter.moved.header_id}\n\n--b--\n",
    )
    row = matter.house.receive(raw, reverse_path="")
    assert (row.state, matter.house.ticket_of(row).id) == (SpoolState.FILED, made)
