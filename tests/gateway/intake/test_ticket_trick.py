"""The ticket trick: somebody signs up elsewhere with an address of the desk, and reads the code in his ticket.

The code is for agents: it opens a ticket of its own, flagged, and nobody outside hears of it.
"""

import pytest
from fakes.house import House, mail

from outbound.drafts import Draft
from outbound.plans import plan_reply
from storage.outbox import OutgoingKind
from storage.outbox_view import count_sent
from storage.spool import Spool, SpoolState
from storage.tickets import ParticipantRole

MALLORY = "Mallory <mallory@evil.example>"
CODE = "Your verification code is 481516. Enter it to confirm your email address.\n"


def code_mail(house: House, to: str, headers: str = "") -> Spool:
    """A sign-up code of another service, to an address of ours."""
    raw = mail(
        CODE,
        author="Slack <no-reply@slack.example>",
        subject="Your Slack verification code",
        headers=f"Auto-Submitted: auto-generated\n{headers}",
        to=to,
    )
    return house.receive(raw, to=to, reverse_path="bounce@slack.example")


def test_code_to_a_public_address_is_for_agents_only(house: House) -> None:
    """A ticket of its own, flagged; with `acknowledge all` nothing is sent because of it."""
    house.set_queue("Support", acknowledge="all")
    row = code_mail(house, house.address)
    ticket = house.ticket_of(row)
    [message] = house.messages(ticket.id)
    assert (row.state, message.kind) == (SpoolState.FILED, "verification")
    assert "verification" in message.flags
    with house.database.reading() as session:
        assert count_sent(session, OutgoingKind.ACKNOWLEDGEMENT, ticket.created_at) == 0


@pytest.mark.parametrize("named", [False, True])
def test_code_to_the_reply_address_of_a_ticket_does_not_join_it(house: House, named: bool) -> None:
    """Not even when the customer has named the robot in his own mail before, to make it take part."""
    cc = "Cc: no-reply@slack.example\n" if named else ""
    first = house.receive(mail(author=MALLORY, headers=cc, message_id="<m@evil.example>"))
    ticket = house.ticket_of(first)
    token = house.office.marks.reply_address(house.mark(ticket.id))
    row = code_mail(house, token, "In-Reply-To: <m@evil.example>\n")
    other = house.ticket_of(row)
    assert other.id != ticket.id
    assert house.links(other.id) == [(ticket.id, "related")]
    assert "mallory@evil.example" not in house.people(other.id)
    assert house.ticket(ticket.id).messages == 1


def test_code_never_joins_the_open_ticket_of_its_robot(house: House) -> None:
    """Also where fresh mail joins what is open."""
    house.set_queue("Support", fresh_mail="join_open")
    first, second = code_mail(house, house.address), code_mail(house, house.address, "X-Second: 1\n")
    assert house.ticket_of(first).id != house.ticket_of(second).id


def test_what_only_agents_may_see_does_not_shape_an_answer(house: House) -> None:
    """A stranger's mail gives an answer to the customer neither its subject nor its place in the thread."""
    first = house.receive(mail(author=MALLORY, message_id="<m@evil.example>"))
    ticket = house.ticket_of(first)
    leaked = house.office.marks.reply_address(house.mark(ticket.id))
    house.receive(mail("x", author="eve@else.example", subject="Send money", message_id="<e@else.example>"), to=leaked)
    assert house.people(ticket.id)["eve@else.example"] == ParticipantRole.UNVERIFIED
    with house.database.reading() as session:
        plan = plan_reply(session, house.office, house.agent, ticket.id, Draft("Done."))
    assert (plan.subject, plan.in_reply_to) == ("Re: My printer smokes", "<m@evil.example>")
    assert [person.email for person in plan.recipients.everybody] == ["mallory@evil.example"]
