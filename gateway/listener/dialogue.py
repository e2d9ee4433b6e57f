"""The commands of SMTP and LMTP: their order, and what each says back. RFC 5321, 2033, 3207.

PIPELINING is announced, and done right: commands in groups are answered in order, but whoever goes on
before our reply to EHLO, DATA or STARTTLS, or without having heard EHLO, is out of step. RFC 2920 section 3.1.
What MAIL, RCPT and a mail mean is `handler`'s; bytes, time and endings are `conversation`'s.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable

from config import maillog
from gateway.listener import replies
from gateway.listener.conversation import Common, Conversation
from gateway.listener.data import Incoming, receive
from gateway.listener.paths import read_recipient, read_sender
from gateway.listener.replies import Reply
from gateway.listener.stream import Gone
from gateway.listener.tls import Certificates, facts_of

_LONGEST_LINE = 512
# RFC 1870 section 3, RFC 6152 section 2 and RFC 6531 section 3.4 each let MAIL be longer.
_LONGEST = {b"MAIL": _LONGEST_LINE + 26 + 17 + 10, b"RCPT": _LONGEST_LINE + 10}
_LAST_OF_GROUP = frozenset({b"EHLO", b"HELO", b"LHLO", b"DATA", b"STARTTLS"})
_BEFORE_TLS = frozenset({b"EHLO", b"HELO", b"LHLO", b"STARTTLS", b"NOOP", b"RSET", b"QUIT"})
# A browser that was sent here to speak mail for somebody else.
_NOT_MAIL = frozenset({b"GET", b"POST", b"PUT", b"HEAD", b"CONNECT", b"OPTIONS"})
_HELLO = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,254}")


class Dialogue(Conversation):
    """A conversation that knows the commands."""

    def __init__(self, common: Common, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(common, loop)
        self._commands = _COMMANDS_LMTP if common.listener.protocol == "lmtp" else _COMMANDS_SMTP

    def _obey(self, line: bytes) -> Awaitable[None] | None:
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        command = self._commands.get(verb)
        if len(line) + 2 > _LONGEST_LINE and len(line) + 2 > _LONGEST.get(verb, _LONGEST_LINE):
            self._wrong(replies.LINE_TOO_LONG)
        elif command is None:
            self._end(replies.NOT_MAIL) if verb in _NOT_MAIL else self._wrong(replies.UNKNOWN_COMMAND)
        elif self.stream.unread and (verb in _LAST_OF_GROUP or not self.session.extended_smtp):
            self._end(replies.OUT_OF_STEP)
        elif self.common.listener.require_tls and not self.is_tls and verb not in _BEFORE_TLS:
            self._wrong(replies.TLS_FIRST)
        else:
            return command(self, argument.decode("utf-8", "surrogateescape").strip(" "))
        return None

    async def _asked(self, answer: Awaitable[Reply]) -> Reply:
        try:
            return await answer
        except Exception as error:  # noqa: BLE001 - our fault; the dialogue itself is in order
            maillog.crashed("conversation", error=error)
            return replies.OUR_FAULT

    def helo(self, hostname: str) -> None:
        """RFC 5321 section 4.1.1.1."""
        if self._hello(hostname, extended=False):
            self._write(f"250 {self.hostname}\r\n".encode())

    def ehlo(self, hostname: str) -> None:
        """Say what we can do, on one line each."""
        if not self._hello(hostname, extended=True):
            return
        limits = self.limits
        offers = ["PIPELINING", f"SIZE {limits.message_bytes}"]
        if self.common.certificates is not None and not self.is_tls:
            offers.append("STARTTLS")
        if limits.recipients:
            offers.append(f"LIMITS RCPTMAX={limits.recipients}")  # RFC 9422
        offers += ["ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"]
        lines = [f"250-{line}" for line in (self.hostname, *offers[:-1])]
        self._write("\r\n".join([*lines, f"250 {offers[-1]}\r\n"]).encode())

    def _hello(self, hostname: str, *, extended: bool) -> bool:
        if not _HELLO.fullmatch(hostname):
            self._wrong(replies.SYNTAX)
            return False
        self._forget_mail()
        self.session.extended_smtp = extended
        self.session.host_name = hostname
        name = "LMTP" if self.common.listener.protocol == "lmtp" else "ESMTP" if extended else "SMTP"
        self.session.protocol = name + "S" * self.is_tls  # RFC 3848
        return True

    async def starttls(self, argument: str) -> None:
        """RFC 3207. Nothing that was said in clear counts afterwards."""
        certificates = self.common.certificates
        if argument:
            self._wrong(replies.SYNTAX)
        elif self.is_tls:
            self._wrong(replies.ALREADY_TLS)
        elif certificates is None or self.transport is None:
            self._wrong(replies.NOT_IMPLEMENTED)
        else:
            self.say(replies.READY_FOR_TLS)
            await self._encrypt(self.transport, certificates)

    async def _encrypt(self, transport: asyncio.Transport, certificates: Certificates) -> None:
        # No byte can come between the reply and here: the loop has not run since we looked for unread ones.
        try:
            encrypted = await self.loop.start_tls(
                transport,
                self,
                certificates.context,
                server_side=True,
                ssl_handshake_timeout=self.limits.handshake_seconds,
            )
        except OSError as error:  # as are ssl.SSLError and TimeoutError
            maillog.refused(peer=self.session.host, reply=f"TLS handshake failed: {type(error).__name__}")
            encrypted = None
        if encrypted is None:
            transport.abort()
            self.connection_lost(None)
            raise Gone
        self.transport = encrypted
        self.is_tls = True
        self.session.tls = facts_of(encrypted)
        self.stream.flows_from(encrypted)
        self.session.host_name = None
        self.session.extended_smtp = False
        self._forget_mail()

    def mail(self, argument: str) -> None:
        """A mail begins."""
        if not self.session.host_name:
            self._wrong(replies.HELLO_FIRST)
            return
        if self.envelope.mail_from is not None:
            self._wrong(replies.NESTED_MAIL)
            return
        path = read_sender(argument, self.limits.message_bytes)
        if isinstance(path, Reply):
            self._wrong(path)
            return
        reply = self.common.handler.sender(self.session, self.envelope, path)
        self._refuse(reply) if reply.is_refusal else self.say(reply)

    async def rcpt(self, argument: str) -> None:
        """One recipient more."""
        if self.envelope.mail_from is None:
            self._wrong(replies.MAIL_FIRST if self.session.host_name else replies.HELLO_FIRST)
            return
        path = read_recipient(argument, smtp_utf8=self.envelope.smtp_utf8)
        if isinstance(path, Reply):
            self._wrong(path)
            return
        if self.limits.unknown_recipients and self.session.unknown >= self.limits.unknown_recipients:
            self._end(replies.TOO_MANY_UNKNOWN)
            return
        reply = await self._asked(self.common.handler.recipient(self.session, self.envelope, path))
        if reply is replies.NO_SUCH_ADDRESS:
            await self._slow_down_harvester()
        if reply is replies.NO_RELAYING:
            self._wrong(reply)
        elif reply.is_refusal:
            self._refuse(reply, path.address)
        else:
            self.say(reply)

    async def _slow_down_harvester(self) -> None:
        self.session.unknown += 1
        if self.session.unknown > self.limits.unknown_undelayed:
            await asyncio.sleep(self.limits.unknown_delay_seconds)

    async def data(self, argument: str) -> None:
        """The mail itself."""
        if argument:
            self._wrong(replies.SYNTAX)
        elif self.envelope.mail_from is None:
            self._wrong(replies.MAIL_FIRST)
        elif not self.envelope.rcpt_tos:
            self._wrong(replies.RECIPIENT_FIRST)
        else:
            self.say(replies.START_MAIL)
            count = len(self.envelope.rcpt_tos) if self.common.listener.protocol == "lmtp" else 1
            reply, is_end = await self._receive()
            self._forget_mail()
            for _ in range(count):  # RFC 2033 section 4.2: one reply for each recipient
                self._refuse(reply) if reply.is_refusal else self.say(reply)
            if is_end:
                self.hang_up()

    async def _receive(self) -> tuple[Reply, bool]:
        """The reply to a mail, and whether it is the last word."""
        incoming = Incoming(self.limits.message_bytes, self.common.budget)
        self.pace.mail_begins(self.loop.time(), len(self.stream.unread))
        try:
            is_whole = await receive(self.stream, incoming)
            self.pace.is_ours()
            content = incoming.content()
            if not is_whole or content is replies.BARE_CHARACTERS:
                return replies.MAIL_TOO_LARGE if isinstance(content, bytes) else content, True
            if isinstance(content, Reply):
                return content, False
            if self.stream.unread and not self.session.extended_smtp:
                return replies.OUT_OF_STEP, True
            return await self._asked(self.common.handler.mail(self.session, self.envelope, content)), False
        finally:
            self.pace.is_ours()
            incoming.release()

    def rset(self, argument: str) -> None:
        """Forget the mail that is under way."""
        if argument:
            self._wrong(replies.SYNTAX)
            return
        self._forget_mail()
        self.say(replies.OK)

    def noop(self, argument: str) -> None:
        """Nothing, said in time."""
        self.say(replies.OK)

    def quit(self, argument: str) -> None:
        """The peer goes."""
        self.say(replies.BYE)
        raise Gone

    def vrfy(self, argument: str) -> None:
        """We tell nobody who is here. RFC 5321 section 7.3."""
        self.say(replies.WILL_NOT_SAY) if argument else self._wrong(replies.SYNTAX)

    def help(self, argument: str) -> None:
        """There is little to say."""
        self.say(replies.HELP)

    def not_implemented(self, argument: str) -> None:
        """EXPN, AUTH, BDAT, TURN: known, and not done here."""
        self._wrong(replies.NOT_IMPLEMENTED)


_Command = Callable[[Dialogue, str], Awaitable[None] | None]

_COMMANDS: dict[bytes, _Command] = {
    b"MAIL": Dialogue.mail,
    b"RCPT": Dialogue.rcpt,
    b"DATA": Dialogue.data,
    b"RSET": Dialogue.rset,
    b"NOOP": Dialogue.noop,
    b"QUIT": Dialogue.quit,
    b"VRFY": Dialogue.vrfy,
    b"HELP": Dialogue.help,
    b"STARTTLS": Dialogue.starttls,
    b"EXPN": Dialogue.not_implemented,
    b"AUTH": Dialogue.not_implemented,
    b"BDAT": Dialogue.not_implemented,
    b"TURN": Dialogue.not_implemented,
    b"ETRN": Dialogue.not_implemented,
}
_COMMANDS_SMTP: dict[bytes, _Command] = {
    **_COMMANDS,
    b"HELO": Dialogue.helo,
    b"EHLO": Dialogue.ehlo,
}
# RFC 2033 section 4.1: LHLO in place of both.
_COMMANDS_LMTP: dict[bytes, _Command] = {**_COMMANDS, b"LHLO": Dialogue.ehlo}
