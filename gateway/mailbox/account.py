"""Where an inbox is, how one signs in there, and what goes wrong, in our own words."""

import imaplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from config.errors import GatewayError

_MAX_WORDS = 500


class MailboxTrouble(GatewayError):
    """The server cannot be used at the moment, or said something that makes no sense."""


class SignInRefused(MailboxTrouble):
    """The server is there and does not let us in: a person must change something."""


class Withheld(MailboxTrouble):
    """The server lists a mail and does not give it. The connection is good."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where an inbox is and how to sign in. `token` takes the place of the password: OAuth 2.

    It is asked for a fresh token, and told which one the server has just refused.
    """

    host: str
    port: int
    security: str  # tls | starttls | none
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    timeout_seconds: float = 60.0
    message_bytes: int = 0  # 0: no limit
    token: Callable[[str], str] | None = field(default=None, repr=False)

    @property
    def server(self) -> str:
        """For people."""
        return f"{self.host}:{self.port}"


@contextmanager
def in_our_words(account: Account) -> Iterator[None]:
    """Whatever goes wrong on the wire becomes MailboxTrouble."""
    try:
        yield
    except ssl.SSLError as error:
        raise MailboxTrouble(f"{account.server}: TLS fails: {error.reason or error}") from error
    except TimeoutError as error:
        raise MailboxTrouble(f"{account.server} did not answer in time") from error
    except OSError as error:
        raise MailboxTrouble(f"{account.server}: {error.strerror or error}") from error
    except (imaplib.IMAP4.error, ValueError) as error:
        raise MailboxTrouble(f"{account.server}: {plain(str(error))}") from error


def plain(text: str) -> str:
    """What imaplib tells of an answer, as the server wrote it."""
    return text.removeprefix("b'").removesuffix("'")[:_MAX_WORDS]
