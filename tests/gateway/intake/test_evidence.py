"""Evidence that is left when headers were lost: marks in the text, Thread-Index, numbers of other desks."""

from base64 import b64encode

import pytest
from fakes.house import House, days_ago, mail

from outbound.marks import Audience
from storage.queues import FreshMail

STRANGER = "Sam Stranger <sam@elsewhere.example>"
INDEX = bytes(range(22))


def outlook(index: bytes, topic: str = "My printer smokes") -> str:
    """What Outlook writes into the header of every mail of a conversation."""
    return f"Thread-Index: {b64encode(index).decode()}\nThread-Topic: {topic}\n"


def html(text: str) -> str:
    """The header of an HTML mail; the text is given apart."""
    return f"MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n{text}"


@pytest.mark.parametrize("quoted", ["{}", "> {}", "> > {}\n> and more", "see <{}>."])
def test_a_mark_in_the_text_joins_the_ticket(house: House, quoted: str) -> None:
    """A customer whose program loses every header quotes our mark, and lands in his ticket."""
    ticket = house.ticket_of(house.receive(mail()))
    word = house.office.marks.body_mark(house.mark(ticket.id))
    row = house.receive(mail(f"thanks\n\n{quoted.format(word)}", subject="something else"))
    assert house.ticket_of(row).id == ticket.id


@pytest.mark.parametrize("form", ['<p class="x_ref-{0}">x</p>', '<span style="display:none">REF:{1}</span>'])
def test_a_mark_in_mangled_html_joins_the_ticket(house: House, form: str) -> None:
    """Outlook renames classes, others fold the case: the word itself stays."""
    ticket = house.ticket_of(house.receive(mail()))
    token = house.office.marks.body_mark(house.mark(ticket.id)).partition(":")[2]
    body = f"<html><body>thanks {form.format(token, token.upper())}</body></html>"
    row = house.receive(mail(body, subject="something else", headers=html("")))
    assert house.ticket_of(row).id == ticket.id


def test_a_mark_in_the_text_of_a_stranger_is_unverified(house: House) -> None:
    """A forwarded mail carries its mark along; that lets its reader write to the desk and makes him nothing."""
    ticket = house.ticket_of(house.receive(mail()))
    word = house.office.marks.body_mark(house.mark(ticket.id))
    house.receive(mail(f"hello {word}", author=STRANGER))
    assert house.messages(ticket.id)[-1].flags == ["unverified"]
    assert house.ticket(ticket.id).customer_address == "carla@customer.example"


def test_a_mark_of_another_place_is_none_in_a_text(house: House) -> None:
    """The token of a Message-ID, which everybody sees, is no mark of a body; nor is a changed one."""
    ticket = house.ticket_of(house.receive(mail()))
    token = house.office.marks.message_id(house.mark(ticket.id)).strip("<>").partition("@")[0]
    body = house.office.marks.body_mark(house.mark(ticket.id))
    changed = body[:-2] + ("a" if body[-2] != "a" else "b") + body[-1]
    for word in (f"ref:{token}", changed):
        assert house.ticket_of(house.receive(mail(f"hm {word}", author=STRANGER))).id != ticket.id


def test_a_notices_mark_opens_no_ticket_to_its_bearer(house: House) -> None:
    """A mark for agents is no evidence in a customer's mail."""
    ticket = house.ticket_of(house.receive(mail()))
    word = house.office.marks.body_mark(house.mark(ticket.id, audience=Audience.AGENT))
    assert house.ticket_of(house.receive(mail(f"hm {word}", author=STRANGER))).id != ticket.id


def test_thread_index_and_topic_of_a_participant_join(house: House) -> None:
    """Exchange may drop References; the first 22 octets of Thread-Index stay."""
    ticket = house.ticket_of(house.receive(mail(headers=outlook(INDEX))))
    row = house.receive(mail("more", subject="AW: My printer smokes", headers=outlook(INDEX + b"12345")))
    assert house.ticket_of(row).id == ticket.id


@pytest.mark.parametrize("other", ["topic", "index", "short", "garbage", "author"])
def test_half_of_the_thread_index_is_no_evidence(house: House, other: str) -> None:
    """Another topic, another index, one that is too short or broken, or a stranger: a ticket of its own."""
    ticket = house.ticket_of(house.receive(mail(headers=outlook(INDEX))))
    headers = {
        "topic": outlook(INDEX, "Invoice"),
        "index": outlook(INDEX[::-1]),
        "short": outlook(INDEX[:21]),
        "garbage": "Thread-Index: Zm9v!\nThread-Topic: My printer smokes\n",
    }.get(other, outlook(INDEX))
    author = STRANGER if other == "author" else "Carla Customer <carla@customer.example>"
    row = house.receive(mail("more", subject="Re: other", headers=headers, author=author))
    assert house.ticket_of(row).id != ticket.id


OTHER_DESKS = {
    "jira": ("<JIRA.142.1700000000000.1.17011@Atlassian.JIRA>", "<JIRA.142.1700000000000.9.17099@Atlassian.JIRA>"),
    "github": ("<owner/repo/issues/7@github.com>", "<owner/repo/issues/7/991@github.com>"),
    "gitlab": ("<issue_77@gitlab.example>", "<issue_77@gitlab.example>"),
    "rt": ("<rt-5.0.3-123-1700000000-11.4711-3-0@rt.example>", "<rt-5.0.3-9-1700009999-12.4711-5-0@rt.example>"),
    "bugzilla": ("<bug-12-3@bugs.example/>", "<bug-12-9-AbC@bugs.example/>"),
    "redmine": ("<redmine.issue-5.20260101000000@r.example>", "<redmine.issue-5.20260101000000.7@r.example>"),
}  # fmt: skip


@pytest.mark.parametrize("desk", OTHER_DESKS)
def test_another_desks_number_in_its_ids_joins(house: House, desk: str) -> None:
    """Its mails have new ids each time, which name the same case."""
    first, second = OTHER_DESKS[desk]
    author = "Their desk <desk@vendor.example>"
    ticket = house.ticket_of(house.receive(mail(author=author, headers=f"References: {first}\n")))
    row = house.receive(mail("news", subject="again", author=author, headers=f"References: {second}\n"))
    assert house.ticket_of(row).id == ticket.id


@pytest.mark.parametrize(
    "word", ["Ref:MSG0012345_aBcDeFgHiJ", "ref:_00D300iWI._5003000D8cu:ref", "ref:!00D30.!50030:ref"]
)
def test_another_desks_number_in_its_text_joins(house: House, word: str) -> None:
    """ServiceNow and Salesforce write it below each mail."""
    author = "Their desk <desk@vendor.example>"
    ticket = house.ticket_of(house.receive(mail(f"opened\n\n{word}", author=author)))
    assert house.ticket_of(house.receive(mail(f"news\n\n{word}", subject="again", author=author))).id == ticket.id


def test_another_desks_number_from_a_stranger_only_links(house: House) -> None:
    """Anybody can write a number."""
    word = "Ref:MSG0012345"
    ticket = house.ticket_of(house.receive(mail(f"opened {word}", author="desk@vendor.example")))
    row = house.receive(mail(f"news {word}", author=STRANGER))
    assert house.links(house.ticket_of(row).id) == [(ticket.id, "related")]


def test_the_mail_that_was_answered_comes_late_and_joins(house: House) -> None:
    """Greylisting turns mails round: the answer was first, its parent belongs to it."""
    ticket = house.ticket_of(house.receive(mail("and it burns", headers="In-Reply-To: <a@x.example>\n")))
    assert house.ticket_of(house.receive(mail(message_id="<a@x.example>"))).id == ticket.id


def test_a_strangers_id_does_not_hide_the_mark_below_it(house: House) -> None:
    """A colleague answers the customer's own mail, which quotes ours: the signed mark files it."""
    ticket = house.ticket_of(house.receive(mail(message_id="<a@x.example>")))
    word = house.office.marks.body_mark(house.mark(ticket.id))
    row = house.receive(mail(f"me too\n> {word}", author=STRANGER, headers="In-Reply-To: <a@x.example>\n"))
    assert house.ticket_of(row).id == ticket.id
    assert house.messages(ticket.id)[-1].flags == ["unverified"]


@pytest.mark.parametrize("header", ["Delivered-To", "X-Original-To", "Envelope-To", "X-Delivered-To"])
def test_a_reply_address_in_a_trace_header_joins(house: House, header: str) -> None:
    """A server on the way delivered to the reply address and passed the mail on."""
    ticket = house.ticket_of(house.receive(mail()))
    address = house.office.marks.reply_address(house.mark(ticket.id))
    row = house.receive(mail("thanks", subject="x", headers=f"{header}: <{address}>\n"))
    assert house.ticket_of(row).id == ticket.id


def test_join_open_looks_at_the_last_message_not_at_an_agents_work(house: House) -> None:
    """A note or a move of yesterday does not make an old conversation young."""
    house.set_queue("Support", fresh_mail=FreshMail.JOIN_OPEN, join_days=14)
    ticket = house.ticket_of(house.receive(mail()))
    house.change_message(ticket.id, 1, filed_at=days_ago(20))
    assert house.ticket_of(house.receive(mail("another thing", subject="Invoice"))).id != ticket.id


def test_join_open_knows_a_person_by_each_of_his_addresses(house: House) -> None:
    """Two addresses of one contact are one customer."""
    house.set_queue("Support", fresh_mail=FreshMail.JOIN_OPEN)
    ticket = house.ticket_of(house.receive(mail()))
    house.give_address("carla@customer.example", "carla@home.example")
    row = house.receive(mail("from home", subject="Invoice", author="Carla <carla@home.example>"))
    assert house.ticket_of(row).id == ticket.id
    assert house.ticket(ticket.id).customer_address == "carla@customer.example"


def test_a_second_address_of_the_customer_is_the_customer(house: House) -> None:
    """What he writes from home joins by unsigned evidence too."""
    ticket = house.ticket_of(house.receive(mail(message_id="<a@x.example>")))
    house.give_address("carla@customer.example", "carla@home.example")
    row = house.receive(mail("more", author="carla@home.example", headers="In-Reply-To: <a@x.example>\n"))
    assert house.ticket_of(row).id == ticket.id
    assert house.messages(ticket.id)[-1].flags == []


TAGS = (
    *("[#4711]", "[vendor.example #4711]", "[GLPI #0004711]", "[Acme Support #4711]", "[Ticket#2026112210000017]"),
    *("[Ticket ID: 4711]", "[CASE 1234567890]", "[JIRA] Commented: (OPS-4711)", "[JIRA] (OPS-4712)", "[A1B2C3-4D5E]"),
    *("INC0012345", "##RE-4711##", "[TrackingID#2611220010000017]", "[3-1234000012345]"),
)
NO_TAGS = ("[ISO-9001]", "[SUMMER-SALE]", "[POLICY-2026]", "[2026-11-22]", "#7", "(OPS-7)", "CS1", "[Ticket] 7", "##")


def test_another_desks_number_in_its_subject_joins(house: House) -> None:
    """Each of its mails has a new id and a new subject around the same tag; in other hands the tag only links."""
    for n, tag in enumerate(TAGS):
        author = f"Their desk <desk@vendor{n}.example>"
        number = house.ticket_of(house.receive(mail(f"{n}", author=author, subject=f"{tag} received"))).id
        found = house.ticket_of(house.receive(mail(f"news {n}", author=author, subject=f"Fixed: {tag}"))).id
        other = house.ticket_of(house.receive(mail(f"hi {n}", author=f"sam{n}@x.example", subject=f"{tag} mine"))).id
        assert (tag, found, house.links(other)) == (tag, number, [(number, "related")])


def test_what_looks_like_a_number_is_none(house: House) -> None:
    """A standard, a date, a campaign: two matters under it stay two."""
    for n, tag in enumerate(NO_TAGS):
        author = f"carla{n}@customer.example"
        first = house.ticket_of(house.receive(mail(f"{n}", author=author, subject=f"{tag} printer"))).id
        second = house.ticket_of(house.receive(mail(f"x {n}", author=author, subject=f"{tag} invoice"))).id
        assert (tag, second) != (tag, first)


def test_a_tag_with_the_name_of_a_queue_joins(house: House) -> None:
    """From somebody who takes part, and after tags that mean nothing here; in other hands it only links."""
    number = house.ticket_of(house.receive(mail())).id
    for tag in ("[Support-{}]", "Re: [SUPPORT-{}] x", "[#99] [#{}]", "[ISO-9001] [support-{}]"):
        assert house.ticket_of(house.receive(mail(f"more {tag}", subject=tag.format(number)))).id == number
    other = house.ticket_of(house.receive(mail("hi", author=STRANGER, subject=f"[Support-{number}]")))
    assert house.links(other.id) == [(number, "related")]


def test_a_tag_with_the_name_of_another_queue_is_none(house: House) -> None:
    """The number must be that of a ticket which is in that queue, or was."""
    house.add_queue("Sales")
    number = house.ticket_of(house.receive(mail())).id
    other = house.ticket_of(house.receive(mail("more", subject=f"[Sales-{number}] x")))
    assert (other.id != number, house.links(other.id)) == (True, [])


def test_a_strangers_ticket_does_not_hide_the_authors_own(house: House) -> None:
    """He answers into a thread whose newest mail we have from others, and in whose older one he takes part."""
    house.receive(mail("theirs", author=STRANGER, message_id="<s@x.example>"))
    own = house.ticket_of(house.receive(mail(message_id="<a@x.example>"))).id
    row = house.receive(mail("more", subject="x", headers="References: <a@x.example> <s@x.example>\n"))
    assert house.ticket_of(row).id == own
