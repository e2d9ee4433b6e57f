"""What we could not do. Decisions about mail are values, not exceptions.

Each class carries the exit status of a command that ends with it (sysexits where a mail
system reads the code). The message is one line that says what to do.
"""


class GatewayError(Exception):
    """Something could not be done."""

    exit_status = 1


class Refused(GatewayError):
    """The request was understood and is not allowed as things stand."""


class NotFound(GatewayError):
    """What was named does not exist."""


class AlreadyThere(GatewayError):
    """What was to be made exists."""


class AskedWrongly(GatewayError):
    """The request makes no sense as it was put."""

    exit_status = 2


class UnknownRecipient(GatewayError):
    """No address of ours: EX_NOUSER, so that a pipe transport bounces the mail."""

    exit_status = 67


class TryAgain(GatewayError):
    """Our own trouble of the moment: EX_TEMPFAIL, so that a pipe transport keeps the mail."""

    exit_status = 75


class DatabaseUnavailable(TryAgain):
    """The database did not answer, is locked, full or read-only."""


class StorageFull(DatabaseUnavailable):
    """No space is left where mail is kept."""


class Damaged(GatewayError):
    """What was stored is gone or has changed: only a backup brings it back, trying again does not."""


class BadConfiguration(GatewayError):
    """A setting is missing or wrong: EX_CONFIG."""

    exit_status = 78


class OldSchema(BadConfiguration):
    """The database was made by another version of the gateway."""
