"""Sign in to an account at Microsoft: one code in a browser, good for mail in both directions. RFC 8628."""

import time
from typing import TYPE_CHECKING

from config.errors import Refused
from gateway.cli.desk import Desk
from gateway.cli.printing import complain

if TYPE_CHECKING:
    from outbound.oauth import Accounts
    from outbound.tokens import Purpose
    from storage.accounts import Account

APPLICATION = "the registered application"


def accounts_of(desk: Desk) -> "Accounts":
    """The accounts of this installation."""
    from config.secrets import Seal
    from outbound.oauth import Accounts

    return Accounts(desk.database, Seal(desk.settings.key_file), desk.settings.office365)


def sign_in_to(desk: Desk, account_id: int, purpose: "Purpose") -> str:
    """Sign in for this purpose; returns who has. Raises Refused with what to do."""
    from outbound.refusals import plain_sentence
    from outbound.tokens import TokenTrouble
    from outbound.web import Unreachable
    from storage.accounts import Account, Grant

    accounts = accounts_of(desk)
    with desk.reading() as session:
        account = session.get_one(Account, account_id)
    try:
        if account.grant is Grant.DEVICE:
            return _with_code(accounts, account, _purposes(purpose)) or account.user
        accounts.access_token(account_id, purpose)
    except TokenTrouble as error:
        advice = "" if isinstance(error.__cause__, Unreachable) else plain_sentence(str(error))
        raise Refused(f"Signing in failed: {error}" + (f". What to do: {advice}" if advice else "")) from error
    return APPLICATION


def _purposes(first: "Purpose") -> "list[Purpose]":
    """What a person agrees to. One code is good for one server: that of Graph is another than that of mail."""
    from outbound.tokens import Purpose

    # Both directions at once, whichever is connected first: nobody needs to sign in again for the other one.
    return [Purpose.GRAPH] if first is Purpose.GRAPH else [first, *({Purpose.IMAP, Purpose.SMTP} - {first})]


def _with_code(accounts: "Accounts", account: "Account", purposes: "list[Purpose]") -> str:
    code = accounts.begin_sign_in(*purposes)
    # On standard error: what a program reads on standard output is the result.
    complain(f"Open {code.verification_uri} and type in the code {code.user_code}, as {account.user}.")
    complain(f"Waiting until you have signed in (at most {code.expires_in // 60} minutes) ...")
    return accounts.finish_sign_in(account.number, purposes[0], code, time.sleep)
