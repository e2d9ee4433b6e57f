"""Rules on the way of a mail: what becomes of it and of its ticket, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.house import House, mail
from sqlmodel import select

from config.settings import Settings
from storage.agents import NoticeKind, add_agent, join_queue
from storage.blocklist import block
from storage.contacts import contact_for, mark_known
from storage.database import Database
from storage.notices import Notice
from storage.outbox import Outgoing, OutgoingKind
from storage.queues import Acknowledge, Assignment, FreshMail, list_queues
from storage.rules import Rule, add_rule
from storage.spool import Spool, SpoolState, release
from storage.tags import tags_of
from storage.tickets import Priority, Ticket


def rule(house: House, condition: str, *actions: str, **more: object) -> int:
    """A rule; returns its number."""
    with house.database.writing() as session:
        made = add_rule(session, Rule(position=0, conditions=[condition], actions=list(actions), **more))
        return made.id or 0


def trace(row: Spool, asked: str) -> str:
    """What the trace answers to a question."""
    return next(line[1] for line in row.trace if line[0] == asked)


def queue_name(house: House, ticket: Ticket) -> str:
    """The queue of a ticket."""
    with house.database.reading() as session:
        return next(queue.name for queue in list_queues(session) if queue.id == ticket.queue_id)


def test_ignored_mail_makes_no_ticket_and_its_fate_names_the_rule(house: House) -> None:
    """The reason is the rule with its condition; the trace says it too."""
    number = rule(house, "subject contains printer", "ignore")
    row = house.receive(mail())
    assert row.state is SpoolState.IGNORED
    assert row.reason == f"rule {number}: ignore: subject contains printer"
    assert trace(row, "rules") == f"rule {number}: ignore"


def test_held_mail_is_filed_when_a_person_releases_it(house: House) -> None:
    """The rule that held it does not hold it again."""
    rule(house, "from contains carla", "hold")
    row = house.receive(mail())
    assert row.state is SpoolState.HELD
    with house.database.writing() as session:
        release(session, session.merge(row))
    house.work()
    assert house.rows(row.id)[0].state is SpoolState.FILED


def test_routed_mail_opens_its_ticket_in_the_other_queue_and_answers_find_it(house: House) -> None:
    """The ticket is nobody's and in Billing; an answer through the first queue's address joins it."""
    house.add_queue("Billing")
    rule(house, "subject contains invoice", "route billing")
    ticket = house.ticket_of(house.receive(mail(subject="Invoice", message_id="<i@x.example>")))
    assert (queue_name(house, ticket), ticket.assignee_id) == ("Billing", None)
    answer = house.ticket_of(house.receive(mail("more", subject="Re: Invoice", headers="In-Reply-To: <i@x.example>\n")))
    assert answer.id == ticket.id


def test_ticket_is_assigned_tagged_and_ranked(house: House) -> None:
    """Several actions of one rule, each with its line in the audit trail."""
    rule(house, "domain equals customer.example", "assign Agent@company.example", "tag vip", "priority urgent")
    ticket = house.ticket_of(house.receive(mail()))
    assert (ticket.assignee_id, ticket.priority) == (house.agent.id, Priority.URGENT)
    with house.database.reading() as session:
        assert tags_of(session, ticket.id) == ["vip"]


def test_rule_that_names_a_queue_or_an_agent_who_is_gone_files_the_mail_as_usual(house: House) -> None:
    """No mail is lost over it, and the trace says what was not done."""
    rule(house, "subject contains printer", "route Nowhere", "assign gone@company.example")
    row = house.receive(mail())
    ticket = house.ticket_of(row)
    assert (queue_name(house, ticket), ticket.assignee_id) == ("Support", None)
    assert {line[1] for line in row.trace if line[0] == "rules"} >= {"not routed", "not assigned"}


def test_new_beats_join_open(house: House) -> None:
    """Mail that the queue's policy would join to the open ticket gets one of its own."""
    house.set_queue("Support", fresh_mail=FreshMail.JOIN_OPEN)
    rule(house, "subject contains order", "new")
    first = house.ticket_of(house.receive(mail()))
    assert house.ticket_of(house.receive(mail("two", subject="And"))).id == first.id
    assert house.ticket_of(house.receive(mail("three", subject="Order 4711"))).id != first.id


def test_new_for_all_mail_beats_evidence_and_links_the_ticket(house: House) -> None:
    """Only `--scope all` takes a reply out of its ticket; the new one is linked to it."""
    first = house.ticket_of(house.receive(mail(message_id="<a@x.example>")))
    rule(house, "subject contains order", "new")
    answer = "In-Reply-To: <a@x.example>\n"
    assert house.ticket_of(house.receive(mail("1", subject="Re: order", headers=answer))).id == first.id
    rule(house, "subject contains order", "new", for_all_mail=True)
    second = house.ticket_of(house.receive(mail("2", subject="Re: order", headers=answer)))
    assert second.id != first.id
    assert (second.id, "related") in house.links(first.id)


def test_answers_pass_rules_for_new_mail(house: House) -> None:
    """A rule that ignores a domain does not silence a conversation that runs."""
    house.receive(mail(message_id="<a@x.example>"))
    rule(house, "domain equals customer.example", "ignore")
    assert house.receive(mail("re", headers="In-Reply-To: <a@x.example>\n")).state is SpoolState.FILED
    assert house.receive(mail("new")).state is SpoolState.IGNORED


def test_rule_can_silence_the_acknowledgement(house: House) -> None:
    """The trace names the rule."""
    house.set_queue("Support", acknowledge=Acknowledge.ALL)
    number = rule(house, "subject contains printer", "no-acknowledgement")
    row = house.receive(mail())
    assert [line[1:] for line in row.trace if line[0] == "acknowledge"] == [["no", f"rule {number} says so"]]


def test_waiting_mails_of_one_batch_meet_the_same_rules(house: House) -> None:
    """Rules are read once a batch, and hold for each mail of it."""
    rule(house, "subject contains 3", "ignore")
    ids = [house.accept(mail(f"text {n}", subject=f"Alarm {n}", author=f"a{n}@x.example")) for n in range(6)]
    house.work()
    states = [house.rows(id_)[0].state for id_ in ids]
    assert [state is SpoolState.IGNORED for state in states] == [False, False, False, True, False, False]


@pytest.mark.parametrize("policy", [Assignment.ROUND_ROBIN, Assignment.LEAST_LOADED])
def test_new_tickets_are_shared_among_the_team(house: House, policy: Assignment) -> None:
    """Four mails of one batch: two for each; who is not in the team gets none."""
    house.set_queue("Support", assignment=policy)
    with house.database.writing() as session:
        support = next(iter(list_queues(session)))
        team = [add_agent(session, f"{name}@company.example", name) for name in ("ann", "bob")]
        for agent in team:
            join_queue(session, agent, support)
        ids = {agent.id for agent in team}
    accepted = [house.accept(mail(f"text {n}", subject=f"Matter {n}", author=f"a{n}@x.example")) for n in range(4)]
    house.work()
    assignees = [house.ticket_of(house.rows(id_)[0]).assignee_id for id_ in accepted]
    assert {one: assignees.count(one) for one in ids} == dict.fromkeys(ids, 2)


def test_least_loaded_agent_gets_the_next_ticket(house: House) -> None:
    """Who has solved his tickets gets the new ones."""
    house.set_queue("Support", assignment=Assignment.LEAST_LOADED)
    with house.database.writing() as session:
        support = next(iter(list_queues(session)))
        ann, bob = (add_agent(session, f"{name}@company.example", name) for name in ("ann", "bob"))
        join_queue(session, ann, support)
        join_queue(session, bob, support)
        busy, free = ann.id, bob.id
    first = house.ticket_of(house.receive(mail("one")))
    house.change_ticket(first.id, assignee_id=busy)
    for n in range(2):
        ticket = house.ticket_of(house.receive(mail(f"more {n}", subject=f"More {n}")))
        house.change_ticket(ticket.id, assignee_id=busy)
    assert house.ticket_of(house.receive(mail("last", subject="Last"))).assignee_id == free


def test_rule_tells_an_agent_and_assignment_tells_the_one_who_wants_to_hear_it(house: House) -> None:
    """A rule's word goes to whom it names; the other one is told because he asked for it."""
    with house.database.writing() as session:
        bea = add_agent(session, "bea@company.example", "Bea")
        bea.notify = NoticeKind.ASSIGNED
        session.add(bea)
        bea_id = bea.id
    rule(house, "subject contains printer", "notify agent@company.example", "assign bea@company.example")
    ticket = house.ticket_of(house.receive(mail()))
    with house.database.reading() as session:
        notices = [(one.agent_id, one.kind, one.ticket_id) for one in session.exec(select(Notice)).all()]
    assert notices == [(house.agent.id, NoticeKind.NEW, ticket.id), (bea_id, NoticeKind.ASSIGNED, ticket.id)]


CLOSED = (
    "{% block subject %}{{ sender }} is closed{% endblock %}"
    "{% block body %}Number {{ number }}, until Monday.{% endblock %}"
)


@pytest.fixture
def answering(settings: Settings, database: Database, tmp_path: Path) -> Iterator[House]:
    """A house with a template `closed` of its own and a rule that answers with it; its queue never acknowledges."""
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "closed.txt").write_text(CLOSED)
    outbound = settings.outbound.model_copy(update={"templates": folder})
    house = House(settings.model_copy(update={"outbound": outbound}), database)
    house.set_queue("Support", acknowledge=Acknowledge.NEVER)
    rule(house, "subject contains printer", "answer closed", "tag closed", for_all_mail=True)
    yield house
    house.worker.close()


def answers(house: House) -> list[bytes]:
    """The automatic answers that wait in the outbox."""
    with house.database.reading() as session:
        rows = session.exec(select(Outgoing).where(Outgoing.kind == OutgoingKind.ACKNOWLEDGEMENT)).all()
        return [row.content for row in rows]


def know_carla(house: House) -> None:
    """An agent has answered her before."""
    with house.database.writing() as session:
        contact_for(session, "carla@customer.example")
        mark_known(session, "carla@customer.example")


def test_rule_answers_with_its_template_and_says_that_a_machine_wrote(answering: House) -> None:
    """One automatic mail to a customer who is known, where the queue itself never acknowledges."""
    know_carla(answering)
    row = answering.receive(mail())
    [content] = answers(answering)
    assert trace(row, "answer") == "yes"
    assert b"Auto-Submitted: auto-replied" in content
    assert b"is closed" in content
    assert b", until Monday." in content


def test_rule_answers_no_stranger_no_machine_and_nobody_on_the_block_list(answering: House) -> None:
    """Whatever a rule says: an unproven author, automatic mail and a blocked address get nothing."""
    assert trace(answering.receive(mail()), "answer") == "no"
    know_carla(answering)
    assert (
        trace(
            answering.receive(mail("a", subject="printer of a robot", headers="Auto-Submitted: auto-generated\n")),
            "answer",
        )
        == "no"
    )
    assert trace(answering.receive(mail("b", subject="another printer"), reverse_path=""), "answer") == "no"
    with answering.database.writing() as session:
        block(session, "carla@customer.example", "agent@company.example")
    assert trace(answering.receive(mail("c", subject="the last printer")), "answer") == "no"
    assert answers(answering) == []


def test_rule_answers_within_the_budget_of_acknowledgements(answering: House) -> None:
    """Three in an hour to one address are enough."""
    know_carla(answering)
    rows = [answering.receive(mail(f"text {number}", subject=f"printer {number}")) for number in range(5)]
    assert [trace(row, "answer") for row in rows if row.state is SpoolState.FILED][:4] == ["yes", "yes", "yes", "no"]
    assert len(answers(answering)) == 3


def test_rule_for_all_mail_answers_an_answer_too(answering: House) -> None:
    """The second mail joins the ticket and gets its automatic answer."""
    know_carla(answering)
    first = answering.ticket_of(answering.receive(mail(message_id="<p@x.example>")))
    row = answering.receive(mail("more", subject="Re: printer", headers="In-Reply-To: <p@x.example>\n"))
    assert (answering.ticket_of(row).id, trace(row, "answer")) == (first.id, "yes")
