"""The block list: what people blocked and what is ours; whoever asks, nothing is sent there."""

import pytest

from config.errors import AskedWrongly, NotFound
from storage.addresses import new_address, retire_address
from storage.blocklist import block, list_blocked, own_addresses, unblock, why_blocked
from storage.database import Database
from storage.queues import Queue, SourceInbox, add_queue, name_source_inbox

OWN = ("in.desk.example", "old.desk.example")


def is_blocked(database: Database, pattern: str, address: str) -> bool:
    """Whether this pattern alone keeps mail from this address."""
    with database.writing() as session:
        block(session, pattern, "agent@company.example")
    with database.reading() as session:
        return bool(why_blocked(session, address, OWN))


@pytest.mark.parametrize(
    ("pattern", "blocked", "free"),
    [
        ("ann@x.example", "ann@x.example", "anna@x.example"),
        ("Ann@X.example", "ann@x.example", "ann@y.example"),
        ("ann@x.example", "ann+news@x.example", "ann-news@x.example"),
        ("ann+news@x.example", "ann+news@x.example", "ann@x.example"),
        ("@x.example", "anybody@x.example", "ann@sub.x.example"),
        ("@.x.example", "ann@x.example", "ann@ax.example"),
        ("@.x.example", "ann@a.b.x.example", "ann@x.example.org"),
        ("@münchen.example", "ann@xn--mnchen-3ya.example", "ann@muenchen.example"),
        ("no-reply*@*", "no-reply-7@x.example", "ann@x.example"),
        ("*@*.x.example", "ann@a.x.example", "ann@x.example"),
        ("*@MÜNCHEN.example", "ann@xn--mnchen-3ya.example", "ann@muenchen.example"),
        ("a[b]?*@x.example", "a[b]?c@x.example", "abcd@x.example"),
    ],
)
def test_pattern_blocks_what_it_says_and_no_more(database: Database, pattern: str, blocked: str, free: str) -> None:
    """An address with its tags, a domain, a domain with its subdomains, or a pattern: only * is special."""
    assert is_blocked(database, pattern, blocked)
    assert not is_blocked(database, pattern, free)


def test_pattern_that_means_nothing_is_refused(database: Database) -> None:
    """What is neither an address nor a domain nor a pattern is asked wrongly."""
    with database.writing() as session:
        for pattern in ("", "ann", "@", "@.", "*", "a b@x.example", "a *@x.example", "@a b", "*@"):
            with pytest.raises(AskedWrongly):
                block(session, pattern, "me")


def test_blocked_twice_is_once_and_unblocked_is_free(database: Database) -> None:
    """Blocking again changes nothing; unblocking in another spelling takes the pattern off."""
    assert is_blocked(database, "@x.example", "ann@x.example")
    with database.writing() as session:
        assert block(session, "@X.EXAMPLE", "somebody else").by == "agent@company.example"
        assert [row.pattern for row in list_blocked(session)] == ["@x.example"]
        unblock(session, "@X.example")
        assert why_blocked(session, "ann@x.example", OWN) == ""
        with pytest.raises(NotFound):
            unblock(session, "@x.example")


def test_signs_of_sql_are_plain_letters(database: Database) -> None:
    """Patterns with signs that mean something to a database block what they say and nobody else."""
    for hostile in ("';drop-table-blocked;--*@x.example", "%*@x.example", "_*@x.example", "\\*@x.example"):
        assert not is_blocked(database, hostile, "ann@x.example")
        assert is_blocked(database, hostile, hostile.replace("*", "ann"))
    with database.reading() as session:
        assert why_blocked(session, "ann%'OR-1=1--@y.example", OWN) == ""


def test_creation_addresses_are_blocked_by_themselves(database: Database) -> None:
    """An address of ours, active or retired, with or without a tag, is blocked although nobody blocked it."""
    with database.writing() as session:
        queue = add_queue(session, Queue(name="Support"))
        active = new_address(session, queue, OWN[0], local_part="help").address
        retired = new_address(session, queue, OWN[1]).address
        retire_address(session, retired)
        for address in (active, retired, "help+x@in.desk.example"):
            assert "creation address" in why_blocked(session, address, OWN)
        assert own_addresses(session) == {active: "creation address", retired: "creation address"}


def test_named_source_inboxes_are_blocked_by_themselves(database: Database) -> None:
    """What forwards to us is never written to, under a tag neither; an inbox that we only guess is."""
    with database.writing() as session:
        queue = add_queue(session, Queue(name="Support"))
        name_source_inbox(session, queue, "Support@Company.example")
        session.add(SourceInbox(address="guess@company.example", queue_id=queue.number, confirmed=False))
        session.flush()
        for address in ("support@company.example", "support+orders@company.example"):
            assert "source inbox" in why_blocked(session, address, OWN)
        assert why_blocked(session, "guess@company.example", OWN) == ""
        assert own_addresses(session) == {"support@company.example": "source inbox"}


def test_signed_addresses_are_blocked_in_all_our_domains(database: Database) -> None:
    """What looks like a reply address or return path of ours is blocked; the same at a stranger's is not."""
    with database.reading() as session:
        for domain in OWN:
            assert why_blocked(session, f"re-aaaa@{domain}", OWN)
            assert why_blocked(session, f"b-aaaa@{domain}", OWN)
        assert why_blocked(session, "re-aaaa@x.example", OWN) == ""
