"""Pace: a peer is held to his time only while it is his turn."""

import pytest

from config.receiving import LimitSettings
from gateway.listener import replies
from gateway.listener.pace import Pace
from gateway.listener.replies import Reply

LIMITS = LimitSettings(idle_seconds=10, session_seconds=100, data_bytes_per_second=50, data_grace_seconds=5)


def pace_of(*, octets: int = 0, seconds: float = 0.0) -> Pace:
    """A peer who began at 1000 and has sent so much of a mail in so many seconds."""
    pace = Pace(1000.0)
    pace.mail_begins(1000.0, 0)
    pace.mail_comes(1000.0 + seconds, octets)
    return pace


@pytest.mark.parametrize(
    ("seconds", "last_word"), [(10.0, None), (10.1, replies.IDLE_TOO_LONG), (100.1, replies.SESSION_TOO_LONG)]
)
def test_a_silent_peer_is_told_so(seconds: float, last_word: Reply | None) -> None:
    """From when it was his turn, however often that is noted."""
    pace = Pace(1000.0)
    pace.waits(1000.0)
    pace.waits(1009.0)
    assert pace.too_slow(1000.0 + seconds, LIMITS) is last_word


@pytest.mark.parametrize(
    ("octets", "seconds", "last_word"),
    [(0, 5.0, None), (254, 5.1, replies.TOO_SLOW), (256, 5.1, None), (450, 9.0, None), (449, 9.0, replies.TOO_SLOW)],
)
def test_a_mail_that_trickles_is_refused_after_its_grace(octets: int, seconds: float, last_word: Reply | None) -> None:
    """The least rate is meant from the 354 on; every piece ends the silence, and buys no more than that."""
    pace = pace_of(octets=octets, seconds=seconds)
    assert pace.too_slow(1000.0 + seconds, LIMITS) is last_word


def test_nothing_is_held_against_a_peer_who_waits_for_us() -> None:
    """A commit may take its time; his next turn begins anew, and his mail is over."""
    pace = pace_of(seconds=1.0)
    pace.is_ours()
    assert pace.too_slow(5000.0, LIMITS) is None
    assert not pace.is_in_mail
    pace.waits(1050.0)
    assert pace.too_slow(1060.0, LIMITS) is None
    assert pace.too_slow(1060.1, LIMITS) is replies.IDLE_TOO_LONG


def test_limits_of_nought_are_none() -> None:
    """As the settings say."""
    pace = pace_of(seconds=1.0)
    none = LimitSettings(idle_seconds=0, session_seconds=0, data_bytes_per_second=0)
    assert pace.too_slow(99_999.0, none) is None
