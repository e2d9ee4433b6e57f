"""Mail after mail over one connection to a server. RFC 5321, RFC 6531.

aiosmtplib speaks the commands; the text of a mail is written here, since the final dot must wait until it is
noted that it comes. What a server says about a mail is a value; a server that cannot be used is `ServerTrouble`.
"""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

import aiosmtplib
from aiosmtplib.errors import SMTPException
from aiosmtplib.protocol import SMTPProtocol

from outbound.envelope import Answer, BeforeDot, Envelope, Patience, Server, ServerTrouble, TakenOver, words_of
from outbound.refusals import Reply
from storage.outbox import DeliveryState

_BLOCK = 65_536
_QUIT_SECONDS = 2.0


class Connection:
    """Signed in and ready. Not for two tasks at once."""

    def __init__(self, server: Server, client: aiosmtplib.SMTP, patience: Patience) -> None:
        self.server, self._client, self._patience = server, client, patience
        transport, protocol = wire_of(client)
        # `drain` shall wait until everything has left: the time of the dot must mean something.
        transport.set_write_buffer_limits(high=0)
        self._writer = asyncio.StreamWriter(transport, protocol, None, asyncio.get_running_loop())
        self.mails = 0

    @property
    def is_alive(self) -> bool:
        """Whether the other side is still there, as far as we know."""
        return self._client.is_connected

    @property
    def extensions(self) -> dict[str, str]:
        """What the server announced."""
        return dict(self._client.esmtp_extensions)

    @property
    def tls(self) -> str:
        """The TLS version, or an empty string."""
        encrypted = self._client.get_transport_info("ssl_object") if self.is_alive else None
        return encrypted.version() or "" if isinstance(encrypted, ssl.SSLObject) else ""

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
        if taken:
            return answers + await self._text(taken, envelope.content, before_dot)
        await self._reset()
        return answers

    async def close(self) -> None:
        """Say goodbye, briefly."""
        with suppress(SMTPException, OSError, TimeoutError):
            if self.is_alive:
                await self._client.quit(timeout=_QUIT_SECONDS)
        self.abort()

    def abort(self) -> None:
        """Hang up."""
        self._client.close()

    def _cannot_take(self, envelope: Envelope) -> Reply | None:
        if envelope.needs_utf8 and "smtputf8" not in self.extensions:
            return Reply(550, f"5.6.7 {self.server.name} does not take addresses in other alphabets (SMTPUTF8)")
        size = self.extensions.get("size", "")
        if size.isdigit() and 0 < int(size) < len(envelope.content):
            return Reply(552, f"5.3.4 {self.server.name} takes mails of {size} bytes at most")
        return None

    async def _mail(self, envelope: Envelope) -> Reply:
        words = [b"FROM:<" + envelope.reverse_path.encode() + b">"]
        if "size" in self.extensions:
            words.append(b"SIZE=%d" % len(envelope.content))
        if envelope.needs_utf8:
            words += [b"BODY=8BITMIME", b"SMTPUTF8"]
        reply = await self._say(b"MAIL", *words)
        # Up to here nothing was said about a recipient, so 5xx and a closing server blame nobody but itself.
        if reply.code in (0, 421) or reply.is_permanent:
            await self._reset()
            raise ServerTrouble(reply)
        if not reply.is_positive:
            await self._reset()
        return reply

    async def _recipients(self, envelope: Envelope) -> tuple[list[Answer], tuple[str, ...]]:
        answers: list[Answer] = []
        taken: list[str] = []
        for recipient in envelope.recipients:
            reply = await self._say(b"RCPT", b"TO:<" + recipient.encode() + b">")
            if reply.is_positive:
                taken.append(recipient)
            else:
                answers.append(Answer(recipient, _refusal(reply), reply))
            if not self.is_alive:
                # Who was taken before the connection broke is tried again like the rest.
                done = {answer.recipient for answer in answers}
                rest = [one for one in envelope.recipients if one not in done]
                return answers + _all(rest, DeliveryState.DEFERRED, reply), ()
        return answers, tuple(taken)

    async def _text(self, taken: Sequence[str], content: bytes, before_dot: BeforeDot) -> list[Answer]:
        reply = await self._say(b"DATA")
        if reply.code != 354:
            await self._reset()
            return _all(taken, _refusal(reply), reply)
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
                self._writer.write(text[start : start + _BLOCK])
                await asyncio.wait_for(self._writer.drain(), self._patience.command)
        except TimeoutError:
            return "timed out while the mail was written"
        except OSError as error:
            return f"the connection was lost before the final dot: {error}"
        return ""

    async def _dot(self) -> tuple[DeliveryState, Reply]:
        try:
            code, text = await self._client.execute_command(b".", timeout=self._patience.final_reply)
        except (SMTPException, OSError, TimeoutError) as error:
            self.abort()
            return DeliveryState.UNCERTAIN, Reply(0, f"no answer after the final dot: {words_of(error)}")
        reply = Reply(code, text)
        if reply.is_positive:
            return DeliveryState.SENT, reply
        # Neither yes nor no (RFC 5321 section 4.2.1 knows nothing else here): it may be stored.
        return (_refusal(reply) if 400 <= code < 600 else DeliveryState.UNCERTAIN), reply

    async def _reset(self) -> None:
        """End a transaction that sent nothing; a connection that cannot be cleaned is not used again."""
        if self.is_alive and not (await self._say(b"RSET")).is_positive:
            self.abort()

    async def _say(self, *words: bytes) -> Reply:
        try:
            code, text = await self._client.execute_command(*words, timeout=self._patience.command)
        except (SMTPException, OSError, TimeoutError) as error:
            self.abort()
            return Reply(0, f"no answer to {words[0].decode()}: {words_of(error)}")
        return Reply(code, text)


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
