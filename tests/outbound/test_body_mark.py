"""The mark that ends the text of what we send, and that other marks do not go along with it."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from peers.replydesk import Desk, MakeDesk
from sqlmodel import select

from gateway.reading.refs import find_refs
from outbound.marks import Audience, Mark
from storage.ids import new_id
from storage.outbox import Outgoing
from storage.queues import Queue


def sent_mail(desk: Desk) -> EmailMessage:
    """The one mail in the outbox."""
    with desk.database.reading() as session:
        parsed = message_from_bytes(session.exec(select(Outgoing)).one().content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def text_of(mail: EmailMessage) -> str:
    """Its plain text."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_the_text_of_a_reply_ends_with_a_mark_of_its_ticket(desk: Desk) -> None:
    """What the customer quotes finds the ticket and the mail; in the ticket itself the mark is not shown."""
    number = desk.ticket()
    desk.reply(number)
    [word] = find_refs(text_of(sent_mail(desk)))
    mark = desk.office.marks.read_body_mark(word)
    assert mark is not None
    assert (mark.ticket_id, mark.audience) == (number, Audience.CUSTOMER)
    assert not find_refs(desk.messages(number)[-1].text)


def test_the_mark_can_be_left_out(make_desk: MakeDesk) -> None:
    """Who does not want it in his letters sets body_mark to false."""
    desk = make_desk(body_mark=False)
    desk.reply(desk.ticket())
    assert not find_refs(text_of(sent_mail(desk)))


def test_marks_of_ours_in_a_text_do_not_leave(desk: Desk) -> None:
    """A pasted or quoted reply address would let its reader into the ticket; addresses of others stay."""
    number = desk.ticket()
    mark, marks = Mark(Audience.CUSTOMER, number, new_id()), desk.office.marks
    ours = [marks.reply_address(mark), marks.message_id(mark), marks.return_path(mark), marks.body_mark(mark)]
    theirs = ["ann@customer.example", "re-" + "a" * 50 + "@in.desk.example", "a" * 50]
    desk.reply(number, text="\n".join([f"> {word.upper()} x" for word in ours] + theirs))
    text = text_of(sent_mail(desk))
    assert text.count("> [...] x") == len(ours)
    assert all(word in text for word in theirs)


def test_an_id_that_we_made_up_is_not_quoted(desk: Desk) -> None:
    """The customer's mail had no Message-ID: nobody but us knows the one in our database."""
    number = desk.ticket()
    desk.mail(number, message_id="<0123@no-message-id.invalid>")
    desk.reply(number)
    assert "invalid" not in f"{sent_mail(desk)['In-Reply-To']} {sent_mail(desk)['References']}"


@pytest.mark.parametrize("template", ["simple", "card", "own"])
def test_mark_is_the_last_and_smallest_thing_in_a_letter(make_desk: MakeDesk, tmp_path: Path, template: str) -> None:
    """Once, grey, and below everything else, whether the template has a place for it or not; text has it last."""
    (tmp_path / "letter-own.html").write_text("<html><body><p>{{ words }}</p></body></html>")
    desk = make_desk(templates=str(tmp_path))
    desk.change(lambda session: setattr(session.get_one(Queue, desk.queue.number), "template", template))
    desk.reply(desk.ticket(), text="Unplug it.\n\n[ref]")
    mail = sent_mail(desk)
    html = mail.get_body(("html",))
    assert html is not None
    letter = str(html.get_content())
    [word] = find_refs(letter)
    [shown] = re.findall(f'style="([^"]*)">ref:{word}<', letter)
    assert {"font-size: 9px", "color: #a8a8a8"} <= {one.strip() for one in shown.split(";")}
    assert re.sub(r"<[^>]*>", "", letter.partition(word)[2]).strip() == ""
    assert text_of(mail).rstrip().endswith(word)
    assert "[ref]" in letter


@pytest.mark.parametrize("template", ["simple", "card"])
def test_letter_without_a_mark_has_no_place_for_it(make_desk: MakeDesk, template: str) -> None:
    """body_mark = false leaves no empty line behind."""
    desk = make_desk(body_mark=False)
    desk.change(lambda session: setattr(session.get_one(Queue, desk.queue.number), "template", template))
    desk.reply(desk.ticket())
    html = sent_mail(desk).get_body(("html",))
    assert html is not None
    assert 'class="ref"' not in html.get_content()
    assert "[ref]" not in html.get_content()
