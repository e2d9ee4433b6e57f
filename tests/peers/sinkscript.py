"""What a scripted mail server answers: the steps of a session, and what may happen at each."""

import threading
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum


class Step(StrEnum):
    """The points of an SMTP session at which the server may say something else than usual."""

    BANNER = "banner"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"  # the final dot: the mail is whole
    QUIT = "quit"


class Then(StrEnum):
    """What the server does after its answer."""

    GO_ON = "go_on"
    CLOSE = "close"
    RESET = "reset"  # close with RST, as a peer that crashed or a firewall that forgot
    HALF_CLOSE = "half_close"  # FIN from us, while we go on reading
    SILENCE = "silence"  # read on, and never answer again


@dataclass(frozen=True, slots=True)
class Act:
    """One answer. An empty reply says nothing; None says what is usual at this step.

    `stored` decides at the dot whether the mail counts as delivered; None means when the answer is a 2xx.
    """

    reply: str | None = None
    delay: float = 0.0
    then: Then = Then.GO_ON
    stored: bool | None = None


USUAL = Act()
STORE_AND_CLOSE = Act(reply="", then=Then.CLOSE, stored=True)
STORE_AND_RESET = Act(reply="", then=Then.RESET, stored=True)
CLOSE = Act(reply="", then=Then.CLOSE)


@dataclass(slots=True)
class Script:
    """The acts still to come, over all connections: those said once, in turn, then the one for always."""

    _once: dict[tuple[Step, str], deque[Act]] = field(default_factory=dict)
    _always: dict[tuple[Step, str], Act] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def once(self, step: Step, *acts: Act | str, to: str = "") -> None:
        """Answer the next times with these; `to` restricts it to the RCPT of one address."""
        with self._lock:
            self._once.setdefault((step, to.lower()), deque()).extend(_act(one) for one in acts)

    def always(self, step: Step, act: Act | str, to: str = "") -> None:
        """Answer with this from now on, when nothing is left that was to be said once."""
        with self._lock:
            self._always[step, to.lower()] = _act(act)

    def usual(self, step: Step, to: str = "") -> None:
        """Go back to what is usual at this step."""
        with self._lock:
            self._once.pop((step, to.lower()), None)
            self._always.pop((step, to.lower()), None)

    def next(self, step: Step, address: str = "") -> Act:
        """The act for this moment; what is said for one address goes before what is said for all."""
        with self._lock:
            for key in dict.fromkeys([(step, address.lower()), (step, "")]):
                if waiting := self._once.get(key):
                    return waiting.popleft()
                if key in self._always:
                    return self._always[key]
        return USUAL


def _act(said: Act | str) -> Act:
    return said if isinstance(said, Act) else Act(reply=said)
