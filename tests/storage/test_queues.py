"""Queues: one name each, however it is written; source inboxes belong to one of them."""

import pytest

from config.errors import AlreadyThere, AskedWrongly, NotFound
from storage.database import Database
from storage.queues import (
    Forwards,
    FreshMail,
    Queue,
    ReplyTo,
    add_queue,
    archive_queue,
    find_queue,
    list_queues,
    name_source_inbox,
    rename_queue,
    source_inboxes,
)


def test_queue_has_the_documented_policies(database: Database) -> None:
    """A new queue opens a ticket for each mail, answers through us, and counts in fourteen days."""
    with database.writing() as session:
        add_queue(session, Queue(name="Support"))
    with database.reading() as session:
        queue = find_queue(session, "support")
    assert (queue.fresh_mail, queue.reply_to, queue.forwards) == (FreshMail.NEW, ReplyTo.GATEWAY, Forwards.AGENTS)
    assert (queue.join_days, queue.reopen_days, queue.close_after_days, queue.subject_tag) == (14, 14, 14, False)


def test_queue_is_found_in_any_spelling_and_made_once(database: Database) -> None:
    """Case and white space do not make another queue."""
    with database.writing() as session:
        made = add_queue(session, Queue(name="Straße Süd"))
        for spelling in ("Straße  Süd", " strasse süd ", "STRASSE SÜD"):
            assert find_queue(session, spelling).id == made.id
            with pytest.raises(AlreadyThere):
                add_queue(session, Queue(name=spelling))


def test_queue_without_a_name_is_refused(database: Database) -> None:
    """White space is no name, for a new queue or an old one."""
    with database.writing() as session:
        with pytest.raises(AskedWrongly):
            add_queue(session, Queue(name=" \t"))
        with pytest.raises(AskedWrongly):
            rename_queue(session, add_queue(session, Queue(name="Support")), " ")


def test_queue_that_is_not_there_is_not_found_with_the_others_named(database: Database) -> None:
    """The message lists the queues that there are, or says how to make the first."""
    with database.writing() as session:
        with pytest.raises(NotFound, match="gateway queue new"):
            find_queue(session, "Support")
        add_queue(session, Queue(name="Support"))
        with pytest.raises(NotFound, match="Queues: Support"):
            find_queue(session, "Sales")


def test_renamed_queue_keeps_to_one_name_each(database: Database) -> None:
    """A queue may change the case of its own name, and may not take another's."""
    with database.writing() as session:
        support, _ = add_queue(session, Queue(name="Support")), add_queue(session, Queue(name="Sales"))
        rename_queue(session, support, "SUPPORT")
        with pytest.raises(AlreadyThere):
            rename_queue(session, support, "sales")
        assert find_queue(session, "support").name == "SUPPORT"


def test_archived_queue_is_found_and_not_listed(database: Database) -> None:
    """An archived queue is out of the list, unless it is asked for, and keeps its name."""
    with database.writing() as session:
        add_queue(session, Queue(name="Support"))
        archive_queue(session, "support")
        assert list_queues(session) == []
        assert [queue.name for queue in list_queues(session, archived=True)] == ["Support"]
        assert find_queue(session, "Support").archived_at is not None


def test_source_inbox_belongs_to_the_queue_that_named_it_last(database: Database) -> None:
    """An inbox is one row in canonical form; naming it for another queue moves it."""
    with database.writing() as session:
        support, sales = add_queue(session, Queue(name="Support")), add_queue(session, Queue(name="Sales"))
        name_source_inbox(session, support, "Help@Company.example")
        name_source_inbox(session, sales, "help@company.example")
        assert source_inboxes(session, support.number) == []
        assert [inbox.address for inbox in source_inboxes(session)] == ["help@company.example"]
        with pytest.raises(AskedWrongly):
            name_source_inbox(session, support, "help")
