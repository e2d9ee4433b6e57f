"""Fresh access tokens for accounts that sign in with OAuth 2, and the first sign-in of a person.

Channels and mailboxes use it alike. However many ask at once, in however many processes, one refreshes and the
others wait for what it stores: a refresh token that was used twice may be worth nothing (RFC 9700 section 2.2.2). New
tokens are committed before anybody uses them. It blocks: call it in a thread.
"""

import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from sqlmodel import Session

from config.clock import now
from config.errors import GatewayError
from config.secrets import Seal
from config.sending import Office365Settings
from outbound.tokens import (
    CodePending,
    DeviceCode,
    PersonalAccount,
    Purpose,
    SignInNeeded,
    TokenReply,
    TokenTrouble,
    application_token,
    ask_for_code,
    redeem_code,
    refresh,
)
from outbound.writing import one_line
from storage.accounts import Account, AccountState, Grant, end_refresh, idle_accounts, keep_tokens, take_refresh
from storage.database import Database
from storage.leases import is_dead, owner_name

_LEASE_SECONDS = 60.0  # longer than a question to the token server takes at most
_POLL_SECONDS = 0.1
_MAX_NAME = 300
# The directory of all personal accounts at Microsoft.
_PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
_MARGIN_SECONDS = 120.0  # a token that is about to end is as good as none
# A refresh token that nobody uses dies after 90 days.
_KEEP_ALIVE = timedelta(days=7)


class _Access(msgspec.Struct, frozen=True):
    token: str
    until: float


class _Who(msgspec.Struct, frozen=True):
    preferred_username: str = ""
    tid: str = ""  # the directory that he is in


class _Tokens(msgspec.Struct, frozen=True):
    """What is sealed in an account."""

    refresh: str = ""
    access: dict[str, _Access] = {}


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of an installation."""

    database: Database
    seal: Seal
    settings: Office365Settings

    def access_token(self, account_id: int, purpose: Purpose, refused: str = "") -> str:
        """A token that is good for some minutes; `refused` is one that a server has just turned down.

        Raises SignInNeeded or TokenTrouble.
        """
        owner = owner_name("tokens")
        deadline = time.monotonic() + _LEASE_SECONDS
        while time.monotonic() < deadline:
            with self.database.reading() as session:
                token = self._stored(session.get_one(Account, account_id), purpose, refused)
            if token:
                return token
            with self.database.writing() as session:
                account = take_refresh(session, account_id, owner, _LEASE_SECONDS, is_dead)
                if account:
                    session.expunge(account)
            if account:
                return self._renew(account, purpose, refused)
            time.sleep(_POLL_SECONDS)
        raise TokenTrouble("another process is getting new tokens for this account, and has not come back")

    def is_signed_in(self, account_id: int, purpose: Purpose) -> bool:
        """Whether somebody has signed in for this purpose, and nobody has taken it back."""
        with self.database.reading() as session:
            account = session.get_one(Account, account_id)
        return account.state is AccountState.OK and purpose in self._opened(account).access

    def begin_sign_in(self, *purposes: Purpose) -> DeviceCode:
        """A code for a person to type in, good for purposes of one server. Raises TokenTrouble."""
        return ask_for_code(self.settings, purposes)

    def finish_sign_in(self, account_id: int, purpose: Purpose, code: DeviceCode, wait: Callable[[float], None]) -> str:
        """Wait until the person has signed in, and store the tokens; returns who he says he is.

        `wait` sleeps between questions. Raises SignInNeeded when the code was refused or is too old, and
        PersonalAccount.
        """
        interval, asked_until = float(code.interval), time.monotonic() + code.expires_in
        while time.monotonic() < asked_until:
            wait(interval)
            try:
                reply = redeem_code(self.settings, code)
            except CodePending as pending:
                interval += pending.retry_after
                continue
            who = _who(reply.id_token)
            if who.tid == _PERSONAL:
                raise PersonalAccount
            with self.database.writing() as session:
                account = session.get_one(Account, account_id)
                keep_tokens(session, account, self._sealed(account, _Tokens(), purpose, reply))
            return one_line(who.preferred_username, _MAX_NAME)
        raise SignInNeeded("the code was not used in time: begin again")

    def keep_alive(self) -> None:
        """Use the sign-ins that nobody has used for a week. Their troubles are noted on the account."""
        with self.database.reading() as session:
            idle = idle_accounts(session, now() - _KEEP_ALIVE)
        for account in idle:
            with suppress(GatewayError):
                purpose = next(iter(self._opened(account).access), Purpose.SMTP)
                self.access_token(account.number, Purpose(purpose))

    def _stored(self, account: Account, purpose: Purpose, refused: str) -> str:
        if account.state is AccountState.NEEDS_SIGN_IN:
            raise SignInNeeded(_needs_sign_in(account))
        known = self._opened(account).access.get(purpose)
        is_good = known and known.token != refused and known.until - _MARGIN_SECONDS > now().timestamp()
        return known.token if known and is_good else ""

    def _renew(self, account: Account, purpose: Purpose, refused: str) -> str:
        """The lease is ours; but somebody else may have finished a moment before we got it."""
        try:
            token = self._stored(account, purpose, refused)
            if token:
                self._settle(account, lambda session, row: end_refresh(session, row, row.last_error))
                return token
            tokens = self._opened(account)
            reply = self._ask(account, tokens, purpose)
        except SignInNeeded as error:
            words = str(error)
            self._settle(account, lambda session, row: end_refresh(session, row, words, needs_sign_in=True))
            raise SignInNeeded(_needs_sign_in(account, words)) from error
        except GatewayError as error:
            words = str(error)
            self._settle(account, lambda session, row: end_refresh(session, row, words))
            raise
        sealed = self._sealed(account, tokens, purpose, reply)
        self._settle(account, lambda session, row: keep_tokens(session, row, sealed))
        return reply.access_token

    def _ask(self, account: Account, tokens: _Tokens, purpose: Purpose) -> TokenReply:
        if account.grant is Grant.APPLICATION:
            return application_token(self.settings, purpose)
        if not tokens.refresh:
            raise SignInNeeded("nobody has signed in yet")
        return refresh(self.settings, tokens.refresh, purpose)

    def _opened(self, account: Account) -> _Tokens:
        if not account.tokens:
            return _Tokens()
        return msgspec.json.decode(self.seal.open(account.tokens, account.secret_purpose), type=_Tokens)

    def _sealed(self, account: Account, before: _Tokens, purpose: Purpose, reply: TokenReply) -> str:
        access = _Access(reply.access_token, now().timestamp() + reply.expires_in)
        # A server that rotates sends a new refresh token each time; one that does not, none.
        tokens = _Tokens(reply.refresh_token or before.refresh, before.access | {purpose: access})
        return self.seal.close(msgspec.json.encode(tokens).decode(), account.secret_purpose)

    def _settle(self, account: Account, change: Callable[[Session, Account], None]) -> None:
        """End our lease; if it was lost to somebody else, what he does counts."""
        with self.database.writing() as session:
            row = session.get_one(Account, account.number, with_for_update=True)
            if row.lease_owner == account.lease_owner:
                change(session, row)


def _needs_sign_in(account: Account, words: str = "") -> str:
    return (
        f"the account {account.user} needs a new sign-in: {words or account.last_error or 'nobody has signed in yet'}"
    )


def _who(id_token: str) -> _Who:
    """Whom an id token names; it came from the server itself over TLS, so its signature need not be checked."""
    payload = id_token.split(".")[1] if id_token.count(".") == 2 else ""
    try:
        return msgspec.json.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Who)
    except (ValueError, msgspec.DecodeError):
        return _Who()
