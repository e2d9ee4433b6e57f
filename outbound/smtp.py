"""One connection to a mail server: greeting, TLS, sign-in, and mail after mail over it. RFC 5321, 3207, 4954, 6531.

aiosmtplib speaks the commands; the text of a mail is written here, since the final dot must wait until it is
noted that it comes. What a server says about a mail is a value; a server that cannot be used is `ServerTrouble`.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import cast

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPResponseException
from aiosmtplib.protocol import SMTPProtocol

from config.errors import GatewayError
from config.settings import LOOPBACK
from outbound.refusals import Reply
from storage.outbox import DeliveryState

_BLOCK = 65_536
_QUIT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server and how to sign in there. Equal ones share connections."""

    host: str
    port: int
    security: str = "starttls"  # starttls | tls | none
    user: str = ""
    password: str = field(default="", repr=False)

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
    """This server cannot be used now; nothing was sent. Another one may do."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class TakenOver(GatewayError):
    """The lease ended while we were under way, and somebody else has the mail: no dot was sent."""


# Notes that the dot is next; False when the mail is no longer ours.
BeforeDot = Callable[[], Awaitable[bool]]


class Connection:
    """Signed in and ready. Not for two tasks at once."""

    def __init__(self, server: Server, client: aiosmtplib.SMTP, patience: Patience) -> None:
        self.server, self._client, self._patience = server, client, patience
        transport, protocol = _wire(client)
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
            return DeliveryState.UNCERTAIN, Reply(0, f"no answer after the final dot: {_words(error)}")
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
            return Reply(0, f"no answer to {words[0].decode()}: {_words(error)}")
        return Reply(code, text)


async def connect(server: Server, hostname: str, patience: Patience) -> Connection:
    """Connect, encrypt and sign in. Raises ServerTrouble; a password is never sent in clear over a network."""
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        local_hostname=hostname,
        timeout=patience.command,
        use_tls=server.security == "tls",
        start_tls=False,
        tls_context=_tls_context(),
    )
    try:
        await client.connect()
        await client.ehlo()
        if server.security == "starttls":
            await _encrypt(client, server, patience)
        if server.user:
            await _sign_in(client, server)
        return Connection(server, client, patience)
    except SMTPResponseException as error:
        client.close()
        raise ServerTrouble(Reply(error.code, error.message)) from error
    except (SMTPException, OSError, TimeoutError, ValueError) as error:
        client.close()
        raise ServerTrouble(Reply(0, f"cannot use {server.name}: {_words(error)}")) from error
    except BaseException:
        client.close()
        raise


async def _encrypt(client: aiosmtplib.SMTP, server: Server, patience: Patience) -> None:
    if "starttls" not in client.esmtp_extensions:
        # Somebody on the way may have taken it out of the reply: without TLS nothing is sent.
        raise ServerTrouble(Reply(0, f"{server.name} does not offer STARTTLS"))
    code, text = await client.execute_command(b"STARTTLS")
    if code != 220:
        raise ServerTrouble(Reply(code, text))
    transport, protocol = _wire(client)
    # aiosmtplib would drop in silence what a man in the middle has put behind the reply. RFC 3207 section 6.
    if protocol._buffer:
        raise ServerTrouble(Reply(0, f"{server.name} sent data before TLS: somebody may be in between"))
    encrypted = await asyncio.get_running_loop().start_tls(
        transport, protocol, _tls_context(), server_hostname=server.host, ssl_handshake_timeout=patience.command
    )
    if encrypted is None:
        raise ServerTrouble(Reply(0, "the connection was lost at STARTTLS"))
    protocol.transport = client.transport = encrypted
    # What was said before TLS is forgotten. RFC 3207 section 4.2.
    await client.ehlo()


def _wire(client: aiosmtplib.SMTP) -> tuple[asyncio.WriteTransport, SMTPProtocol]:
    if client.transport is None or client.protocol is None:
        raise ServerTrouble(Reply(0, "the connection was lost while it was set up"))
    # uvloop's transports are no subclass of asyncio's.
    return cast(asyncio.WriteTransport, client.transport), client.protocol


async def _sign_in(client: aiosmtplib.SMTP, server: Server) -> None:
    if server.security == "none" and server.host not in LOOPBACK:
        raise ServerTrouble(Reply(0, f"the password for {server.name} would cross the network in clear: set TLS"))
    methods = client.server_auth_methods
    if "plain" in methods:
        await client.auth_plain(server.user, server.password)
    elif "login" in methods:
        await client.auth_login(server.user, server.password)
    else:
        raise ServerTrouble(Reply(534, f"{server.name} offers no sign-in that we know, only {' '.join(methods)}"))


@cache
def _tls_context() -> ssl.SSLContext:
    """The system's authorities (or SSL_CERT_FILE); the name is checked."""
    return ssl.create_default_context()


def _all(recipients: Sequence[str], state: DeliveryState, reply: Reply) -> list[Answer]:
    return [Answer(recipient, state, reply) for recipient in recipients]


def _refusal(reply: Reply) -> DeliveryState:
    """A refusal of a recipient or a text; trouble with our account is nobody's bounce."""
    is_final = reply.is_permanent and not reply.is_about_account
    return DeliveryState.BOUNCED if is_final else DeliveryState.DEFERRED


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
