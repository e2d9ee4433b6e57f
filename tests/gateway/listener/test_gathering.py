"""Which mails share a commit, and when it begins."""

import asyncio
from collections.abc import Callable

from gateway.listener.gathering import Gathering


def gathered(act: Callable[[Gathering[str]], None], seconds: float = 0.0) -> list[list[str]]:
    """The batches that were handed over while somebody acted, and so many seconds after it."""

    async def run() -> list[list[str]]:
        batches: list[list[str]] = []
        gathering: Gathering[str] = Gathering(asyncio.get_running_loop(), batches.append)
        act(gathering)
        if seconds:
            await asyncio.sleep(seconds)
        return [*batches]  # not what the loop does while it ends

    return asyncio.run(run())


def add(gathering: Gathering[str], mails: str, size: int = 1) -> None:
    """One mail for each letter."""
    for mail in mails:
        gathering.add(mail, size)


def test_the_first_mail_goes_at_once() -> None:
    """Nobody is expected beside the first: it waits for nothing."""
    assert gathered(lambda gathering: add(gathering, "a")) == [["a"]]


def test_mails_wait_while_a_batch_is_away() -> None:
    """One commit at a time: what comes meanwhile does not go before it is back."""
    assert gathered(lambda gathering: add(gathering, "abc"), seconds=0.02) == [["a"]]


def test_those_who_come_back_together_go_together() -> None:
    """As many as are at work, those of the last batch and those that waited for it, are one batch without a wait."""

    def act(gathering: Gathering[str]) -> None:
        add(gathering, "abc")
        gathering.done(0.001)
        add(gathering, "d")

    assert gathered(act) == [["a"], ["b", "c", "d"]]


def test_who_does_not_come_back_is_not_waited_for_long() -> None:
    """Some senders have gone: the others go without them after a moment."""

    def act(gathering: Gathering[str]) -> None:
        add(gathering, "abc")
        gathering.done(0.001)

    assert gathered(act) == [["a"]]
    assert gathered(act, seconds=0.05) == [["a"], ["b", "c"]]


def test_a_batch_is_bounded_in_number_and_bytes() -> None:
    """At most 500 mails and 16 MiB are one commit, and a larger mail goes alone; the rest goes next, in order."""
    many = "x" * 1200

    def act(gathering: Gathering[str]) -> None:
        add(gathering, "a" + many)
        for _ in range(3):
            gathering.done(0.0)

    assert [len(batch) for batch in gathered(act)] == [1, 500, 500]
    assert [len(batch) for batch in gathered(act, seconds=0.05)] == [1, 500, 500, 200]

    def large(gathering: Gathering[str]) -> None:
        add(gathering, "abc", 10 * 1024 * 1024)
        gathering.add("d", 20 * 1024 * 1024)
        for _ in range(3):
            gathering.done(0.0)

    assert gathered(large) == [["a"], ["b"], ["c"], ["d"]]
