"""The scenario table, policies: what each policy of a queue does to mail that comes in."""

import pytest
from fakes.house import days_ago
from journeys.scene import Scene, why

from storage.queues import Acknowledge, Forwards, FreshMail, LateAnswers
from storage.spool import SpoolState
from storage.ticket_time import close_solved
from storage.tickets import Status

FORWARD = (
    "---------- Forwarded message ---------\nFrom: {}\nDate: Mon, 2 Nov 2026 at 10:00\nSubject: Toner\n"
    "To: <me@x.example>\n\nEmpty."
)


@pytest.mark.parametrize(
    ("policy_", "answer"), [(Acknowledge.ALL, "yes"), (Acknowledge.AUTHENTICATED, "no"), (Acknowledge.NEVER, "no")]
)
def test_policy_acknowledge(scene: Scene, policy_: Acknowledge, answer: str) -> None:
    """Everybody, who is proven, nobody; the trace says why not."""
    scene.house.set_queue(scene.name, acknowledge=policy_)
    assert why(scene.receive(), "acknowledge")[0] == answer


def test_policy_acknowledge_authenticated_knows_whom_an_agent_answered(scene: Scene) -> None:
    """An answered contact needs no proof."""
    scene.house.set_queue(scene.name, acknowledge=Acknowledge.AUTHENTICATED)
    scene.house.reply(scene.first(), "Unplug it.")
    assert why(scene.receive("new", subject="new"), "acknowledge")[0] == "yes"


@pytest.mark.parametrize("forwards", list(Forwards))
def test_policy_forwards(scene: Scene, forwards: Forwards) -> None:
    """Whose hand-made forward makes its inner sender the customer; a stranger's only with `anyone`."""
    scene.house.set_queue(scene.name, forwards=forwards)
    found = scene.ticket(FORWARD.format(scene.colleague), subject="Fwd: Toner").customer_address
    assert found == (scene.colleague if forwards is Forwards.ANYONE else scene.customer)


@pytest.mark.parametrize(("days", "joins"), [(14, True), (3, False)])
def test_policy_join_open_and_join_days(scene: Scene, days: int, joins: bool) -> None:
    """Fresh mail joins the contact's open ticket, when its last message is young enough."""
    scene.house.set_queue(scene.name, fresh_mail=FreshMail.JOIN_OPEN, join_days=days)
    number = scene.first()
    scene.house.change_message(number, 1, filed_at=days_ago(5))
    assert (scene.ticket("new", subject="Invoice").id == number) is joins


def test_policy_join_open_takes_no_machine(scene: Scene) -> None:
    """Automatic mail never joins by the contact alone."""
    scene.house.set_queue(scene.name, fresh_mail=FreshMail.JOIN_OPEN)
    number = scene.first()
    assert scene.ticket("news", subject="News", headers="Auto-Submitted: auto-generated\n").id != number


@pytest.mark.parametrize(("days", "age", "joins"), [(14, 13, True), (14, 15, False), (0, 0, False), (60, 50, True)])
def test_policy_reopen_days(scene: Scene, days: int, age: int, joins: bool) -> None:
    """Counted from solved; 0 is never."""
    scene.house.set_queue(scene.name, reopen_days=days)
    number = scene.first()
    scene.house.change_ticket(number, status=Status.SOLVED, settled_at=days_ago(age))
    assert (scene.ticket("again", headers="In-Reply-To: {a}\n").id == number) is joins


@pytest.mark.parametrize("policy_", list(LateAnswers))
def test_policy_late_answers(scene: Scene, policy_: LateAnswers) -> None:
    """After `reopen_days`: a linked ticket, or held for a person."""
    scene.house.set_queue(scene.name, late_answers=policy_)
    number = scene.first()
    scene.house.change_ticket(number, status=Status.CLOSED, settled_at=days_ago(20))
    row = scene.receive("again", headers="In-Reply-To: {a}\n")
    if policy_ is LateAnswers.REFUSE:
        assert (row.state, row.reason.partition(":")[0]) == (SpoolState.HELD, "late-answer")
    else:
        assert scene.house.links(scene.house.ticket_of(row).id) == [(number, "follow-up")]


def test_policy_close_after_days(scene: Scene) -> None:
    """Solved becomes closed by itself."""
    scene.house.set_queue(scene.name, close_after_days=5)
    number = scene.first()
    scene.house.change_ticket(number, status=Status.SOLVED, settled_at=days_ago(6))
    with scene.house.database.writing() as session:
        close_solved(session, days_ago(0))
    assert scene.house.ticket(number).status is Status.CLOSED


def test_policy_known_contacts_only(scene: Scene) -> None:
    """Others are held and not told."""
    scene.house.set_queue(scene.name, known_contacts_only=True)
    assert scene.receive().state is SpoolState.HELD
