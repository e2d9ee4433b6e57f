"""The outbox: mail that was composed, and what became of each of its recipients.

A mail is one set of bytes with one Message-ID over all attempts. How it is sent is `outbound.courier`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, select

from config.clock import now
from config.errors import Refused
from storage.columns import Choice, UtcDateTime, partial_index


class OutgoingKind(StrEnum):
    """Why a mail of ours leaves."""

    REPLY = "reply"  # an agent wrote it
    ACKNOWLEDGEMENT = "acknowledgement"
    REFUSAL = "refusal"  # to somebody whose answer came too late
    NOTICE = "notice"  # to an agent
    PROBE = "probe"  # to a support inbox: does it forward to us?

    @property
    def is_automatic(self) -> bool:
        """Nobody wrote it: RFC 3834 applies."""
        return self is not OutgoingKind.REPLY


class DeliveryState(StrEnum):
    """What became of one recipient."""

    WAITING = "waiting"
    SENDING = "sending"
    DEFERRED = "deferred"  # refused for now; tried again
    SENT = "sent"
    BOUNCED = "bounced"
    UNCERTAIN = "uncertain"  # the connection was lost after the dot: it may have been delivered
    EXPIRED = "expired"
    BLOCKED = "blocked"  # by the block list
    CANCELLED = "cancelled"


MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.WAITING: frozenset({DeliveryState.SENDING, DeliveryState.CANCELLED, DeliveryState.BLOCKED}),
    DeliveryState.SENDING: frozenset(
        {
            DeliveryState.WAITING,
            DeliveryState.SENT,
            DeliveryState.DEFERRED,
            DeliveryState.BOUNCED,
            DeliveryState.UNCERTAIN,
            DeliveryState.EXPIRED,
            DeliveryState.BLOCKED,
        }
    ),
    DeliveryState.DEFERRED: frozenset(
        {
            DeliveryState.SENDING,
            DeliveryState.WAITING,
            DeliveryState.CANCELLED,
            DeliveryState.EXPIRED,
            DeliveryState.BLOCKED,
        }
    ),
    DeliveryState.UNCERTAIN: frozenset({DeliveryState.WAITING, DeliveryState.SENT, DeliveryState.BOUNCED}),
    DeliveryState.SENT: frozenset({DeliveryState.BOUNCED}),  # a delivery report came later
    DeliveryState.BOUNCED: frozenset({DeliveryState.WAITING}),
    DeliveryState.EXPIRED: frozenset({DeliveryState.WAITING}),
    DeliveryState.BLOCKED: frozenset({DeliveryState.WAITING}),
    DeliveryState.CANCELLED: frozenset(),
}
# What stands for the default servers where a channel has its number.
DEFAULT_WAY = 0
PENDING = (DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.DEFERRED)


class Outgoing(SQLModel, table=True):
    """A mail of ours: envelope sender, bytes, and the way that it takes (no channel: the default servers)."""

    id: str = Field(primary_key=True)
    kind: OutgoingKind = Field(sa_column=sa.Column(Choice(OutgoingKind), nullable=False))
    ticket_id: int | None = Field(default=None, foreign_key="ticket.id", index=True)
    message_id: int | None = Field(default=None, foreign_key="message.id", index=True)
    channel_id: int | None = Field(default=None, foreign_key="channel.id")
    header_id: str = Field(index=True)  # Message-ID with angle brackets
    reverse_path: str = ""  # empty is the null reverse-path
    content: bytes = Field(sa_column=sa.Column(sa.LargeBinary, nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def way(self) -> int:
        """As its deliveries name it."""
        return self.channel_id or DEFAULT_WAY


class Delivery(SQLModel, table=True):
    """One recipient of a mail of ours."""

    id: int | None = Field(default=None, primary_key=True)
    outgoing_id: str = Field(foreign_key="outgoing.id", index=True)
    recipient: str = Field(index=True)  # canonical
    spelling: str = ""  # as the person writes it
    way: int = DEFAULT_WAY  # the mail's channel, so that a claim need not look at the mail
    state: DeliveryState = Field(
        default=DeliveryState.WAITING, sa_column=sa.Column(Choice(DeliveryState), nullable=False)
    )
    attempts: int = 0
    next_attempt: datetime = Field(sa_type=UtcDateTime)
    last_reply: str = ""
    server: str = ""  # the one that was asked last
    dot_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # the final dot was about to be sent
    lost_after_dot: int = 0  # how often nobody knew what became of it, and it was sent again
    lease_owner: str = ""
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)

    __table_args__ = (
        sa.UniqueConstraint("outgoing_id", "recipient"),
        partial_index("ix_delivery_due", "way", "next_attempt", where="state IN ('waiting', 'deferred')"),
        partial_index("ix_delivery_sending", "lease_owner", where="state = 'sending'"),
    )


@dataclass(frozen=True, slots=True)
class NewOutgoing:
    """A composed mail; `recipients` maps canonical addresses to their spelling."""

    id: str
    kind: OutgoingKind
    header_id: str
    reverse_path: str
    content: bytes
    recipients: dict[str, str]
    ticket_id: int | None = None
    message_id: int | None = None
    channel_id: int | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a server said about one delivery."""

    delivery_id: int
    state: DeliveryState
    reply: str
    server: str = ""
    next_attempt: datetime | None = None
    lost_after_dot: bool = False  # it may have been delivered, and is sent once more all the same


def enqueue(session: Session, mail: NewOutgoing) -> Outgoing:
    """Put a mail into the outbox: it leaves after the commit, not before `not_before`."""
    at = now()
    outgoing = Outgoing(
        id=mail.id,
        kind=mail.kind,
        ticket_id=mail.ticket_id,
        message_id=mail.message_id,
        channel_id=mail.channel_id,
        header_id=mail.header_id,
        reverse_path=mail.reverse_path,
        content=mail.content,
        created_at=at,
    )
    session.add(outgoing)
    session.flush()
    for recipient, spelling in mail.recipients.items():
        session.add(
            Delivery(
                outgoing_id=mail.id,
                recipient=recipient,
                spelling=spelling,
                way=outgoing.way,
                next_attempt=mail.not_before or at,
                updated_at=at,
            )
        )
    session.flush()
    return outgoing


def record(session: Session, outcome: Outcome) -> Delivery:
    """Write what became of a delivery. Raises Refused when the table of moves does not know this one."""
    delivery = session.get_one(Delivery, outcome.delivery_id)
    if outcome.state not in MOVES[delivery.state]:
        raise Refused(f"A delivery that is {delivery.state} does not become {outcome.state}")
    delivery.state, delivery.last_reply, delivery.updated_at = outcome.state, outcome.reply[:1000], now()
    delivery.server = outcome.server or delivery.server
    delivery.next_attempt = outcome.next_attempt or delivery.next_attempt
    delivery.lost_after_dot += outcome.lost_after_dot
    delivery.lease_owner, delivery.lease_until, delivery.dot_at = "", None, None
    session.add(delivery)
    session.flush()
    return delivery


def prove_sent(session: Session, outgoing_id: str, proof: str, recipient: str = "") -> None:
    """Something shows that an uncertain delivery has arrived: of one recipient, or of all when none is named."""
    query = select(Delivery).where(Delivery.outgoing_id == outgoing_id, Delivery.state == DeliveryState.UNCERTAIN)
    for delivery in session.exec(query).all():
        if not recipient or delivery.recipient == recipient:
            record(session, Outcome(delivery.id or 0, DeliveryState.SENT, f"proved by {proof}"))


def retry(session: Session, delivery: Delivery) -> None:
    """Try again now. An uncertain mail may then arrive twice: the caller has asked."""
    if DeliveryState.WAITING not in MOVES[delivery.state]:
        raise Refused(f"Delivery {delivery.id} is {delivery.state}: there is nothing to retry")
    record(session, Outcome(delivery.id or 0, DeliveryState.WAITING, delivery.last_reply, next_attempt=now()))
