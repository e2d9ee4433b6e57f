"""Connect to a server, encrypt, and sign in. RFC 3207, RFC 4954.

A password is never sent in clear over a network, and nothing is sent at all where TLS was asked for and is not
there.
"""

import asyncio
import socket
import ssl
from functools import cache

import aiosmtplib
from aiosmtplib.errors import SMTPAuthenticationError, SMTPException, SMTPResponseException

from config.values import LOOPBACK
from outbound.connection import Connection, wire_of
from outbound.envelope import Patience, Server, ServerTrouble, words_of
from outbound.graph import GraphConnection, token_of
from outbound.oauth import Accounts
from outbound.refusals import Reply
from outbound.tokens import Purpose

# RFC 5321 has no limit for it; Postfix waits as long.
_CONNECT_SECONDS = 30.0

Line = Connection | GraphConnection


async def open_line(server: Server, hostname: str, patience: Patience, accounts: Accounts | None = None) -> Line:
    """A way to this server that is ready for mail. Raises ServerTrouble."""
    if server.url and accounts:
        graph = GraphConnection(server, accounts)
        await graph.sign_in()
        return graph
    return await connect(server, hostname, patience, accounts)


async def connect(server: Server, hostname: str, patience: Patience, accounts: Accounts | None = None) -> Connection:
    """A connection that is ready for mail. Raises ServerTrouble."""
    client = aiosmtplib.SMTP(
        hostname=server.host,
        local_hostname=hostname,
        timeout=patience.command,
        use_tls=server.security == "tls",
        start_tls=False,
        tls_context=_tls_context(),
    )
    try:
        await client.connect(sock=await _reach(server, patience))
        await client.ehlo()
        if server.security == "starttls":
            await _encrypt(client, server, patience)
        if server.user:
            await _sign_in(client, server, accounts)
        return Connection(server, client, patience)
    except SMTPResponseException as error:
        client.close()
        raise ServerTrouble(Reply(error.code, error.message)) from error
    except (SMTPException, OSError, TimeoutError, ValueError) as error:
        client.close()
        raise ServerTrouble(Reply(0, f"cannot use {server.name}: {words_of(error)}")) from error
    except BaseException:
        client.close()
        raise


async def _reach(server: Server, patience: Patience) -> socket.socket:
    """A connection over TCP. Whoever drops our packets in silence would keep us waiting for minutes otherwise."""
    loop, error = asyncio.get_running_loop(), OSError(f"{server.host} has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM):
        reached = socket.socket(family, kind, protocol)
        reached.setblocking(False)
        try:
            async with asyncio.timeout(min(patience.command, _CONNECT_SECONDS)):
                await loop.sock_connect(reached, address)
        except TimeoutError:
            reached.close()
            error = OSError("the connection timed out")
        except OSError as refused:
            reached.close()
            error = refused
        except BaseException:
            reached.close()
            raise
        else:
            return reached
    raise error


async def _encrypt(client: aiosmtplib.SMTP, server: Server, patience: Patience) -> None:
    if "starttls" not in client.esmtp_extensions:
        # Somebody on the way may have taken it out of the reply: without TLS nothing is sent.
        raise ServerTrouble(Reply(0, f"{server.name} does not offer STARTTLS"))
    code, text = await client.execute_command(b"STARTTLS")
    if code != 220:
        raise ServerTrouble(Reply(code, text))
    transport, protocol = wire_of(client)
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


async def _sign_in(client: aiosmtplib.SMTP, server: Server, accounts: Accounts | None) -> None:
    if server.security == "none" and server.host not in LOOPBACK:
        raise ServerTrouble(Reply(0, f"the password for {server.name} would cross the network in clear: set TLS"))
    methods = client.server_auth_methods
    if server.account_id is not None and accounts:
        await _sign_in_with_token(client, server, accounts)
    elif "plain" in methods:
        await client.auth_plain(server.user, server.password)
    elif "login" in methods:
        await client.auth_login(server.user, server.password)
    else:
        raise ServerTrouble(Reply(534, f"{server.name} offers no sign-in that we know, only {' '.join(methods)}"))


async def _sign_in_with_token(client: aiosmtplib.SMTP, server: Server, accounts: Accounts) -> None:
    if "xoauth2" not in client.server_auth_methods:
        raise ServerTrouble(Reply(534, f"{server.name} offers no sign-in with OAuth 2 (XOAUTH2)"))
    token = await token_of(accounts, server, Purpose.SMTP)
    try:
        await client.auth_xoauth2(server.user, token)
    except SMTPAuthenticationError:
        # A token may be taken back before its time: one more, fresh from the token server, tells which it was.
        await client.auth_xoauth2(server.user, await token_of(accounts, server, Purpose.SMTP, refused=token))


@cache
def _tls_context() -> ssl.SSLContext:
    """The system's authorities (or SSL_CERT_FILE); the name is checked."""
    return ssl.create_default_context()
