"""Who else is at a ticket, for the commands that read it and write in it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from config.errors import DatabaseUnavailable
from gateway.cli.desk import Desk
from gateway.cli.printing import complain

if TYPE_CHECKING:
    from storage.agents import Agent


@contextmanager
def writing(desk: Desk, number: int, agent: "Agent") -> Iterator[None]:
    """Others see that somebody writes, and he sees who else does; a database that is too busy for it stops nobody."""
    from storage.presence import come, leave, who_is_at

    with suppress(DatabaseUnavailable), desk.writing() as session:
        come(session, number, agent.id or 0, writes=True)
        others = [one.name or one.email for one in who_is_at(session, number, agent.id) if one.writes]
        if others:
            complain(f"note: {', '.join(others)} writes in ticket {number} too")
    try:
        yield
    finally:
        with suppress(DatabaseUnavailable), desk.writing() as session:
            leave(session, number, agent.id or 0)
