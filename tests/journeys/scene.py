"""One scenario of the table: a queue and people of its own, in a gateway without doors that all of them share."""

from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count

from fakes.house import House, mail
from sqlmodel import col, select

from storage.outbox import Outgoing
from storage.spool import Spool
from storage.tickets import Ticket

_NUMBERS = count(1)


@dataclass
class Scene:
    """A queue of its own, with a customer, his colleague and a stranger whom nobody else has met."""

    house: House
    number: int = field(default_factory=lambda: next(_NUMBERS))
    address: str = ""

    def __post_init__(self) -> None:
        self.name = f"Scene {self.number}"
        self.address = self.house.add_queue(self.name)
        self.customer = f"carla{self.number}@customer.example"
        self.colleague = f"bob{self.number}@customer.example"
        self.stranger = f"sam{self.number}@elsewhere.example"

    def id(self, name: str) -> str:
        """A Message-ID that no other scenario has."""
        return f"<{name}.{self.number}@x.example>"

    def mail(self, text: str = "It smokes.", *, author: str = "", headers: str = "", **more: str) -> bytes:
        """A mail of the customer; `{name}` in its header lines is the id of that name."""
        words = {name: self.id(name) for name in ("a", "b", "c", "root")}
        return mail(f"{text} ({self.number})", author=author or self.customer, headers=headers.format(**words), **more)

    def receive(
        self, text: str = "It smokes.", *, to: str = "", reverse_path: str = "x@y.example", **more: str
    ) -> Spool:
        """What becomes of such a mail."""
        return self.house.receive(self.mail(text, **more), to=to or self.address, reverse_path=reverse_path)

    def ticket(self, text: str = "It smokes.", **more: str) -> Ticket:
        """The ticket in which such a mail ends."""
        return self.house.ticket_of(self.receive(text, **more))

    def first(self) -> int:
        """The customer's ticket, whose first mail is <a>."""
        return self.ticket(message_id=self.id("a"), headers=f"Cc: {self.colleague}\n").id

    def flags(self, number: int) -> list[str]:
        """Those of the newest message."""
        return self.house.messages(number)[-1].flags

    def sent(self, number: int) -> list[EmailMessage]:
        """The mails of ours about a ticket, the oldest first."""
        with self.house.database.reading() as session:
            rows = session.exec(select(Outgoing).where(Outgoing.ticket_id == number).order_by(col(Outgoing.id))).all()
            mails = [message_from_bytes(row.content, policy=policy.default) for row in rows]
        return [one for one in mails if isinstance(one, EmailMessage)]


def why(row: Spool, asked: str) -> tuple[str, str]:
    """The last answer in the trace, and its reason."""
    return next((answer, reason) for step, answer, reason in reversed(row.trace) if step == asked)
