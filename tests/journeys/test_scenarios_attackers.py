"""The scenario table, attackers: what somebody tries who knows addresses, ids and numbers, and what comes of it.

Forged marks are `test_scenarios_forgery`, at random `test_scenarios_follow_ups`; what DMARC tells is
`tests/gateway/intake/test_denied.py`.
"""

import pytest
from fakes.house import days_ago
from journeys.scene import Scene, why

from outbound.marks import Audience
from storage.queues import Acknowledge, FreshMail
from storage.spool import SpoolState
from storage.tickets import Status


def leaked(scene: Scene, number: int, audience: Audience = Audience.CUSTOMER) -> str:
    """A reply address of a ticket that somebody has passed on."""
    return scene.house.office.marks.reply_address(scene.house.mark(number, audience=audience))


def test_whom_a_stranger_names_is_nobody(scene: Scene) -> None:
    """With a leaked address he gets in as unverified; his friend, whom he copies, does not get in behind him."""
    number, friend = scene.first(), f"friend.{scene.stranger}"
    scene.ticket(
        "hi", author=scene.stranger, to=leaked(scene, number), message_id=scene.id("b"), headers=f"Cc: {friend}\n"
    )
    assert friend not in scene.house.people(number)
    other = scene.ticket("me too", author=friend, headers="In-Reply-To: {b}\n")
    assert scene.house.links(other.id) == [(number, "related")]


def test_an_unverified_writer_stays_one(scene: Scene) -> None:
    """Having written once makes him no participant: without the mark his next mail only links."""
    number = scene.first()
    scene.ticket("hi", author=scene.stranger, to=leaked(scene, number), message_id=scene.id("b"))
    other = scene.ticket("hi again", author=scene.stranger, headers="In-Reply-To: {b}\nReferences: {a} {b}\n")
    assert scene.house.links(other.id) == [(number, "related")]


def test_a_strangers_ticket_does_not_draw_the_victim_in(scene: Scene) -> None:
    """He opens one that names the victim's thread, and copies the victim: her next mail goes into her own."""
    number = scene.ticket(message_id=scene.id("a"), headers="References: {root}\n").id
    headers = f"Cc: {scene.customer}\nReferences: {{root}} {{a}}\n"
    assert scene.ticket("mine", author=scene.stranger, headers=headers).id != number
    for evidence in ("In-Reply-To: {root}\n", "In-Reply-To: {a}\n", "References: {root} {a}\n"):
        assert scene.ticket(f"more {evidence}", headers=evidence).id == number


@pytest.mark.parametrize("text", ["the same", "another"])
def test_who_uses_a_message_id_first_does_not_keep_the_real_mail_out(scene: Scene, text: str) -> None:
    """Not even with a copy of the very text: the victim's mail opens her ticket, and is answered to her."""
    scene.ticket("the same", author=scene.stranger, message_id=scene.id("a"))
    row = scene.receive(text, message_id=scene.id("a"))
    assert row.state is SpoolState.FILED
    ticket = scene.house.ticket_of(row)
    assert (ticket.customer_address, scene.flags(ticket.id)) == (scene.customer, ["same-id-other-content"])
    assert scene.ticket("more", headers="In-Reply-To: {a}\n").id == ticket.id


def test_our_own_message_id_on_a_strangers_mail_is_a_loop(scene: Scene) -> None:
    """He only silences himself; what was sent stays sent, and nobody is written to."""
    number = scene.first()
    sent = scene.house.reply(number, "Unplug it.")
    row = scene.receive("hi", author=scene.stranger, message_id=sent.header_id)
    assert (row.state, scene.house.ticket(number).messages) == (SpoolState.LOOP, 2)


@pytest.mark.parametrize("evidence", ["In-Reply-To: {a}\n", "tag"])
def test_the_name_of_an_agent_opens_nothing(scene: Scene, evidence: str) -> None:
    """From an agent's address without proof: a linked ticket, and nothing of it goes to the customer."""
    number = scene.first()
    subject = f"[#{number}] pay here" if evidence == "tag" else "pay here"
    headers = "" if evidence == "tag" else evidence
    other = scene.ticket("pay here", author=scene.house.agent.email, subject=subject, headers=headers)
    assert scene.house.links(other.id) == [(number, "related")]
    assert scene.sent(number) == []


def test_the_name_of_an_agent_with_a_leaked_address_is_unverified(scene: Scene) -> None:
    """The mark files it; it is no answer of ours."""
    number = scene.first()
    assert scene.ticket("pay here", author=scene.house.agent.email, to=leaked(scene, number)).id == number
    assert (scene.flags(number), scene.sent(number)) == (["unverified"], [])


@pytest.mark.parametrize(
    "author",
    ["c\u0430rla{n}@customer.example", "carla{n}@customer.example.evil.example", "carla{n}@cust\u043emer.example"],
)
def test_an_address_that_looks_like_the_customers_is_a_stranger(scene: Scene, author: str) -> None:
    """Letters of another alphabet, and a longer domain."""
    number = scene.first()
    other = scene.ticket("hi", author=author.format(n=scene.number), headers="In-Reply-To: {a}\n")
    assert other.id != number


@pytest.mark.parametrize(
    "author",
    [
        "eve{n}@evil.example ({customer})",
        '"{customer}" <eve{n}@evil.example>',
        "{customer}: eve{n}@evil.example;",
        "<@customer.example:eve{n}@evil.example>",
        '"{customer}"@evil.example',
    ],
)
def test_a_from_field_that_only_mentions_the_customer_is_not_his(scene: Scene, author: str) -> None:
    """In a comment, a display name, the name of a group, a route or quotes."""
    number = scene.first()
    written = author.format(n=scene.number, customer=scene.customer)
    row = scene.receive(
        "hi", author=written, headers="In-Reply-To: {a}\n", reverse_path=f"eve{scene.number}@evil.example"
    )
    assert scene.house.ticket_of(row).id != number


@pytest.mark.parametrize(
    "header", ["Sender", "Reply-To", "Resent-From", "X-Original-From", "X-Original-Sender", "Return-Path"]
)
def test_a_header_that_names_the_customer_does_not_make_him_the_author(scene: Scene, header: str) -> None:
    """Also together with a List-Id of the attacker's own."""
    number = scene.first()
    headers = f"In-Reply-To: {{a}}\n{header}: {scene.customer}\nList-Id: <l.evil.example>\n"
    assert scene.ticket("hi", author=scene.stranger, headers=headers).id != number


def test_an_address_written_into_a_form_takes_part_nowhere(scene: Scene) -> None:
    """Anybody may write hers into it: a ticket is opened for her, hers is left alone, also where fresh mail joins."""
    form = f"form{scene.number}@forms.example"
    number = scene.first()
    scene.house.set_queue(scene.name, form_senders=[form], fresh_mail=FreshMail.JOIN_OPEN)
    words = {"author": form, "headers": f"Reply-To: {scene.customer}\nIn-Reply-To: {{a}}\n"}
    other = scene.ticket("send the key to my new address", subject=f"[#{number}]", **words)
    assert (other.id != number, other.customer_address) == (True, scene.customer)
    assert scene.ticket("really", subject="Key", author=form, headers=f"Reply-To: {scene.customer}\n").id != number


@pytest.mark.parametrize("audience", [Audience.AGENT, Audience.PROBE])
def test_a_mark_that_was_not_made_for_customers_lets_nobody_in(scene: Scene, audience: Audience) -> None:
    """That of a notice, or of a test of a forward, in a header or a text."""
    number = scene.first()
    marks, mark = scene.house.office.marks, scene.house.mark(number, audience=audience)
    for n, words in enumerate(
        ({"headers": f"In-Reply-To: {marks.message_id(mark)}\n"}, {"text": marks.body_mark(mark)})
    ):
        assert scene.ticket(**{"author": f"{n}.{scene.stranger}", "subject": f"hi {n}", **words}).id != number


def test_the_mark_of_a_refusal_in_other_hands_is_unverified(scene: Scene) -> None:
    """In an open ticket like any other mark; in an old one it opens a linked ticket, as for its reader."""
    number = scene.first()
    address = leaked(scene, number, Audience.REFUSED)
    assert scene.ticket("hi", author=scene.stranger, to=address).id == number
    assert scene.flags(number) == ["unverified"]
    scene.house.change_ticket(number, status=Status.CLOSED, settled_at=days_ago(99))
    assert scene.house.links(scene.ticket("hi again", author=scene.stranger, to=address).id) == [(number, "follow-up")]


def test_mail_in_the_name_of_our_own_address_is_answered_by_nothing(scene: Scene) -> None:
    """From the creation address, or from the inbox that forwards: a ticket, and no mail of ours to ourselves."""
    inbox = f"inbox{scene.number}@company.example"
    scene.house.name_inbox(inbox, scene.name)
    scene.house.set_queue(scene.name, acknowledge=Acknowledge.ALL)
    number = scene.first()
    for author in (scene.address, inbox):
        row = scene.receive(f"hi from {author}", author=author, subject=author, headers="In-Reply-To: {a}\n")
        assert why(row, "acknowledge")[0] == "no"
        assert scene.house.ticket_of(row).id != number
        assert author not in scene.house.people(number)


@pytest.mark.parametrize("number", ["0", "9999999999", "2147483648", "00000000000000"])
def test_a_number_that_no_ticket_can_have_is_none(scene: Scene, number: str) -> None:
    """In a tag, with or without the name of the queue."""
    assert scene.house.links(scene.ticket(subject=f"[#{number}] [{scene.name}-{number}] hi").id) == []


def test_a_flood_of_evidence_is_read_within_bounds(scene: Scene) -> None:
    """Thousands of ids, tags, addresses and tokens: filed, and nobody's ticket is found by chance."""
    number = scene.first()
    token = leaked(scene, number).partition("@")[0]
    ids, people = " ".join(f"<{n}@x>" for n in range(5000)), ", ".join(f"{n}@x.example" for n in range(400))
    headers = f"References: {ids}\nCc: {people}\n"
    text = " ".join(f"ref:{token[-50:-2]}{a}{b}" for a in "abcdefghij" for b in "abcdefghijklmnop")
    subject = "".join(f"[#{n}]" for n in range(10**6, 10**6 + 300))
    row = scene.receive(text, author=scene.stranger, headers=headers, subject=subject)
    assert row.state in (SpoolState.FILED, SpoolState.HELD)
    assert scene.house.ticket(number).messages == 1


def test_a_machine_with_a_leaked_address_reopens_nothing(scene: Scene) -> None:
    """It is filed as unverified where it belongs, and the ticket stays closed."""
    number = scene.first()
    scene.house.change_ticket(number, status=Status.CLOSED, settled_at=days_ago(1))
    headers = "Auto-Submitted: auto-generated\n"
    assert scene.ticket("news", author=scene.stranger, to=leaked(scene, number), headers=headers).id == number
    assert (scene.house.ticket(number).status, scene.flags(number)) == (Status.CLOSED, ["unverified"])


def test_a_stranger_who_joins_by_his_own_ticket_does_not_reach_another(scene: Scene) -> None:
    """He has one of his own, and names the victim's beside it: he goes on in his own."""
    number = scene.first()
    own = scene.ticket("mine", author=scene.stranger, subject="Mine", message_id=scene.id("b")).id
    headers = "In-Reply-To: {a}\nReferences: {b} {a}\n"
    assert scene.ticket("hm", author=scene.stranger, subject=f"[#{number}] Mine", headers=headers).id == own
    assert own != number
