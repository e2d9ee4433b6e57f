"""The rest of the world in the demo: one SMTP server that takes whatever the gateway sends."""

import email
import queue
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Internet:
    """Listens on a free port of this machine; `receive` waits for the next mail."""

    def __init__(self) -> None:
        self._mails: queue.Queue[EmailMessage] = queue.Queue()
        self._controller = Controller(self, hostname="127.0.0.1", port=0)
        self._controller.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        server: Any = self._controller.server
        return int(server.sockets[0].getsockname()[1])

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
