"""Who of a queue's team gets a new ticket that no rule has assigned: nobody, each in turn, or who has least to do."""

from gateway.intake.case import Case
from gateway.intake.desk import Desk
from storage.queues import Assignment
from storage.tickets import Ticket
from storage.turns import least_loaded, next_in_turn


def assign_by_policy(case: Case, desk: Desk, ticket: Ticket) -> None:
    """Give a new ticket to somebody, where its queue wants that."""
    policy = case.queue.assignment
    if policy is Assignment.NOBODY or ticket.assignee_id is not None:
        return
    if policy is Assignment.LEAST_LOADED:
        desk.write()  # so that tickets of this batch count
        desk.session.flush()
    choose = next_in_turn if policy is Assignment.ROUND_ROBIN else least_loaded
    agent = choose(desk.session, case.queue.number)
    if agent is None:
        case.note("assignment", "nobody", f"queue {case.queue.name} has no team")
        return
    desk.assign(ticket, agent.id or 0, agent.email)
    case.note("assignment", agent.email, f"queue {case.queue.name} assigns {policy}")
