"""How long a peer lets us wait, and how fast his mail comes. RFC 5321 section 4.5.3.2.

A conversation notes what happens; whether it is enough is asked once a second, from outside. While we are the slow
one nobody waits for the peer, and nothing is held against him.
"""

from config.receiving import LimitSettings
from gateway.listener import replies
from gateway.listener.replies import Reply


class Pace:
    """Of one conversation. Times are of the loop's clock, in seconds."""

    __slots__ = ("_began", "_mail_since", "_octets", "_waits_since", "is_in_mail")

    def __init__(self, now: float) -> None:
        self._began = now
        self._octets = 0
        self._waits_since: float | None = None
        self._mail_since = 0.0
        self.is_in_mail = False  # he is sending the text of a mail

    @property
    def is_waiting(self) -> bool:
        """Whether it is the peer's turn."""
        return self._waits_since is not None

    def waits(self, now: float) -> None:
        """It is the peer's turn, if it was not already."""
        if self._waits_since is None:
            self._waits_since = now

    def is_ours(self) -> None:
        """It is our turn, and a mail that came is whole."""
        self._waits_since = None
        self.is_in_mail = False

    def mail_begins(self, now: float, octets: int) -> None:
        """He may send the text now; so much of it is there."""
        self.is_in_mail = True
        self._mail_since = self._waits_since = now
        self._octets = octets

    def mail_comes(self, now: float, octets: int) -> None:
        """So much more of the text is there."""
        self._waits_since = now
        self._octets += octets

    def too_slow(self, now: float, limits: LimitSettings) -> Reply | None:
        """The last word to a peer who has been too slow."""
        if self._waits_since is None:
            return None
        if limits.session_seconds and now - self._began > limits.session_seconds:
            return replies.SESSION_TOO_LONG
        if limits.idle_seconds and now - self._waits_since > limits.idle_seconds:
            return replies.IDLE_TOO_LONG
        if self.is_in_mail and self._trickles(now - self._mail_since, limits):
            return replies.TOO_SLOW
        return None

    def _trickles(self, seconds: float, limits: LimitSettings) -> bool:
        least = limits.data_bytes_per_second
        return bool(least) and seconds > limits.data_grace_seconds and self._octets < least * seconds
