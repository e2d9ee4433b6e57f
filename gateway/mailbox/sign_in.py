"""Connect to a server, encrypt, and sign in: with a password, or with a token. RFC 3501, RFC 4616, RFC 8314.

XOAUTH2 is what Google and Microsoft take; RFC 7628 is its younger sister, which they do not offer.
"""

import imaplib
from contextlib import suppress

from config.values import LOOPBACK
from gateway.mailbox.account import Account, MailboxTrouble, SignInRefused, plain
from gateway.mailbox.answers import words
from gateway.mailbox.wire import EncryptedWire, Wire, tls_context


def signed_in(account: Account) -> Wire:
    """A connection that may open folders. Raises SignInRefused or MailboxTrouble, or what the wire raises."""
    wire = _connected(account)
    try:
        _sign_in(wire, account)
    except BaseException:
        hang_up(wire)
        raise
    return wire


def capabilities_of(wire: Wire) -> frozenset[str]:
    """What the server offers; after the sign-in it may be more."""
    _, lines = wire.capability()
    return frozenset(words(lines).upper().split())


def hang_up(wire: Wire) -> None:
    """End the connection, whatever state it is in."""
    with suppress(OSError, imaplib.IMAP4.error):
        wire.shutdown()


def _connected(account: Account) -> Wire:
    if account.security == "none" and (account.password or account.token) and account.host not in LOOPBACK:
        raise MailboxTrouble(f"the password for {account.host} would cross the network in clear: set TLS")
    timeout = account.timeout_seconds
    if account.security == "tls":
        wire: Wire = EncryptedWire(account.host, account.port, ssl_context=tls_context(), timeout=timeout)
    else:
        wire = Wire(account.host, account.port, timeout=timeout)
    if account.message_bytes:
        # Some servers' RFC822.SIZE is an estimate.
        wire.max_literal = 2 * account.message_bytes
    if account.security == "starttls":
        _encrypt(wire, account)
    return wire


def _encrypt(wire: Wire, account: Account) -> None:
    try:
        wire.starttls(tls_context())
    except BaseException:
        hang_up(wire)
        raise
    if wire.has_spare():
        hang_up(wire)
        raise MailboxTrouble(f"{account.host} sent data before TLS: somebody may be in between")


def _sign_in(wire: Wire, account: Account) -> None:
    offered = capabilities_of(wire)
    if account.token is not None:
        _with_token(wire, account, offered)
    elif "AUTH=PLAIN" not in offered and "LOGINDISABLED" in offered:
        raise SignInRefused(f"{account.host} takes no password without TLS: use --security starttls or tls")
    elif refusal := _with_password(wire, account, offered):
        raise _refused(account, refusal)


def _with_password(wire: Wire, account: Account, offered: frozenset[str]) -> str:
    if "AUTH=PLAIN" in offered:
        # In UTF-8, where LOGIN knows ASCII only. RFC 4616.
        return _authenticate(wire, "PLAIN", f"\0{account.user}\0{account.password}")
    try:
        wire.login(account.user, account.password)
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeError) as error:
        return str(error)
    return ""


def _with_token(wire: Wire, account: Account, offered: frozenset[str]) -> None:
    if account.token is None:
        raise ValueError("there is no token to sign in with")
    if "AUTH=XOAUTH2" not in offered:
        raise SignInRefused(f"{account.host} offers no sign-in with OAuth 2 (XOAUTH2)")
    token = account.token("")
    refusal = _authenticate(wire, "XOAUTH2", _bearer(account.user, token))
    if refusal:
        # A token may be taken back before its time: one more, fresh from the token server, tells which it was.
        refusal = _authenticate(wire, "XOAUTH2", _bearer(account.user, account.token(token)))
    if refusal:
        raise _refused(account, refusal)


def _bearer(user: str, token: str) -> str:
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def _authenticate(wire: Wire, mechanism: str, told: str) -> str:
    """What the server says when it refuses; empty when it lets us in."""
    answers = [told.encode()]
    try:
        # A second challenge of XOAUTH2 holds its reasons, and wants an empty answer before the refusal comes.
        wire.authenticate(mechanism, lambda _challenge: answers.pop(0) if answers else b"")
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        return str(error)
    return ""


def _refused(account: Account, said: str) -> MailboxTrouble:
    kind = MailboxTrouble if "UNAVAILABLE" in said else SignInRefused
    whom = f"the token of {account.user}" if account.token else account.user
    return kind(f"{account.host} refuses {whom}: {plain(said)}")
