"""The parts that a gateway is made of."""

from enum import StrEnum


class Role(StrEnum):
    """What a process does."""

    LISTENER = "listener"  # takes mail over SMTP
    MAILBOX = "mailbox"  # takes mail out of connected inboxes
    INTAKE = "intake"  # files what was accepted
    RELAY = "relay"  # sends what was written
