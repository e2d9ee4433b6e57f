"""What MAIL, RCPT and the dot mean for us. How they are spoken is `server`, what is allowed is `policy`."""

from hashlib import sha256

from aiosmtpd.smtp import Envelope, Session

from config import maillog
from config.clock import now
from config.errors import DatabaseUnavailable, StorageFull, TryAgain
from gateway.listener.paths import Path
from gateway.listener.policy import House, judge_content, judge_recipient, judge_sender
from gateway.listener.replies import (
    NO_SPACE,
    OUR_FAULT,
    RECIPIENT_OK,
    SENDER_OK,
    TOO_MANY_RECIPIENTS,
    Reply,
    accepted_as,
)
from storage.spool import Arrival


class Visit(Session):
    """One peer's session: who he is, and how often he was wrong."""

    host: str = ""
    protocol: str = "SMTP"
    tls: str = ""
    errors: int = 0
    unknown: int = 0


class Handler:
    """One for all conversations; it remembers nothing between commands."""

    def __init__(self, house: House) -> None:
        self.house = house

    def sender(self, visit: Visit, envelope: Envelope, path: Path) -> Reply:
        """MAIL. The null reverse-path is the empty string."""
        refusal = judge_sender(self.house, visit.host, path)
        if refusal is not None:
            return refusal
        envelope.mail_from = path.address
        envelope.smtp_utf8 = "SMTPUTF8" in path.parameters
        return SENDER_OK

    async def recipient(self, visit: Visit, envelope: Envelope, path: Path) -> Reply:
        """RCPT."""
        limit = self.house.limits.recipients
        if limit and len(envelope.rcpt_tos) >= limit:
            return TOO_MANY_RECIPIENTS
        try:
            judged = await judge_recipient(self.house, visit.host, path)
        except DatabaseUnavailable as error:
            maillog.trouble("recipient look-up", error=str(error))
            return OUR_FAULT
        if isinstance(judged, Reply):
            return judged
        if judged not in envelope.rcpt_tos:
            envelope.rcpt_tos.append(judged)
        return RECIPIENT_OK

    async def mail(self, visit: Visit, envelope: Envelope, content: bytes) -> Reply:
        """After the dot: refuse, or commit and promise."""
        refusal = judge_content(self.house.limits, content)
        if refusal is not None:
            return refusal
        arrival = _arrival(visit, envelope, content)
        try:
            acceptance_id = await self.house.commit.accept(arrival)
        except StorageFull:
            return NO_SPACE
        except TryAgain:
            return OUR_FAULT
        self.house.rates.count(visit.host, arrival.recipients)
        maillog.accepted(acceptance_id, recipient=", ".join(arrival.recipients), size=arrival.size, peer=visit.host)
        return accepted_as(acceptance_id)

    async def handle_exception(self, error: Exception) -> str:
        """aiosmtpd would answer a permanent 500 with the text of the exception."""
        maillog.crashed("conversation", error=error)
        return OUR_FAULT.line


def _arrival(visit: Visit, envelope: Envelope, content: bytes) -> Arrival:
    return Arrival(
        reverse_path=envelope.mail_from or "",
        recipients=tuple(envelope.rcpt_tos),
        sha256=sha256(content).hexdigest(),
        size=len(content),
        content=content,
        received_at=now(),
        peer=visit.host,
        helo=visit.host_name or "",
        protocol=_with_utf8(visit.protocol) if envelope.smtp_utf8 else visit.protocol,
        tls=visit.tls,
    )


def _with_utf8(protocol: str) -> str:
    """RFC 6531 section 4.3: UTF8SMTP and UTF8LMTP, with or without the S of TLS."""
    return "UTF8" + protocol.removeprefix("E")
