"""What `gateway doctor` has to say: one line for each thing that it looked at."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"  # it works, and somebody should look
    FAIL = "fail"  # it does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination."""

    state: State
    subject: str
    text: str
    advice: str = ""


Findings = Iterator[Finding]
