"""A support desk as its people meet it: the gateway by its commands, and the mails that customers write.

Nothing here asks the gateway's database: what a test claims, a user could have seen.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from peers.gatewayproc import GatewayProc
from peers.ports import until

# A command takes a second to start, and a busy machine is slow.
WAIT_SECONDS = 60.0
INBOX = "support@company.example"


class Desk:
    """One installation with a queue, its creation address and an agent."""

    def __init__(self, gateway: GatewayProc) -> None:
        self.gateway = gateway
        self.address = ""

    def open(self, *policies: str) -> "Desk":
        """Make the database, the queue Support and an agent; the daemon does not run yet.

        Nobody gets an acknowledgement, so that a test counts what people wrote.
        """
        self.gateway.upgrade()
        self.address = self.new_queue("Support", "--acknowledge", "never", *policies)
        self.gateway.run("agent", "add", "alex@company.example", "--name", "Alex Agent")
        return self

    def new_queue(self, name: str, *policies: str) -> str:
        """Another queue; its creation address."""
        address: str = self.gateway.run("queue", "new", name, *policies, "--json")["address"]
        return address

    def tickets(self) -> list[dict[str, Any]]:
        """All tickets, as `ticket list` tells of them."""
        found: list[dict[str, Any]] = self.gateway.run("ticket", "list", "--all", "--json")
        return found

    def ticket(self, number: int) -> Any:
        """One ticket with everything in it."""
        return self.gateway.run("ticket", "show", str(number), "--json")

    def ticket_about(self, subject: str) -> Any:
        """The one ticket with this subject, as soon as it is there."""
        numbers: list[int] = []

        def is_there() -> bool:
            numbers[:] = [ticket["number"] for ticket in self.tickets() if ticket["subject"] == subject]
            return bool(numbers)

        self.until(is_there, f"a ticket about {subject!r}")
        [number] = numbers
        return self.ticket(number)

    def ticket_with(self, number: int, messages: int) -> Any:
        """A ticket as soon as it has so many messages."""
        shown: list[Any] = []

        def has_them() -> bool:
            shown[:] = [self.ticket(number)]
            return len(shown[0]["messages"]) >= messages

        self.until(has_them, f"{messages} messages in ticket {number}")
        return shown[0]

    def delivery_in(self, number: int, state: str) -> Any:
        """The newest delivery of a ticket, as soon as it is in this state."""
        shown: list[Any] = []

        def is_so() -> bool:
            shown[:] = [one for message in self.ticket(number)["messages"] for one in message["deliveries"]][-1:]
            return bool(shown) and shown[0]["state"] == state

        self.until(is_so, f"a delivery of ticket {number} that is {state}")
        return shown[0]

    def reply(self, number: int, text: str, *words: str, exits: int = 0) -> None:
        """An agent answers; it leaves at once."""
        self.gateway.run("ticket", "reply", str(number), "-m", text, "--now", *words, exits=exits)

    def raw(self, named: str) -> bytes:
        """A mail byte for byte as it was received."""
        return self.gateway.attempt("mail", "raw", named).stdout

    def audit(self) -> Any:
        """The sum of all mail, as soon as nothing waits to be filed."""
        told: list[Any] = []

        def is_done() -> bool:
            finished = self.gateway.run("audit", "--json")
            told[:] = [finished]
            return finished["pending"] == 0

        self.until(is_done, "everything is filed")
        return told[0]

    def until(self, fact: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the fact holds; when it does not, the daemon's log tells why."""
        try:
            until(fact, seconds, what, every=0.2)
        except TimeoutError as late:
            raise TimeoutError(f"{late}\n{self.gateway.log()}") from None


def plain_mail(number: int, subject: str, octets: int = 2000, to: str = INBOX, text: str = "") -> bytes:
    """A mail of a customer of his own, so that no limit per author counts them together."""
    head = (
        f"From: Customer {number} <customer{number}@client.example>\r\nTo: {to}\r\nSubject: {subject}\r\n"
        f"Message-ID: <{subject.replace(' ', '.').lower()}.{number}@client.example>\r\n"
        f"Date: Mon, 2 Mar 2026 09:00:00 +0000\r\n\r\n"
    )
    line = text or f"Where is parcel {number}, please? It was to be here on Monday.\r\n"
    return (head + line * max(1, (octets - len(head)) // len(line))).encode()


def mail_files(folder: Path, count: int, word: str, sizes: Sequence[int] = (2000,)) -> list[Path]:
    """So many different mails as files, whose subjects are the word with a number."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        path = folder / f"{number:04}.eml"
        path.write_bytes(plain_mail(number, f"{word} {number}", sizes[number % len(sizes)]))
        paths.append(path)
    return paths
