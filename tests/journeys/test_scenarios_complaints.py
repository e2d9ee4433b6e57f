"""The scenario table, complaints: what people complain about in other desks, by number.

Each is a mail that comes in and where it must end, in process and on both databases. Those that need more than intake
stand where `test_scenarios_table` says.
"""

import pytest
from fakes.house import days_ago
from journeys.scene import Scene, why

from config.errors import Refused
from outbound.replies import Draft, start_ticket
from storage.agents import add_agent
from storage.queues import Acknowledge, Forwards, find_queue
from storage.spool import SpoolState
from storage.tickets import Status


def test_complaint_01_a_quoted_ticket_number_lets_nobody_in(scene: Scene) -> None:
    """Anyone can write [#123]; only who takes part lands in it."""
    number = scene.first()
    other = scene.ticket("hi", author=scene.stranger, subject=f"Re: [#{number}] x")
    assert scene.house.links(other.id) == [(number, "related")]
    assert scene.ticket("hi", subject=f"Re: [#{number}] x").id == number


def test_complaint_02_a_copied_person_who_answers_does_not_become_the_customer(scene: Scene) -> None:
    """Neither the colleague in Cc, nor a stranger with our mark."""
    number = scene.first()
    address = scene.house.office.marks.reply_address(scene.house.mark(number))
    assert scene.ticket("me too", author=scene.colleague, headers="In-Reply-To: {a}\n").id == number
    assert scene.ticket("me too", author=scene.stranger, to=address).id == number
    assert scene.house.ticket(number).customer_address == scene.customer


def test_complaint_04_answers_of_many_to_one_mail_do_not_fill_one_ticket(scene: Scene) -> None:
    """Two strangers are shown as unverified, each further one has a ticket of his own."""
    number = scene.first()
    address = scene.house.office.marks.reply_address(scene.house.mark(number))
    found = [scene.ticket(f"hi {n}", author=f"s{n}.{scene.stranger}", to=address).id for n in range(5)]
    assert found[:2] == [number, number]
    assert len(set(found)) == 4


def test_complaint_05_a_new_matter_on_an_old_mail_is_a_new_ticket(scene: Scene) -> None:
    """It is not swallowed by the closed ticket, nor answered under the old subject."""
    number = scene.first()
    scene.house.change_ticket(number, status=Status.CLOSED, settled_at=days_ago(1))
    other = scene.ticket("x", subject="Invoice", headers="In-Reply-To: {a}\n")
    assert (other.subject, scene.house.links(other.id)) == ("Invoice", [(number, "follow-up")])


def test_complaint_06_a_thread_that_we_began_does_not_split(scene: Scene) -> None:
    """Our mail was the first; the answers name it alone, or only each other."""
    house = scene.house
    with house.database.reading() as session:
        queue = find_queue(session, scene.name)
    sent = start_ticket(house.database, house.office, house.agent, queue, scene.customer, "Offer", Draft("Hello"))
    answer = scene.ticket("yes", message_id=scene.id("b"), headers=f"References: {sent.header_id}\n")
    again = scene.ticket("and", headers="In-Reply-To: {b}\n")
    assert (answer.id, again.id) == (sent.ticket, sent.ticket)


def test_complaint_07_every_mail_of_ours_names_what_it_answers(scene: Scene) -> None:
    """In-Reply-To and References stand on acknowledgement and answer."""
    scene.house.set_queue(scene.name, acknowledge=Acknowledge.ALL)
    number = scene.first()
    scene.house.reply(number, "Unplug it.")
    for one in scene.sent(number):
        assert one["In-Reply-To"] == scene.id("a")
        assert scene.id("a") in one["References"]
    assert len(scene.sent(number)) == 2


def test_complaint_08_two_answers_to_a_mail_before_us_are_one_ticket(scene: Scene) -> None:
    """The desk came into Cc later; both name a mail that it never saw."""
    number = scene.ticket("one", headers=f"In-Reply-To: {{root}}\nCc: {scene.colleague}\n").id
    assert scene.ticket("two", author=scene.colleague, headers="In-Reply-To: {root}\n").id == number


@pytest.mark.parametrize(
    "prefix", ["Re", "AW", "WG", "Fwd", "FW", "TR", "RV", "ENC", "RES", "SV", "Vs", "答复", "转发", "Re[2]"]
)
def test_complaint_09_prefixes_of_all_languages_are_the_same_subject(scene: Scene, prefix: str) -> None:
    """A closed ticket reopens under each of them; none makes a new matter of it."""
    number = scene.first()
    scene.house.change_ticket(number, status=Status.CLOSED, settled_at=days_ago(1))
    assert scene.ticket("x", subject=f"{prefix}: My printer smokes", headers="In-Reply-To: {a}\n").id == number


def test_complaint_10_an_answer_to_a_merged_ticket_finds_the_living_one(scene: Scene) -> None:
    """Over two mergers, and a circle ends."""
    one, two, three = scene.first(), scene.ticket("b", subject="b").id, scene.ticket("c", subject="c").id
    scene.house.change_ticket(one, merged_into=two)
    scene.house.change_ticket(two, merged_into=three)
    assert scene.ticket("more", headers="In-Reply-To: {a}\n").id == three
    scene.house.change_ticket(three, merged_into=one)
    assert scene.receive("again", headers="In-Reply-To: {a}\n").state is SpoolState.FILED


@pytest.mark.parametrize("to", ["undisclosed-recipients:;", "somebody@else.example", ""])
def test_complaint_11_the_envelope_routes_whatever_the_header_names(scene: Scene, to: str) -> None:
    """Forwarded, Bcc, without To: the creation address in the envelope decides."""
    with scene.house.database.reading() as session:
        queue = find_queue(session, scene.name).number
    assert scene.ticket(to=scene.address, headers=f"X-Note: {to}\n").queue_id == queue
    raw = scene.mail("bcc", to=to)
    assert scene.house.ticket_of(scene.house.receive(raw, to=scene.address)).queue_id == queue


@pytest.mark.parametrize(
    "headers", ["Auto-Submitted: auto-replied\n", "X-Auto-Response-Suppress: All\nPrecedence: bulk\n"]
)
def test_complaint_12_robots_get_no_answer(scene: Scene, headers: str) -> None:
    """Nor does a no-reply address, nor mail with the null reverse-path."""
    scene.house.set_queue(scene.name, acknowledge=Acknowledge.ALL)
    robots = [
        scene.receive("away", headers=headers),
        scene.receive("news", author=f"no-reply@s{scene.number}.example"),
        scene.receive("null", reverse_path="", author=f"x{scene.number}@y.example"),
    ]
    assert [why(row, "acknowledge")[0] for row in robots] == ["no", "no", "no"]


def bounce(of: str) -> str:
    """The rest of a delivery report's header and its body."""
    return (
        "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nNo such user.\n\n--b\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; x@y.example\nAction: failed\nStatus: 5.1.1\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {of}\n\n--b--\n"
    )


def test_complaint_13_a_bounce_opens_no_ticket(scene: Scene) -> None:
    """Of a mail of ours it stands in its ticket; of any other it is a report and nothing else."""
    number = scene.first()
    sent = scene.house.reply(number, "Unplug it.")
    author = "MAILER-DAEMON@mx.example"
    row = scene.receive("", author=author, subject="Undeliverable", headers=bounce(sent.header_id), reverse_path="")
    assert scene.house.ticket_of(row).id == number
    row = scene.receive(
        "", author=author, subject="Undeliverable", headers=bounce("<no@where.example>"), reverse_path=""
    )
    assert row.state is SpoolState.REPORT


def test_complaint_14_broken_mail_is_kept_and_answered_by_nothing(scene: Scene) -> None:
    """No "could not be processed" goes to anybody."""
    raw = b"\xff\xfe\x01 no mail at all %d" % scene.number
    number = scene.house.ticket_of(scene.house.receive(raw, to=scene.address)).id
    assert scene.sent(number) == []


def test_complaint_15_our_inbox_is_no_agent_and_a_loop_names_both_addresses(scene: Scene) -> None:
    """The overlap is refused where it is made, and said where it shows."""
    inbox = f"inbox{scene.number}@company.example"
    scene.house.name_inbox(inbox, scene.name)
    with scene.house.database.writing() as session, pytest.raises(Refused, match=inbox):
        add_agent(session, inbox, "Support")
    own = scene.house.office.marks.message_id(scene.house.mark(1))
    row = scene.receive("home", message_id=own)
    assert (row.state, scene.customer in row.reason, scene.address in row.reason) == (SpoolState.LOOP, True, True)


def test_complaint_16_a_cap_says_that_it_held_something_back(scene: Scene) -> None:
    """The fourth acknowledgement within an hour is not sent, and the trace names the limit."""
    scene.house.set_queue(scene.name, acknowledge=Acknowledge.ALL)
    rows = [scene.receive(f"matter {n}", subject=f"Matter {n}") for n in range(4)]
    assert [why(row, "acknowledge")[0] for row in rows] == ["yes", "yes", "yes", "no"]
    assert "3 acknowledgements" in why(rows[3], "acknowledge")[1]


def test_complaint_20_japanese_mail_is_read(scene: Scene) -> None:
    """ISO-2022-JP without a charset, and with the wrong one."""
    for charset in ("", "Content-Type: text/plain; charset=us-ascii\n"):
        head = scene.mail("x", subject=f"jp{len(charset)}", headers=f"MIME-Version: 1.0\n{charset}").partition(
            b"\r\n\r\n"
        )[0]
        raw = head + b"\r\n\r\n" + "プリンターが燃えています".encode("iso-2022-jp") + b"\r\n"
        ticket = scene.house.ticket_of(scene.house.receive(raw, to=scene.address))
        assert "プリンター" in scene.house.messages(ticket.id)[0].text


def test_complaint_21_an_answer_between_the_lines_is_not_stripped_away(scene: Scene) -> None:
    """What is new is shown, and the whole text is kept."""
    number = scene.first()
    text = "> Is it on?\nYes it is.\n> Does it smoke?\nA lot."
    scene.ticket(text, headers="In-Reply-To: {a}\n")
    newest = scene.house.messages(number)[-1]
    assert "Yes it is." in newest.reply_text
    assert "A lot." in newest.reply_text
    assert "Is it on?" in newest.text


def test_complaint_22_an_image_that_nothing_refers_to_is_an_attachment(scene: Scene) -> None:
    """No Content-Disposition, and a content id that the HTML does not name."""
    headers = (
        "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\nLook\n"
        "--b\nContent-Type: image/png; name=smoke.png\nContent-ID: <s@x>\nContent-Transfer-Encoding: base64\n\n"
        "iVBORw0KGgo=\n\n--b--\n"
    )
    shown = scene.house.shown(scene.ticket("", headers=headers).id).messages[0]
    assert ("smoke.png", False) in [(file.filename, file.inline) for file in shown.attachments]


def test_complaint_24_reply_to_is_believed_of_listed_forms_only(scene: Scene) -> None:
    """Of anybody else it is shown and flagged."""
    headers = f"Reply-To: {scene.customer}\n"
    form = f"form{scene.number}@forms.example"
    assert scene.ticket("a", author=form, headers=headers, subject="a").customer_address == form
    scene.house.set_queue(scene.name, form_senders=[form])
    assert scene.ticket("b", author=form, headers=headers, subject="b").customer_address == scene.customer


FORWARD = (
    "---------- Forwarded message ---------\nFrom: {}\nDate: Mon, 2 Nov 2026 at 10:00\nSubject: Toner\n"
    "To: <me@x.example>\n\nEmpty."
)


def test_complaint_25_a_spammer_in_the_body_does_not_become_the_customer(scene: Scene) -> None:
    """Without proof the forward stays the forwarder's, and an address without a forwarded header is only text."""
    agent = scene.house.agent.email
    row = scene.receive(f"Hi\n\n{FORWARD.format(scene.stranger)}", author=agent, subject="Fwd: Toner")
    assert scene.house.ticket_of(row).customer_address == agent
    scene.house.set_queue(scene.name, forwards=Forwards.ANYONE)
    assert (
        scene.ticket(f"see spam@evil.example or {scene.stranger}", subject="Fwd: x").customer_address == scene.customer
    )
