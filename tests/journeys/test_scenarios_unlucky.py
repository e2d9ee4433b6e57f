"""The scenario table, unlucky customers: honest mail that took a bad turn, and where it must end all the same."""

from dataclasses import replace

import pytest
from fakes.house import days_ago
from journeys.scene import Scene, why

from outbound.marks import Audience, person_tag
from storage.addresses import new_address, retire_address
from storage.contacts import find_contact, merge_contacts
from storage.erasure import erase_contact
from storage.ids import first_id
from storage.joining import merge_tickets
from storage.participants import change_customer, remove_participant
from storage.queues import Acknowledge, archive_queue, find_queue
from storage.spool import SpoolState
from storage.tickets import Status, get_ticket

ME = "agent@company.example"


def reply_address(scene: Scene, number: int) -> str:
    """The signed reply address of a mail of ours in a ticket."""
    return scene.house.office.marks.reply_address(scene.house.mark(number))


def test_two_customers_on_one_thread_share_a_ticket(scene: Scene) -> None:
    """The colleague answers, then names a third one, who answers too: nobody is a stranger, the customer stays."""
    number, third = scene.first(), f"dora{scene.number}@customer.example"
    answer = scene.ticket(
        "me too", author=scene.colleague, message_id=scene.id("b"), headers=f"Cc: {third}\nIn-Reply-To: {{a}}\n"
    )
    last = scene.ticket("and me", author=third, headers="In-Reply-To: {b}\n")
    assert {answer.id, last.id, number} == {number}
    assert scene.house.ticket(number).customer_address == scene.customer
    assert not any(message.flags for message in scene.house.messages(number))


def test_a_customer_with_a_new_address_is_not_lost(scene: Scene) -> None:
    """By our mark he is unverified in his ticket; as soon as an agent knows the address, he takes part."""
    number, home = scene.first(), f"carla{scene.number}@private.example"
    assert scene.ticket("from home", author=home, to=reply_address(scene, number)).id == number
    assert scene.flags(number) == ["unverified"]
    with scene.house.database.writing() as session:
        merge_contacts(session, find_contact(session, home), find_contact(session, scene.customer))
    assert scene.ticket("again", author=home, headers="In-Reply-To: {a}\n").id == number
    assert scene.flags(number) == []


@pytest.mark.parametrize("first", ["carla+shop", "carla"])
def test_a_tag_in_the_local_part_makes_no_stranger(scene: Scene, first: str) -> None:
    """He wrote from `carla+shop`, and his program answers from `carla`; or the other way round."""
    domain = f"tags{scene.number}.example"
    number = scene.ticket(author=f"{first}@{domain}", message_id=scene.id("a")).id
    for name in ("carla", "carla+shop", "Carla+Other"):
        assert scene.ticket(f"as {name}", author=f"{name}@{domain}", headers="In-Reply-To: {a}\n").id == number
        assert scene.flags(number) == []
    assert scene.ticket("x", author=f"carl@{domain}", headers="In-Reply-To: {a}\n").id != number


def test_a_mail_to_two_queues_stays_two_tickets_through_answers_to_all(scene: Scene) -> None:
    """Each copy of an answer to all finds the ticket of its own queue, whichever of our mails it names."""
    other = scene.house.add_queue(f"Other {scene.number}")
    id_ = scene.house.accept(scene.mail(message_id=scene.id("a")), to=f"{scene.address},{other}")
    scene.house.work()
    one, two = (scene.house.ticket_of(row).id for row in scene.house.rows(id_))
    sent = scene.house.reply(one, "Unplug it.")
    raw = scene.mail("done", headers=f"References: {{a}} {sent.header_id}\nIn-Reply-To: {sent.header_id}\n")
    id_ = scene.house.accept(raw, to=f"{reply_address(scene, one)},{other}")
    scene.house.work()
    assert [scene.house.ticket_of(row).id for row in scene.house.rows(id_)] == [one, two]


def test_what_was_forwarded_to_another_queue_goes_on_there(scene: Scene) -> None:
    """The first mail there opens a linked ticket, the next ones join it."""
    number, other = scene.first(), scene.house.add_queue(f"Other {scene.number}")
    mark = scene.house.office.marks.message_id(scene.house.mark(number))
    made = scene.ticket("see below", to=other, message_id=scene.id("b"), headers=f"References: {{a}} {mark}\n").id
    assert scene.house.links(made) == [(number, "forward")]
    assert scene.ticket("more", to=other, headers=f"In-Reply-To: {mark}\nReferences: {{a}} {mark} {{b}}\n").id == made


def test_a_mail_to_two_addresses_of_a_queue_is_one_message(scene: Scene) -> None:
    """The second one is a duplicate that the message shows."""
    with scene.house.database.writing() as session:
        second = new_address(session, find_queue(session, scene.name), scene.house.settings.domain).address
    id_ = scene.house.accept(scene.mail(), to=f"{scene.address},{second}")
    scene.house.work()
    assert sorted(row.state for row in scene.house.rows(id_)) == [SpoolState.DUPLICATE, SpoolState.FILED]


@pytest.mark.parametrize("inbox_first", [True, False])
def test_an_answer_to_the_reply_address_and_the_inbox_is_one_message(scene: Scene, inbox_first: bool) -> None:
    """He answers to all; both copies reach us, in any order, one of them with the trace of a forward."""
    number = scene.first()
    address = reply_address(scene, number)
    words = {"to": f"{address}, support@company.example", "message_id": scene.id("b")}
    copies = [
        (address, scene.mail("done", **words)),
        (scene.address, b"Delivered-To: x@y.example\r\n" + scene.mail("done", **words)),
    ]
    states = [scene.house.receive(raw, to=to).state for to, raw in (reversed(copies) if inbox_first else copies)]
    assert states == [SpoolState.FILED, SpoolState.DUPLICATE]
    assert scene.house.ticket(number).messages == 2


def test_a_token_in_cc_alone_is_enough(scene: Scene) -> None:
    """He wrote to the inbox, and his program kept our address in Cc."""
    number = scene.first()
    assert (
        scene.ticket("more", subject="x", headers=f"Cc: Desk <{reply_address(scene, number).upper()}>\n").id == number
    )


@pytest.mark.parametrize("kept", ["newest", "oldest", "own"])
def test_truncated_references_still_find_the_ticket(scene: Scene, kept: str) -> None:
    """In-Reply-To is gone, and of the chain one id is left: our answer's, his first mail's, or his last."""
    number = scene.first()
    sent = scene.house.reply(number, "Unplug it.")
    scene.ticket("done", message_id=scene.id("b"), headers=f"In-Reply-To: {sent.header_id}\n")
    left = {"newest": sent.header_id, "oldest": "{a}", "own": "{b}"}[kept]
    assert scene.ticket("hm", subject="x", headers=f"References: {left}\n").id == number


def test_a_long_chain_of_references_is_read_from_its_newest_end(scene: Scene) -> None:
    """Two hundred answers among customers, and ours among the last ones."""
    number = scene.first()
    chain = [f"<{n}.{scene.number}@long.example>" for n in range(200)]
    chain.insert(190, "{a}")
    assert scene.ticket("hm", subject="x", headers=f"References: {' '.join(chain)}\n").id == number


def test_a_new_subject_in_a_young_thread_stays_in_the_ticket(scene: Scene) -> None:
    """He found a better name for the matter."""
    number = scene.first()
    assert scene.ticket("hm", subject="Now it burns", headers="In-Reply-To: {a}\n").id == number


def test_an_automatic_answer_to_our_acknowledgement_is_filed_and_answered_by_nothing(scene: Scene) -> None:
    """Out of office: it stands in the ticket, changes nothing, and nobody is written to again."""
    scene.house.set_queue(scene.name, acknowledge=Acknowledge.ALL)
    number = scene.first()
    [acknowledgement] = scene.sent(number)
    headers = f"In-Reply-To: {acknowledgement['Message-ID']}\nAuto-Submitted: auto-replied\n"
    row = scene.receive("I am away", subject="Out of office", reverse_path="", headers=headers)
    assert scene.house.ticket_of(row).id == number
    assert (len(scene.sent(number)), scene.house.ticket(number).status) == (1, Status.NEW)


def test_a_bounce_of_our_acknowledgement_reopens_nothing(scene: Scene) -> None:
    """It stands in the ticket as what it is."""
    scene.house.set_queue(scene.name, acknowledge=Acknowledge.ALL)
    number = scene.first()
    [acknowledgement] = scene.sent(number)
    scene.house.change_ticket(number, status=Status.SOLVED, settled_at=days_ago(1))
    headers = (
        "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nNo such user.\n\n--b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; {scene.customer}\nAction: failed\n"
        "Status: 5.1.1\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {acknowledgement['Message-ID']}\n\n--b--\n"
    )
    row = scene.receive("", author="MAILER-DAEMON@mx.example", reverse_path="", headers=headers)
    assert (scene.house.ticket_of(row).id, scene.house.ticket(number).status) == (number, Status.SOLVED)


def test_an_answer_to_an_old_notification_opens_a_linked_ticket(scene: Scene) -> None:
    """He answers the acknowledgement of last year; his matter is seen, and the old one is at hand."""
    scene.house.set_queue(scene.name, acknowledge=Acknowledge.ALL)
    number = scene.first()
    [acknowledgement] = scene.sent(number)
    scene.house.change_ticket(number, status=Status.CLOSED, settled_at=days_ago(300))
    made = scene.ticket("again", headers=f"In-Reply-To: {acknowledgement['Message-ID']}\n")
    assert scene.house.links(made.id) == [(number, "follow-up")]


def test_an_answer_after_a_chain_of_mergers_is_his_own(scene: Scene) -> None:
    """By commands, three tickets into one: his answer to the first is no stranger's in the last."""
    numbers = [scene.first(), *(scene.ticket(subject=word).id for word in ("b", "c"))]
    with scene.house.database.writing() as session:
        for dead, living in (numbers[:2], numbers[1:]):
            merge_tickets(session, get_ticket(session, dead), get_ticket(session, living), by=ME)
    assert scene.ticket("more", to=reply_address(scene, numbers[0])).id == numbers[2]
    assert scene.flags(numbers[2]) == []


def test_who_writes_after_his_erasure_has_a_new_matter(scene: Scene) -> None:
    """By mark and by id; nothing lands in the empty shell, from which nobody could be answered."""
    number = scene.first()
    with scene.house.database.writing() as session:
        erase_contact(session, find_contact(session, scene.customer), by=ME)
    for words in ({"to": reply_address_of_before(scene, number)}, {"headers": "In-Reply-To: {a}\n"}):
        made = scene.ticket(f"me again {words}", **words)
        assert (made.id != number, made.customer_address) == (True, scene.customer)


def reply_address_of_before(scene: Scene, number: int) -> str:
    """One that a mail carried which was written a day ago."""
    mark = replace(scene.house.mark(number), outgoing_id=first_id(days_ago(1)))
    return scene.house.office.marks.reply_address(mark)


def test_a_blocked_customer_is_ignored_in_his_own_ticket(scene: Scene) -> None:
    """An agent has said so, for spam: no token opens the door again, and `mail list` shows what came."""
    number = scene.first()
    with scene.house.database.writing() as session:
        find_contact(session, scene.customer).blocked = True
    row = scene.receive("buy", to=reply_address(scene, number))
    assert (row.state, scene.house.ticket(number).messages) == (SpoolState.IGNORED, 1)


def test_a_colleague_whom_an_agent_removed_is_a_stranger_again(scene: Scene) -> None:
    """Unsigned evidence only links, our mark makes him unverified."""
    number = scene.first()
    with scene.house.database.writing() as session:
        remove_participant(session, get_ticket(session, number), scene.colleague, by=ME)
    linked = scene.ticket("hm", author=scene.colleague, headers="In-Reply-To: {a}\n")
    assert scene.house.links(linked.id) == [(number, "related")]
    assert scene.ticket("hm again", author=scene.colleague, to=reply_address(scene, number)).id == number
    assert scene.flags(number) == ["unverified"]


def test_the_old_customer_still_takes_part(scene: Scene) -> None:
    """An agent named another one; who was it goes on writing in the ticket."""
    number = scene.first()
    with scene.house.database.writing() as session:
        change_customer(session, get_ticket(session, number), scene.colleague, by=ME)
    assert scene.ticket("hm", headers="In-Reply-To: {a}\n").id == number
    assert scene.house.ticket(number).customer_address == scene.colleague


@pytest.mark.parametrize("gone", ["address", "queue"])
def test_an_answer_through_what_is_gone_finds_its_ticket(scene: Scene, gone: str) -> None:
    """The address was retired, or the queue archived: both still route."""
    number = scene.first()
    with scene.house.database.writing() as session:
        if gone == "address":
            retire_address(session, scene.address)
        else:
            archive_queue(session, scene.name)
    assert scene.ticket("hm", headers="In-Reply-To: {a}\n").id == number


def test_a_bcc_copy_is_answered_by_its_reader(scene: Scene) -> None:
    """Whom an agent put into Bcc answers with his own mark: he is unverified until somebody confirms him."""
    number = scene.first()
    mark = scene.house.mark(number, person=person_tag(scene.stranger), audience=Audience.COPY)
    address = scene.house.office.marks.reply_address(mark)
    assert scene.ticket("thanks", author=scene.stranger, to=address).id == number
    assert scene.flags(number) == ["unverified"]


def test_an_answer_that_names_nobody_as_author_is_kept(scene: Scene) -> None:
    """Without From, or with one that is no address: the reply address files it, nobody becomes the customer."""
    number = scene.first()
    row = scene.receive(
        "hm", author="Carla", to=reply_address(scene, number), reverse_path=f"x{scene.number}@y.example"
    )
    assert scene.house.ticket_of(row).id == number
    assert "unverified" in scene.flags(number)


def test_a_redirected_mail_is_its_authors(scene: Scene) -> None:
    """Somebody in the company redirected it: From is the customer, whoever resent it."""
    ticket = scene.ticket(headers="Resent-From: boss@company.example\nResent-To: support@company.example\n")
    assert ticket.customer_address == scene.customer


def test_a_read_receipt_changes_nothing(scene: Scene) -> None:
    """It stands in the ticket, which stays solved."""
    number = scene.first()
    sent = scene.house.reply(number, "Unplug it.")
    scene.house.change_ticket(number, status=Status.SOLVED, settled_at=days_ago(1))
    headers = (
        "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nIt was read.\n\n--b\nContent-Type: message/disposition-notification\n\n"
        f"Final-Recipient: rfc822; {scene.customer}\nOriginal-Message-ID: {sent.header_id}\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n\n--b--\n"
    )
    row = scene.receive("", subject="Read: x", headers=headers)
    assert (scene.house.ticket_of(row).id, scene.house.ticket(number).status) == (number, Status.SOLVED)


def test_the_trace_says_where_a_mail_went_and_why(scene: Scene) -> None:
    """Each finder that was asked stands there with its answer, then the place."""
    scene.first()
    row = scene.receive("hm", headers="In-Reply-To: {a}\n")
    assert why(row, "by_signed_id")[0] == "no"
    assert why(row, "by_stored_id")[0].startswith("ticket")
    assert why(row, "participant")[0] == "customer"
