"""What the parts that speak SMTP hand each other: servers, envelopes, answers, and what stops them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from config.errors import GatewayError
from outbound.refusals import Reply
from storage.outbox import DeliveryState

# Notes that the dot is next; False when the mail is no longer ours.
BeforeDot = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Server:
    """A server and how to sign in there. Equal ones share connections."""

    host: str
    port: int
    security: str = "starttls"  # starttls | tls | none
    user: str = ""
    password: str = field(default="", repr=False)
    account_id: int | None = None  # signs in with a token of this account instead of the password
    url: str = ""  # where mail is posted to, when it is Microsoft Graph
    connections: int = 0  # at a time; 0: the setting's
    mails_per_minute: int = 0  # 0: no limit

    @property
    def name(self) -> str:
        """For logs and the outbox."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long we wait, in seconds. RFC 5321 section 4.5.3.2."""

    command: float
    final_reply: float


@dataclass(frozen=True, slots=True)
class Envelope:
    """One transaction: who gets these bytes, and where bounces go (empty: nowhere)."""

    reverse_path: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def needs_utf8(self) -> bool:
        """Whether the server must speak SMTPUTF8."""
        return not (
            self.reverse_path.isascii() and all(r.isascii() for r in self.recipients) and self.content.isascii()
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one recipient of a transaction."""

    recipient: str
    state: DeliveryState
    reply: Reply


class ServerTrouble(GatewayError):
    """This server cannot be used now; nothing was sent. Another one may do, or this one after `retry_after` seconds."""

    def __init__(self, reply: Reply, retry_after: float = 0.0) -> None:
        super().__init__(str(reply))
        self.reply, self.retry_after = reply, retry_after


class TakenOver(GatewayError):
    """The lease ended while we were under way, and somebody else has the mail: no dot was sent."""


def words_of(error: BaseException) -> str:
    """What an error says, or its name."""
    return str(error) or type(error).__name__
