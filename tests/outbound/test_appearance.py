"""How answers look: two alternatives that say the same, pictures inside, quotations without tokens, names in From."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peers.replydesk import CUSTOMER, Desk, open_desk, settings_for
from selectolax.lexbor import LexborHTMLParser
from sqlmodel import select

from config.errors import BadConfiguration
from gateway.reading.refs import find_refs
from outbound.appearance import REF_PLACE, hex_color
from outbound.compose import File
from outbound.markdown import html_of
from outbound.marks import Audience, Mark
from storage.ids import new_id
from storage.messages import Message
from storage.outbox import Outgoing
from storage.queues import FromName, Queue
from storage.tickets import ParticipantRole

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def _policies(desk: Desk, **values: object) -> None:
    def change(session) -> None:  # type: ignore[no-untyped-def]
        queue = session.get_one(Queue, desk.queue.number)
        for name, value in values.items():
            setattr(queue, name, value)
        session.add(queue)

    desk.change(change)


def _last(desk: Desk) -> EmailMessage:
    with desk.database.reading() as session:
        content = list(session.exec(select(Outgoing).order_by(Outgoing.id)))[-1].content  # type: ignore[arg-type]
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    text = str(body.get_content()).replace("\r\n", "\n")
    return text.partition("\n\nref:")[0] + "\n"  # the mark that ends it is told elsewhere


def _html(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    return str(body.get_content()) if body else ""


def test_answer_has_text_and_html_that_say_the_same(desk: Desk) -> None:
    """Markdown is HTML in one part and stands as it was written in the other."""
    _policies(desk, signature="Your Support", mail_footer="Acme Ltd", color="green")
    desk.reply(desk.ticket(), text="Do **this**:\n\n- one\n- two <b>x</b>")
    mail = _last(desk)
    assert mail.get_content_type() == "multipart/alternative"
    assert _text(mail) == "Do **this**:\n\n- one\n- two <b>x</b>\n\n-- \nYour Support\n\nAcme Ltd\n"
    html = _html(mail)
    assert "<strong>this</strong>" in html
    assert "two &lt;b&gt;x&lt;/b&gt;" in html
    assert "Your Support" in html
    assert "Acme Ltd" in html


def test_ticket_keeps_the_letter_without_its_mark(desk: Desk) -> None:
    """What the customer saw can be shown again, and nobody who reads it gets into the ticket by it."""
    number = desk.ticket()
    desk.reply(number, text="Turn it **off**.")
    desk.reply(number, text="And on.", plain=True, anyway=True)
    _, letter, plain = desk.messages(number)
    assert letter.html is not None
    assert "<strong>off</strong>" in letter.html
    assert find_refs(letter.html) == ()
    assert REF_PLACE not in letter.html
    assert plain.html is None


def test_plain_answer_and_queue_without_a_template_send_text_alone(desk: Desk) -> None:
    """`--plain` for one answer, `--template none` for all of a queue."""
    desk.reply(desk.ticket(), plain=True)
    assert _last(desk).get_content_type() == "text/plain"
    _policies(desk, template="none")
    desk.reply(desk.ticket())
    assert _last(desk).get_content_type() == "text/plain"


def test_picture_that_the_text_shows_stands_in_the_letter(desk: Desk) -> None:
    """It is related to the HTML; other files are attached, and a remote picture is only named."""
    files = (File("Foto März.png", "image/png", PNG), File("b.png", "image/png", PNG + b"b"))
    desk.reply(desk.ticket(), text="See ![it](<Foto März.png>) ![far](https://x.example/p.png)", attachments=files)
    mail = _last(desk)
    related = next(part for part in mail.walk() if part.get_content_type() == "multipart/related")
    html, picture = related.iter_parts()
    assert picture["Content-ID"].strip("<>") in html.get_content()
    assert picture.get_content() == PNG
    assert [part.get_filename() for part in mail.iter_attachments()] == ["b.png"]
    assert LexborHTMLParser(_html(mail)).css("img[src^=http]") == []


def test_logo_of_the_operators_folder_travels_with_the_mail(tmp_path: Path) -> None:
    """And one that is gone is told before anything is sent."""
    (tmp_path / "logo.png").write_bytes(PNG)
    desk = open_desk(settings_for(tmp_path, templates=str(tmp_path)))
    _policies(desk, logo="logo.png", template="card")
    desk.reply(desk.ticket())
    pictures = [part for part in _last(desk).walk() if part.get_content_maintype() == "image"]
    assert [part.get_content() for part in pictures] == [PNG]
    (tmp_path / "logo.png").unlink()
    with pytest.raises(BadConfiguration, match="logo"):
        desk.reply(desk.ticket())
    desk.database.close()


def test_broken_template_refuses_answers_and_text_still_goes(tmp_path: Path) -> None:
    """The agent is told the fault and may send with --plain."""
    (tmp_path / "letter-simple.html").write_text("{% for x in y %}")
    desk = open_desk(settings_for(tmp_path, templates=str(tmp_path)))
    number = desk.ticket()
    with pytest.raises(BadConfiguration, match="template check"):
        desk.reply(number)
    desk.reply(number, plain=True)
    desk.database.close()


@pytest.mark.parametrize(
    ("from_name", "name"),
    [
        (FromName.QUEUE, "Acme Help"),
        (FromName.AGENT_VIA_QUEUE, "Eva via Acme Help"),
        (FromName.AGENT, "Eva"),
    ],
)
def test_name_in_from_is_what_the_queue_wants(desk: Desk, from_name: FromName, name: str) -> None:
    """The queue, the agent via the queue, or the agent; Reply-To says the same."""
    _policies(desk, display_name="Acme Help", from_name=from_name)
    desk.reply(desk.ticket())
    assert _last(desk)["From"].addresses[0].display_name == name
    assert _last(desk)["Reply-To"].addresses[0].display_name == name


def _file_text(desk: Desk, number: int, text: str, author: str = CUSTOMER, **values: object) -> None:
    id_ = desk.mail(number, author).id

    def change(session) -> None:  # type: ignore[no-untyped-def]
        message = session.get_one(Message, id_)
        message.text = text
        for name, value in values.items():
            setattr(message, name, value)
        session.add(message)

    desk.change(change)


def test_last_mail_is_quoted_where_the_queue_wants_it_and_without_tokens(desk: Desk) -> None:
    """Below the signature, with its head in the language of the queue; our own tokens are gone."""
    _policies(desk, quote_last=True, language="de", signature="S")
    number = desk.ticket()
    address = desk.office.marks.reply_address(Mark(Audience.CUSTOMER, number, new_id()))
    _file_text(desk, number, f"It smokes.\n\nWrite to <{address.upper()}>\n")
    desk.reply(number, text="Oh.")
    text = _text(_last(desk))
    assert "\n> It smokes.\n>\n> Write to [...]\n" in text
    assert " schrieb Ann:\n> " in text
    assert text.index("Oh.") < text.index("-- \nS") < text.index("schrieb")
    assert address.partition("@")[0] not in (text + _html(_last(desk))).lower().replace(_last(desk)["Reply-To"], "")
    assert "It smokes.<br>" in _html(_last(desk))


@pytest.mark.parametrize("flag", ["verification", "unverified"])
def test_what_must_not_travel_is_never_quoted(desk: Desk, flag: str) -> None:
    """Sign-up codes and what unverified writers say stay here."""
    _policies(desk, quote_last=True)
    number = desk.ticket()
    _file_text(desk, number, "The code is 4711", flags=[flag])
    desk.reply(number)
    assert "4711" not in _text(_last(desk)) + _html(_last(desk))
    desk.add_participant(number, "stranger@evil.example", ParticipantRole.UNVERIFIED)
    _file_text(desk, number, "Secret 4712", author="stranger@evil.example")
    desk.reply(number)
    assert "4712" not in _text(_last(desk)) + _html(_last(desk))


def test_marker_stands_on_top_of_both_parts(desk: Desk) -> None:
    """Customers of mail programs that quote badly are asked to answer above it."""
    _policies(desk, reply_marker=True, language="pt")
    desk.reply(desk.ticket())
    assert _text(_last(desk)).startswith("##- Por favor, escreva a sua resposta acima desta linha -##\n\n")
    assert "acima desta linha -##" in _html(_last(desk))


HOSTILE = st.text(
    st.one_of(st.sampled_from("<>&\"'`*_[]()!#|~:/\\-+\n \t"), st.sampled_from("javascript"), st.characters()),
    max_size=200,
)


@settings(max_examples=300, deadline=None)
@given(text=HOSTILE)
def test_markdown_of_anybody_makes_no_html_of_his_own(text: str) -> None:
    """No script, no handler, no picture from outside, no link that is not mail or web."""
    page = LexborHTMLParser(f"<div>{html_of(text)}</div>")
    assert page.css("script, style, iframe, object, form, svg, img") == []
    for node in page.css("*"):
        assert set(node.attributes) <= {"href", "start", "style", "title", "class"}
        link = (node.attributes.get("href") or "").strip().lower()
        assert not link.startswith(("javascript:", "vbscript:", "data:", "file:"))


def test_markdown_leaves_what_people_write_alone() -> None:
    """Line breaks stay, a pasted indent is no code, a row of hyphens no headline, names of files no links."""
    assert html_of("a\nb") == "<p>a<br />\nb</p>\n"
    assert "<pre>" not in html_of("    four blanks")
    assert "<h2>" not in html_of("Title\n---")
    assert "<a" not in html_of("see report.py and 3.14")
    assert '<a href="https://x.example/a_b">' in html_of("see https://x.example/a_b.")


@pytest.mark.parametrize(
    ("text", "color"), [("#AABBCC", "#aabbcc"), ("Green", "#2b8a3e"), ("red;}</style>", ""), ("", "")]
)
def test_color_brings_no_css_along(text: str, color: str) -> None:
    """Six digits or a name that we know."""
    assert hex_color(text) == color
