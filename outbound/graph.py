"""Hand a mail to Microsoft Graph, for tenants that allow no SMTP: `sendMail` with the mail's own bytes.

Graph knows no envelope: it sends to whom the header names. So a mail that goes to others than those whom it
names (a Bcc copy, or what is left after some were blocked) loses To and Cc, and names its recipients in Bcc.
Either all of them get it or none.
"""

import asyncio
from base64 import b64encode
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import getaddresses

import msgspec

from config.errors import GatewayError
from outbound.envelope import Answer, BeforeDot, Envelope, Server, ServerTrouble, TakenOver
from outbound.oauth import Accounts
from outbound.refusals import Reply
from outbound.tokens import Purpose, TokenTrouble
from outbound.web import Unreachable, WebAnswer, WebConnection
from outbound.writing import Person, one_line, people_field
from storage.address import canonical_address
from storage.outbox import DeliveryState

_SECONDS = 120.0
_MAX_WORDS = 300
# Codes of Graph that speak of our account, whatever status they come with.
_ACCOUNT_CODES = frozenset(
    {"ErrorSendAsDenied", "ErrorAccessDenied", "Authorization_RequestDenied", "MailboxNotEnabledForRESTAPI"}
)


class _Fault(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""


class _Refusal(msgspec.Struct, frozen=True):
    error: _Fault = _Fault()


class GraphConnection:
    """A mailbox at Graph, in place of a connection to a server: each mail is a request of its own."""

    tls = "TLS"
    extensions: dict[str, str] = {}  # noqa: RUF012 - nothing is announced, and nobody writes to it
    is_alive = True

    def __init__(self, server: Server, accounts: Accounts) -> None:
        self.server, self._accounts = server, accounts
        self.mails = 0

    async def sign_in(self) -> None:
        """See that there is a token. Raises ServerTrouble."""
        await self._token()

    async def deliver(self, envelope: Envelope, before_dot: BeforeDot) -> list[Answer]:
        """Send one mail. Raises ServerTrouble before anything was sent, and TakenOver."""
        self.mails += 1
        body = b64encode(_with_recipients(envelope))
        token = await self._token()
        answer = await self._post(token, body, before_dot, envelope)
        if isinstance(answer, WebAnswer) and answer.status == 401:
            # It was taken back before its time: the marker stands, and nothing was sent.
            token = await self._token(refused=token)
            answer = await self._post(token, body, before_dot, envelope)
        if isinstance(answer, str):
            return _all(envelope, DeliveryState.UNCERTAIN, Reply(0, answer))
        return self._judged(answer, envelope)

    async def close(self) -> None:
        """Nothing is kept open."""

    def abort(self) -> None:
        """Nothing is kept open."""

    async def _token(self, refused: str = "") -> str:
        return await token_of(self._accounts, self.server, Purpose.GRAPH, refused)

    async def _post(self, token: str, body: bytes, before_dot: BeforeDot, envelope: Envelope) -> WebAnswer | str:
        """What Graph answered, or why nobody knows."""
        try:
            connection = await asyncio.to_thread(WebConnection, self.server.url, _SECONDS)
        except Unreachable as error:
            raise ServerTrouble(Reply(0, str(error))) from error
        try:
            if not await before_dot():
                raise TakenOver("another worker has this mail")
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
            return await asyncio.to_thread(connection.post, body, headers)
        except Unreachable as error:
            return str(error)
        finally:
            connection.close()

    def _judged(self, answer: WebAnswer, envelope: Envelope) -> list[Answer]:
        reply = _reply(answer)
        if answer.status == 202:
            return _all(envelope, DeliveryState.SENT, reply)
        if reply.is_about_account or answer.status in (401, 403):
            raise ServerTrouble(reply)
        if answer.status == 429 or answer.status >= 500:
            raise ServerTrouble(reply, answer.retry_after)
        return _all(envelope, DeliveryState.BOUNCED, reply)


async def token_of(accounts: Accounts, server: Server, purpose: Purpose, refused: str = "") -> str:
    """A token for the account of a server. Raises ServerTrouble."""
    assert server.account_id is not None
    try:
        return await asyncio.to_thread(accounts.access_token, server.account_id, purpose, refused)
    except TokenTrouble as error:
        raise ServerTrouble(Reply(0, str(error)), error.retry_after) from error
    except GatewayError as error:
        raise ServerTrouble(Reply(0, str(error))) from error


def _reply(answer: WebAnswer) -> Reply:
    if answer.status == 202:
        return Reply(0, "202 accepted by Graph")
    try:
        fault = msgspec.json.decode(answer.body, type=_Refusal).error
    except msgspec.DecodeError:
        fault = _Fault()
    words = one_line(f"{fault.code} {fault.message}", _MAX_WORDS)
    trouble = " (the account may not do this)" if answer.status in (401, 403) or fault.code in _ACCOUNT_CODES else ""
    return Reply(0, f"Graph answered {answer.status} {words}{trouble}")


def _with_recipients(envelope: Envelope) -> bytes:
    """The bytes, naming exactly those whom this mail is for."""
    head, blank, body = envelope.content.partition(b"\r\n\r\n")
    parsed = BytesHeaderParser(policy=compat32).parsebytes(head + blank)
    named = getaddresses([str(value) for name in ("To", "Cc") for value in parsed.get_all(name, [])])
    wanted = {canonical_address(one) for one in envelope.recipients}
    if {canonical_address(address) for _, address in named} == wanted:
        return envelope.content
    bcc = people_field([Person("", one) for one in envelope.recipients])
    return f"Bcc: {bcc}\r\n".encode() + _without(head, (b"to", b"cc")) + blank + body


def _without(head: bytes, names: tuple[bytes, ...]) -> bytes:
    """Header fields less some, each with the lines that it is folded over."""
    kept: list[bytes] = []
    is_kept = True
    for line in head.split(b"\r\n"):
        if not line.startswith((b" ", b"\t")):
            is_kept = line.partition(b":")[0].lower() not in names
        if is_kept:
            kept.append(line)
    return b"\r\n".join(kept)


def _all(envelope: Envelope, state: DeliveryState, reply: Reply) -> list[Answer]:
    return [Answer(recipient, state, reply) for recipient in envelope.recipients]
