"""Who the customer is, behind lists and forms, and in queues for known contacts."""

import pytest
from fakes.house import House, days_ago, mail

from gateway.intake.checks.flood import UNKNOWN
from storage.contacts import find_contact
from storage.spool import Spool, SpoolState, drop_old_held, release

CARLA = "carla@customer.example"
LIST = "List-Id: Help <help.company.example>\n"
# What stands in the header of a mail that a list wrote itself into.
LISTS = {
    "google groups": (
        "'Carla Customer' via Help <help@company.example>",
        f"{LIST}Mailing-list: list help@company.example; contact help+owners@company.example\n"
        f"X-Original-Sender: {CARLA}\nX-Original-From: Carla Customer <{CARLA}>\n"
        "List-Post: <https://groups.google.com/a/company.example/group/help/post>, <mailto:help@company.example>\n",
    ),
    "google groups without X-Original-From": (
        "'Carla Customer' via Help <help@company.example>",
        f"{LIST}X-Original-Sender: {CARLA}\n",
    ),
    "mailman": (
        "Carla Customer via Help <help@company.example>",
        f"{LIST}X-BeenThere: help@company.example\nReply-To: Carla Customer <{CARLA}>\n",
    ),
    "mailman with the list in Reply-To": (
        "Carla Customer via Help <help@company.example>",
        f"{LIST}Reply-To: help@company.example, Carla Customer <{CARLA}>\n",
    ),
    "sympa": (
        '"Carla Customer (via help Mailing List)" <help@company.example>',
        f"{LIST}X-Original-From: Carla Customer <{CARLA}>\n",
    ),
    "groups.io": ("Carla Customer via groups.io <carla=customer.example@groups.io>", "List-Id: <help.groups.io>\n"),
    "ietf": ("Carla Customer <carla=40customer.example@dmarc.ietf.org>", "List-Id: <help.ietf.org>\n"),
}


@pytest.mark.parametrize("kind", LISTS)
def test_the_author_behind_a_list_is_the_customer(house: House, kind: str) -> None:
    """A list that put itself into From is undone; the flag and an event say so."""
    author, headers = LISTS[kind]
    ticket = house.ticket_of(house.receive(mail(author=author, headers=headers)))
    first = house.messages(ticket.id)[0]
    assert (ticket.customer_address, first.author_email, first.author_name) == (CARLA, CARLA, "Carla Customer")
    assert "behind-list" in first.flags


@pytest.mark.parametrize(
    "headers",
    [
        f"X-Original-From: Boss <boss@company.example>\nReply-To: {CARLA}\n",
        f"{LIST}X-Original-From: boss@company.example\n",
        f"{LIST}Reply-To: boss@company.example\nList-Post: <mailto:help@company.example>\n",
    ],
)
def test_an_author_of_his_own_is_not_replaced(house: House, headers: str) -> None:
    """X-Original-From and Reply-To say nothing where From is not the list's own."""
    row = house.receive(mail(author="Eve <eve@elsewhere.example>", headers=headers))
    assert house.ticket_of(row).customer_address == "eve@elsewhere.example"


def test_a_list_that_names_several_people_is_left_as_it_is(house: House) -> None:
    """Where two stand in Reply-To, nobody knows which of them wrote."""
    headers = f"{LIST}Reply-To: {CARLA}, bob@customer.example\n"
    row = house.receive(mail(author="Carla via Help <help@company.example>", headers=headers))
    assert house.ticket_of(row).customer_address == "help@company.example"


FORM = mail(
    "Name: Carla\nMy printer smokes",
    author="Website <noreply@forms.example>",
    headers=f"Reply-To: Carla Customer <{CARLA}>\nAuto-Submitted: auto-generated\n",
)


def test_reply_to_of_a_listed_form_is_the_customer(house: House) -> None:
    """The person who filled it in wrote the mail; both addresses are shown, and nothing is proved."""
    house.set_queue("Support", form_senders=["noreply@forms.example"])
    ticket = house.ticket_of(house.receive(FORM))
    first = house.messages(ticket.id)[0]
    assert (ticket.customer_address, first.author_name, first.kind) == (CARLA, "Carla Customer", "human")
    assert first.flags == ["form-sender"]
    assert "Reply-To of the form sender noreply@forms.example" in [text for kind, text in house.events(ticket.id)]


def test_reply_to_of_anybody_else_is_only_shown(house: House) -> None:
    """A stranger who writes another address into Reply-To stays himself; the flag warns."""
    ticket = house.ticket_of(house.receive(FORM))
    first = house.messages(ticket.id)[0]
    assert ticket.customer_address == "noreply@forms.example"
    assert (first.reply_to, first.flags) == ([["Carla Customer", CARLA]], ["reply-to-differs"])


def test_the_storm_check_counts_people_behind_a_form(house: House) -> None:
    """Four visitors who choose the same subject are four people."""
    house.set_queue("Support", form_senders=["noreply@forms.example"])
    for number in range(4):
        raw = FORM.replace(b"carla@", b"visitor%d@" % number).replace(b"My printer", b"My printer %d" % number)
        assert house.receive(raw).state is SpoolState.FILED


def test_a_released_author_is_known_from_then_on(house: House) -> None:
    """A queue for known contacts asks once about each person."""
    house.set_queue("Support", known_contacts_only=True)
    row = house.receive(mail())
    assert row.state is SpoolState.HELD
    with house.database.writing() as session:
        release(session, session.get_one(Spool, row.id))
    house.work()
    assert house.rows(row.acceptance_id)[0].state is SpoolState.FILED
    with house.database.reading() as session:
        assert find_contact(session, CARLA).known
    assert house.receive(mail("again", subject="Invoice")).state is SpoolState.FILED


def test_a_participant_passes_a_queue_for_known_contacts(house: House) -> None:
    """Who answers a mail of ours is no fresh mail."""
    ticket = house.ticket_of(house.receive(mail()))
    house.set_queue("Support", known_contacts_only=True)
    address = house.office.marks.reply_address(house.mark(ticket.id))
    assert house.receive(mail("thanks"), to=address).state is SpoolState.FILED


def test_what_nobody_released_is_ignored_after_the_days(house: House) -> None:
    """It stays readable; younger mail, and mail that another check holds, waits on."""
    house.set_queue("Support", known_contacts_only=True)
    old, young = house.receive(mail()), house.receive(mail("hi", author="Bob <bob@customer.example>"))
    with house.database.writing() as session:
        session.get_one(Spool, old.id).settled_at = days_ago(31)
        session.flush()
        assert drop_old_held(session, "flood", days_ago(30)) == 0
        assert drop_old_held(session, UNKNOWN, days_ago(30)) == 1
    [row] = house.rows(old.acceptance_id)
    assert (row.state, row.reason.partition(":")[0]) == (SpoolState.IGNORED, "expired")
    assert house.rows(young.acceptance_id)[0].state is SpoolState.HELD
