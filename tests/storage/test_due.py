"""What is due is found by the way that it takes, whatever else waits."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from fakes.rows import send_mail
from sqlmodel import Session

from config.clock import now
from storage.channels import Channel, ChannelKind, add_channel
from storage.database import Database
from storage.due import Wanted, find_due, next_moment
from storage.outbox import DEFAULT_WAY, Delivery


def _channel(session: Session) -> int:
    return add_channel(session, Channel(name="Mailbox", key="", kind=ChannelKind.FOLDER, folder="out")).number


def _found(database: Database, wanted: Wanted) -> list[str]:
    """The recipients of what is due, in their order."""
    with database.writing() as session:
        rows = find_due(session.connection(), now(), wanted)
        return [session.get_one(Delivery, number).recipient for _, number, _ in rows]


def test_mail_of_another_channel_is_found_behind_all_that_waits_for_a_busy_one(database: Database) -> None:
    """Forty mails wait for the default servers, the last one goes through a channel: it alone is found."""
    with database.writing() as session:
        channel = _channel(session)
        for place in range(40):
            send_mail(session, f"c{place}@busy.example")
        send_mail(session, "ann@quick.example", channel_id=channel)
    assert _found(database, Wanted(32, busy={DEFAULT_WAY})) == ["ann@quick.example"]
    assert _found(database, Wanted(32, busy={DEFAULT_WAY, channel})) == []
    assert len(_found(database, Wanted(32, busy={channel}))) == 32


def test_earliest_of_all_ways_is_found_first(database: Database) -> None:
    """How much is taken at a time is shared by the ways in the order in which their mails are due."""
    with database.writing() as session:
        channel, at = _channel(session), now()
        for seconds, way in ((30, None), (20, channel), (10, None), (40, channel)):
            past = at - timedelta(seconds=seconds)
            send_mail(session, f"c{seconds}@x.example", channel_id=way, not_before=past)
        send_mail(session, "tomorrow@x.example", not_before=at + timedelta(days=1))
    assert _found(database, Wanted(3)) == ["c40@x.example", "c30@x.example", "c20@x.example"]


def test_crowded_domain_is_left_to_itself(database: Database) -> None:
    """Its name is no pattern: a_b.example is not axb.example."""
    with database.writing() as session:
        for domain in ("a_b.example", "axb.example", "sub.a_b.example"):
            send_mail(session, f"c@{domain}")
    assert _found(database, Wanted(9, crowded={"a_b.example"})) == ["c@axb.example", "c@sub.a_b.example"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_question_reads_what_it_does_not_want(database: Database) -> None:
    """Every statement seeks in an index, and none walks over the mails that wait."""
    asked: list[tuple[str, object]] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *facts: asked.append((facts[2], facts[3])))
    with database.writing() as session:
        connection = session.connection()
        send_mail(session)
        asked.clear()
        next_moment(connection, now())
        assert len(find_due(connection, now(), Wanted(32, crowded={"x.example"}))) == 1
        plans = [
            str(row[3])
            for text, values in list(asked)
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)  # type: ignore[arg-type]
            if "delivery" in str(row[3])
        ]
    assert plans
    walks = [plan for plan in plans if plan.startswith("SCAN") and "ix_delivery_sending" not in plan]
    assert walks == []
