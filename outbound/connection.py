"""Mail after mail over one connection to a server. RFC 5321, RFC 6531, RFC 2920.

MAIL, RCPT and DATA go out in one piece where the server allows it. The final dot waits until it is noted that it comes.
What a server says about a mail is a value; a server that cannot be used is `ServerTrouble`.
"""

import asyncio
import ssl
from collections.abc import Sequence
from typing import cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from outbound.envelope import Answer, BeforeDot, Envelope, Patience, Server, ServerTrouble, TakenOver
from outbound.refusals import Reply
from outbound.talk import Talk
from storage.outbox import DeliveryState

_BLOCK = 65_536
_QUIT_SECONDS = 2.0
_DATA = b"DATA"


class Connection:
    """Signed in and ready. Not for two tasks at once."""

    def __init__(self, server: Server, client: aiosmtplib.SMTP, patience: Patience) -> None:
        self.server, self._patience = server, patience
        transport, _ = wire_of(client)
        encrypted = transport.get_extra_info("ssl_object")
        # The TLS version, or an empty string.
        self.tls = encrypted.version() or "" if isinstance(encrypted, ssl.SSLObject) else ""
        # What the server announced.
        self.extensions = dict(client.esmtp_extensions)
        self._pipelines = "pipelining" in self.extensions
        self._talk = Talk(transport)
        self.mails = 0

    @property
    def is_alive(self) -> bool:
        """Whether the other side is still there, as far as we know."""
        return self._talk.is_alive

    async def deliver(self, envelope: Envelope, before_dot: BeforeDot) -> list[Answer]:
        """Send one mail. Raises ServerTrouble before anything was said about a recipient, and TakenOver."""
        self.mails += 1
        refused = self._cannot_take(envelope)
        if refused:
            return _all(envelope.recipients, DeliveryState.BOUNCED, refused)
        reply = await self._mail(envelope)
        if not reply.is_positive:
            return _all(envelope.recipients, DeliveryState.DEFERRED, reply)
        answers, taken = await self._recipients(envelope)
        if taken or (self._pipelines and self.is_alive):
            reply = await self._data(taken)
            if taken and reply.code == 354:
                return answers + await self._text(taken, envelope.content, before_dot)
            answers += _all(taken, _refusal(reply), reply)
        await self._reset()
        return answers

    async def close(self) -> None:
        """Say goodbye, briefly."""
        await self._talk.goodbye(_QUIT_SECONDS)

    def abort(self) -> None:
        """Hang up."""
        self._talk.abort()

    def _cannot_take(self, envelope: Envelope) -> Reply | None:
        if envelope.needs_utf8 and "smtputf8" not in self.extensions:
            return Reply(550, f"5.6.7 {self.server.name} does not take addresses in other alphabets (SMTPUTF8)")
        size = self.extensions.get("size", "")
        if size.isdigit() and 0 < int(size) < len(envelope.content):
            return Reply(552, f"5.3.4 {self.server.name} takes mails of {size} bytes at most")
        return None

    async def _mail(self, envelope: Envelope) -> Reply:
        line = self._mail_line(envelope)
        if self._pipelines:
            self._talk.send(line, *(_rcpt_line(recipient) for recipient in envelope.recipients), _DATA)
            reply = await self._talk.reply(line, self._patience.command)
        else:
            reply = await self._say(line)
        if reply.is_positive:
            return reply
        # Up to here nothing was said about a recipient, so 5xx and a closing server blame nobody but itself.
        is_trouble = reply.code in (0, 421) or reply.is_permanent
        if self._pipelines:
            await self._drop_replies(len(envelope.recipients))
            await self._data(())
        await self._reset()
        if is_trouble:
            raise ServerTrouble(reply)
        return reply

    def _mail_line(self, envelope: Envelope) -> bytes:
        words = [b"MAIL FROM:<" + envelope.reverse_path.encode() + b">"]
        if "size" in self.extensions:
            words.append(b"SIZE=%d" % len(envelope.content))
        if envelope.needs_utf8:
            words += [b"BODY=8BITMIME", b"SMTPUTF8"]
        return _checked(b" ".join(words))

    async def _drop_replies(self, count: int) -> None:
        """What the server says to recipients whose sender it has refused already."""
        for _ in range(count):
            if self.is_alive:
                await self._talk.reply(b"RCPT", self._patience.command)

    async def _recipients(self, envelope: Envelope) -> tuple[list[Answer], tuple[str, ...]]:
        answers: list[Answer] = []
        taken: list[str] = []
        for recipient in envelope.recipients:
            line = _rcpt_line(recipient)
            waits = self._talk.reply(line, self._patience.command) if self._pipelines else self._say(line)
            reply = await waits
            if reply.is_positive:
                taken.append(recipient)
            else:
                answers.append(Answer(recipient, _refusal(reply), reply))
            if not reply.code or (not self._pipelines and not self.is_alive):
                # Who was taken before the connection broke is tried again like the rest.
                done = {answer.recipient for answer in answers}
                rest = [one for one in envelope.recipients if one not in done]
                return answers + _all(rest, DeliveryState.DEFERRED, reply), ()
        return answers, tuple(taken)

    async def _data(self, taken: Sequence[str]) -> Reply:
        """What DATA is answered. A server that waits for the text of a mail that nobody gets is left. RFC 2920 3.1."""
        reply = await (self._talk.reply(_DATA, self._patience.command) if self._pipelines else self._say(_DATA))
        if reply.code == 354 and not taken:
            self.abort()
        return reply

    async def _text(self, taken: Sequence[str], content: bytes, before_dot: BeforeDot) -> list[Answer]:
        lost = await self._body(content)
        try:
            if not lost and not await before_dot():
                raise TakenOver("another worker has this mail")
        except BaseException:
            self.abort()
            raise
        # No await stands between this look and the writing of the dot.
        if lost or not self.is_alive:
            self.abort()
            return _all(taken, DeliveryState.DEFERRED, Reply(0, lost or "the connection was lost before the final dot"))
        return _all(taken, *await self._dot())

    async def _body(self, content: bytes) -> str:
        """Write the text; what went wrong, or an empty string."""
        text = content.replace(b"\r\n.", b"\r\n..")  # RFC 5321 section 4.5.2
        text = b"." + text if text.startswith(b".") else text
        text = text if text.endswith(b"\r\n") else text + b"\r\n"
        try:
            for start in range(0, len(text), _BLOCK):
                await self._talk.pour(text[start : start + _BLOCK], self._patience.command)
        except TimeoutError:
            return "timed out while the mail was written"
        except OSError as error:
            return f"the connection was lost before the final dot: {error}"
        return ""

    async def _dot(self) -> tuple[DeliveryState, Reply]:
        self._talk.send(b".")
        reply = await self._talk.reply(b"the final dot", self._patience.final_reply)
        if not reply.code:
            return DeliveryState.UNCERTAIN, Reply(0, f"no answer after the final dot: {reply.text.partition(': ')[2]}")
        if reply.is_positive:
            return DeliveryState.SENT, reply
        # Neither yes nor no (RFC 5321 section 4.2.1 knows nothing else here): it may be stored.
        return (_refusal(reply) if 400 <= reply.code < 600 else DeliveryState.UNCERTAIN), reply

    async def _reset(self) -> None:
        """End a transaction that sent nothing; a connection that cannot be cleaned is not used again."""
        if self.is_alive and not (await self._say(b"RSET")).is_positive:
            self.abort()

    async def _say(self, line: bytes) -> Reply:
        self._talk.send(line)
        return await self._talk.reply(line, self._patience.command)


def wire_of(client: aiosmtplib.SMTP) -> tuple[asyncio.WriteTransport, SMTPProtocol]:
    """What stands below the commands. Raises ServerTrouble when it is gone."""
    if client.transport is None or client.protocol is None:
        raise ServerTrouble(Reply(0, "the connection was lost while it was set up"))
    # uvloop's transports are no subclass of asyncio's.
    return cast(asyncio.WriteTransport, client.transport), client.protocol


def _all(recipients: Sequence[str], state: DeliveryState, reply: Reply) -> list[Answer]:
    return [Answer(recipient, state, reply) for recipient in recipients]


def _refusal(reply: Reply) -> DeliveryState:
    """A refusal of a recipient or a text; trouble with our account is nobody's bounce."""
    is_final = reply.is_permanent and not reply.is_about_account
    return DeliveryState.BOUNCED if is_final else DeliveryState.DEFERRED


def _rcpt_line(recipient: str) -> bytes:
    return _checked(b"RCPT TO:<" + recipient.encode() + b">")


def _checked(line: bytes) -> bytes:
    """Addresses were checked when they came in; a line break here would be a command of somebody else."""
    if b"\r" in line or b"\n" in line:
        raise ServerTrouble(Reply(0, "an address with a line break in it is not sent"))
    return line
