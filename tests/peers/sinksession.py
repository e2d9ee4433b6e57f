"""One SMTP session of the sink, as a strict server would hold it. RFC 5321, 3207, 4954.

Strict means: what a careful client must not do is written down as a violation, even where
the sink answers as a real server would. A test ends with `sink.violations == []`.
"""

import base64
import binascii
import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from peers.sinkscript import Act, Script, Step, Then
from peers.wire import MAIL_OCTETS, Over, Wire

PATH = re.compile(r"(?:FROM|TO):<([^<>\r\n]*)>((?: [!-~]+)*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Login:
    """One AUTH as it arrived, whether or not it was let in."""

    mechanism: str
    user: str
    secret: str
    encrypted: bool


@dataclass(frozen=True, slots=True)
class SunkMail:
    """A mail as the sink took it: its envelope, its bytes with the dots un-stuffed, and how it came."""

    reverse_path: str
    recipients: tuple[str, ...]
    raw: bytes
    connection: int
    helo: str
    tls: str | None = None
    login: Login | None = None
    mail_parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """What the sink announces and asks for."""

    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    auth: tuple[str, ...] = ("PLAIN", "LOGIN", "XOAUTH2")
    size: int = MAIL_OCTETS
    pipelining: bool = True
    smtputf8: bool = True
    eager: bool = False  # asks for the text of a mail of which every recipient was refused


@dataclass(frozen=True, slots=True)
class Notebook:
    """Where a session reports to."""

    script: Script
    mail: Callable[[SunkMail], None]
    login: Callable[[Login], None]
    command: Callable[[int, str], None]
    violation: Callable[[str], None]


@dataclass(slots=True)
class Envelope:
    """The transaction under way."""

    reverse_path: str | None = None
    parameters: tuple[str, ...] = ()
    recipients: list[str] = field(default_factory=list)


class Session:
    """The talk on one connection, in a thread of its own."""

    def __init__(self, connection: socket.socket, number: int, offer: Offer, notes: Notebook) -> None:
        self._wire = Wire(connection, notes.violation, pipelining=offer.pipelining)
        self._number = number
        self._offer = offer
        self._notes = notes
        self._helo = ""
        self._login: Login | None = None
        self._envelope = Envelope()
        self._commands: dict[str, Callable[[str], None]] = {
            "EHLO": self._ehlo, "HELO": self._helo_old, "STARTTLS": self._starttls, "AUTH": self._auth,
            "MAIL": self._mail, "RCPT": self._rcpt, "DATA": self._data, "RSET": self._rset,
            "NOOP": self._noop, "QUIT": self._quit,
        }  # fmt: skip

    def hold(self) -> None:
        """Talk until one of the two sides has had enough."""
        try:
            if self._offer.implicit_tls and self._offer.tls:
                self._wire.encrypt(self._offer.tls)
            self._act(Step.BANNER, "220 sink.test ESMTP")
            while True:
                self._command()
        except (Over, OSError):
            # A peer that goes away is what many tests are about.
            return
        finally:
            self._wire.close()

    def _command(self) -> None:
        line = self._wire.line()
        verb, _, rest = line.partition(" ")
        self._notes.command(self._number, line)
        action = self._commands.get(verb.upper())
        if action is None:
            self._refuse("502 5.5.2 Command not implemented", f"unknown command {verb[:40]!r}")
        else:
            action(rest)

    # What the client says.

    def _ehlo(self, name: str) -> None:
        self._helo = name.strip()
        self._envelope = Envelope()
        lines = ["sink.test", f"SIZE {self._offer.size}", "8BITMIME", "ENHANCEDSTATUSCODES"]
        lines += ["PIPELINING"] if self._offer.pipelining else []
        lines += ["SMTPUTF8"] if self._offer.smtputf8 else []
        lines += ["STARTTLS"] if self._offer.tls and self._wire.tls is None else []
        lines += [f"AUTH {' '.join(self._offer.auth)}"] if self._offer.auth else []
        self._act(Step.EHLO, "\r\n".join(f"250-{line}" for line in lines[:-1]) + f"\r\n250 {lines[-1]}")

    def _helo_old(self, name: str) -> None:
        self._helo = name.strip()
        self._envelope = Envelope()
        self._act(Step.EHLO, "250 sink.test")

    def _starttls(self, _: str) -> None:
        if self._offer.tls is None or self._wire.tls is not None:
            return self._refuse("503 5.5.1 TLS is not offered", "STARTTLS although it is not offered")
        if self._act(Step.STARTTLS, "220 2.0.0 Go ahead").startswith("220"):
            self._wire.encrypt(self._offer.tls)
            self._helo = ""  # RFC 3207 section 4.2: what was said before TLS is forgotten.
        return None

    def _auth(self, words: str) -> None:
        mechanism, _, first = words.partition(" ")
        mechanism = mechanism.upper()
        if mechanism == "LOGIN":
            user = self._decoded(first or self._ask("VXNlcm5hbWU6"))
            login = Login(mechanism, user, self._decoded(self._ask("UGFzc3dvcmQ6")), self._wire.tls is not None)
        else:
            said = self._decoded(first or self._ask(""))
            _, user, secret = said.split("\0", 2) if said.count("\0") >= 2 else ("", said, "")
            login = Login(mechanism, user, secret, self._wire.tls is not None)
        self._notes.login(login)
        if mechanism not in self._offer.auth:
            return self._refuse("504 5.5.4 Mechanism not offered", f"AUTH {mechanism} although it is not offered")
        if self._act(Step.AUTH, "235 2.7.0 Authenticated").startswith("235"):
            self._login = login
        return None

    def _mail(self, words: str) -> None:
        path = PATH.fullmatch(words)
        if not self._helo or self._envelope.reverse_path is not None:
            return self._refuse("503 5.5.1 Not now", "MAIL out of order")
        if path is None or not words.upper().startswith("FROM:"):
            return self._refuse("501 5.5.4 Syntax: MAIL FROM:<address>", f"MAIL {words[:100]!r}")
        if self._act(Step.MAIL, "250 2.1.0 OK").startswith("2"):
            self._envelope = Envelope(path[1], tuple(path[2].split()))
        return None

    def _rcpt(self, words: str) -> None:
        path = PATH.fullmatch(words)
        if self._envelope.reverse_path is None:
            # After a refused MAIL a pipelining client has sent its RCPT already: no violation.
            return self._wire.say("503 5.5.1 MAIL first")
        if path is None or not path[1] or not words.upper().startswith("TO:"):
            return self._refuse("501 5.5.4 Syntax: RCPT TO:<address>", f"RCPT {words[:100]!r}")
        if self._act(Step.RCPT, "250 2.1.5 OK", path[1]).startswith("2"):
            self._envelope.recipients.append(path[1])
        return None

    def _data(self, _: str) -> None:
        if not self._envelope.recipients and not self._offer.eager:
            return self._wire.say("503 5.5.1 RCPT first")
        if not self._act(Step.DATA, "354 Go ahead").startswith("354"):
            self._envelope = Envelope()
            return None
        raw = self._wire.text()
        act = self._notes.script.next(Step.DOT)
        reply = "250 2.0.0 Stored" if act.reply is None else act.reply
        if act.stored if act.stored is not None else reply.startswith("2"):
            self._notes.mail(self._sunk(raw))
        self._envelope = Envelope()
        self._carry_out(act, reply)
        return None

    def _rset(self, _: str) -> None:
        self._envelope = Envelope()
        self._wire.say("250 2.0.0 OK")

    def _noop(self, _: str) -> None:
        self._wire.say("250 2.0.0 OK")

    def _quit(self, _: str) -> None:
        self._act(Step.QUIT, "221 2.0.0 Bye")
        raise Over

    # What the sink says.

    def _act(self, step: Step, usual: str, address: str = "") -> str:
        act = self._notes.script.next(step, address)
        reply = usual if act.reply is None else act.reply
        self._carry_out(act, reply)
        return reply

    def _carry_out(self, act: Act, reply: str) -> None:
        time.sleep(act.delay)
        if reply:
            self._wire.say(reply)
        if act.then is Then.RESET:
            self._wire.break_off()
        if act.then is Then.HALF_CLOSE:
            self._wire.say_no_more()
        if act.then in (Then.HALF_CLOSE, Then.SILENCE):
            self._wire.listen_on()
        if act.then is not Then.GO_ON:
            raise Over

    def _refuse(self, reply: str, violation: str) -> None:
        self._notes.violation(violation)
        self._wire.say(reply)

    def _ask(self, challenge: str) -> str:
        self._wire.say(f"334 {challenge}")
        return self._wire.line()

    def _decoded(self, said: str) -> str:
        try:
            return base64.b64decode("" if said == "=" else said, validate=True).decode("utf-8", "replace")
        except binascii.Error:
            self._notes.violation("AUTH with something that is not base64")
            return said

    def _sunk(self, raw: bytes) -> SunkMail:
        envelope = self._envelope
        return SunkMail(
            reverse_path=envelope.reverse_path or "",
            recipients=tuple(envelope.recipients),
            raw=raw,
            connection=self._number,
            helo=self._helo,
            tls=self._wire.tls,
            login=self._login,
            mail_parameters=envelope.parameters,
        )
