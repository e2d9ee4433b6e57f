"""Accounts at a provider that are signed in to with OAuth 2 instead of a password. RFC 6749.

One account may serve a channel and a mailbox: both use the same sign-in. The tokens stand here sealed; how they are
fetched is `outbound.oauth`. Whoever refreshes them holds a lease, so that no two processes do it at once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.clock import now
from storage.columns import Choice, UtcDateTime


class Grant(StrEnum):
    """How tokens are got."""

    DEVICE = "device"  # a person signs in once with a code; then by refresh token (RFC 8628)
    APPLICATION = "application"  # the operator's own registration, with its client secret (RFC 6749 section 4.4)


class AccountState(StrEnum):
    """Whether tokens can be got."""

    OK = "ok"
    NEEDS_SIGN_IN = "needs-sign-in"  # nobody has signed in yet, or the provider has taken it back


class Account(SQLModel, table=True):
    """An account at a provider. `tokens` is sealed for `account:<id>:tokens`."""

    id: int | None = Field(default=None, primary_key=True)
    user: str = Field(unique=True)  # canonical
    grant: Grant = Field(sa_column=sa.Column(Choice(Grant), nullable=False))
    tokens: str = ""
    state: AccountState = Field(
        default=AccountState.NEEDS_SIGN_IN, sa_column=sa.Column(Choice(AccountState), nullable=False)
    )
    last_error: str = ""
    refreshed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lease_owner: str = ""
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def number(self) -> int:
        """The id of a stored account."""
        if self.id is None:
            raise ValueError("this account was never stored")
        return self.id

    @property
    def secret_purpose(self) -> str:
        """What `tokens` is sealed for."""
        return f"account:{self.id}:tokens"


def account_for(session: Session, user: str, grant: Grant) -> Account:
    """The account of this canonical address, made when it is new; another grant forgets what was signed in before."""
    account = account_of_user(session, user)
    if account is None:
        account = Account(user=user, grant=grant, state=_first_state(grant))
    elif account.grant is not grant:
        account.grant, account.tokens, account.last_error, account.state = grant, "", "", _first_state(grant)
    session.add(account)
    session.flush()
    return account


def account_of_user(session: Session, user: str) -> Account | None:
    """The account of this canonical address."""
    return session.exec(select(Account).where(Account.user == user)).first()


def idle_accounts(session: Session, since: datetime) -> list[Account]:
    """Accounts that a person has signed in to, and that nobody has got tokens for since then."""
    query = select(Account).where(
        Account.grant == Grant.DEVICE, Account.state == AccountState.OK, col(Account.refreshed_at) < since
    )
    return list(session.exec(query).all())


def _first_state(grant: Grant) -> AccountState:
    # A registration with a secret signs in by itself.
    return AccountState.OK if grant is Grant.APPLICATION else AccountState.NEEDS_SIGN_IN


def take_refresh(
    session: Session, account_id: int, owner: str, seconds: float, is_dead: Callable[[str], bool]
) -> Account | None:
    """The account with a lease on refreshing its tokens; None while somebody else does it."""
    account = session.get_one(Account, account_id, with_for_update=True)
    until = account.lease_until
    if until and until > now() and not is_dead(account.lease_owner):
        return None
    account.lease_owner, account.lease_until = owner, now() + timedelta(seconds=seconds)
    session.add(account)
    session.flush()
    return account


def keep_tokens(session: Session, account: Account, sealed: str) -> None:
    """Store new tokens, and end the lease: from the commit on they may be used."""
    account.tokens, account.state, account.last_error = sealed, AccountState.OK, ""
    account.refreshed_at = now()
    _release(session, account)


def end_refresh(session: Session, account: Account, error: str, *, needs_sign_in: bool = False) -> None:
    """Note why there are no new tokens, and end the lease."""
    account.last_error = error
    if needs_sign_in:
        account.state = AccountState.NEEDS_SIGN_IN
    _release(session, account)


def _release(session: Session, account: Account) -> None:
    account.lease_owner, account.lease_until = "", None
    session.add(account)
    session.flush()
