"""The rest of the world in the demo: one SMTP server that takes whatever the gateway sends."""

import email
import queue
import socket
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Internet:
    """Listens on a free port of this machine; `receive` waits for the next mail."""

    def __init__(self) -> None:
        self._mails: queue.Queue[EmailMessage] = queue.Queue()
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Take a mail."""
        content = cast("bytes", envelope.content)
        self._mails.put(cast("EmailMessage", email.message_from_bytes(content, policy=cast("Any", POLICY))))
        return "250 2.0.0 Thank you"

    def receive(self, seconds: float) -> EmailMessage:
        """The next mail that the gateway sends."""
        return self._mails.get(timeout=seconds)

    def close(self) -> None:
        """Stop listening."""
        self._controller.stop()
