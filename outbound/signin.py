"""Connect to a server, encrypt, and sign in. RFC 3207, RFC 4954.

A password is never sent in clear over a network, and nothing is sent at all where TLS was asked for and is not
there.
"""

import asyncio
import ssl
from functools import cache

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPResponseException

from config.settings import LOOPBACK
from outbound.connection import Connection, wire_of
from outbound.envelope import Patience, Server, ServerTrouble, words_of
from outbound.refusals import Reply


async def connect(server: Server, hostname: str, patience: Patience) -> Connection:
    """A connection that is ready for mail. Raises ServerTrouble."""
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
        raise ServerTrouble(Reply(0, f"cannot use {server.name}: {words_of(error)}")) from error
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
