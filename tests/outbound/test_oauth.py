"""Tokens for accounts that sign in with OAuth 2: fetched once for all who ask, stored before they are used."""

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from peers.microsoft import DEVICE_GRANT, SECRET, Microsoft, Told

from config.clock import now
from config.secrets import Seal
from config.sending import Office365Settings
from config.settings import Settings
from outbound.oauth import Accounts, _Tokens
from outbound.tokens import Purpose, SignInNeeded, TokenTrouble
from storage.accounts import Account, AccountState, Grant, account_for, take_refresh
from storage.database import Database
from storage.leases import owner_name

# Asks for a token, and dies as it is about to store what the token server answered, or has just done so.
KILLED = """
import json, os, sys
from config.secrets import Seal
from config.sending import Office365Settings
from config.settings import Settings
from outbound import oauth
from outbound.tokens import Purpose
from storage.database import open_database
settle = oauth.Accounts._settle
def die(*_):
    os.kill(os.getpid(), 9)
def settle_and_die(*words):
    settle(*words)
    die()
oauth.keep_tokens = die
settings = Settings.model_validate_json(sys.argv[1])
section = Office365Settings.model_validate(json.loads(sys.argv[2]))
accounts = oauth.Accounts(open_database(settings), Seal(settings.key_file), section)
accounts.access_token(int(sys.argv[3]), Purpose.SMTP)
"""


@pytest.fixture
def peer() -> Microsoft:
    """A token server."""
    with Microsoft() as running:
        yield running


@pytest.fixture
def accounts(peer: Microsoft, settings: Settings, database: Database) -> Accounts:
    """The accounts of an installation whose token server is the peer."""
    section = Office365Settings.model_validate(peer.settings(client_secret=SECRET))
    return Accounts(database, Seal(settings.key_file), section)


def _signed_in(accounts: Accounts, peer: Microsoft) -> int:
    """An account whose person has signed in; its first access token has ended already."""
    peer.has_signed_in.set()
    number = _account(accounts, Grant.DEVICE)
    accounts.finish_sign_in(number, Purpose.SMTP, accounts.begin_sign_in(Purpose.SMTP), lambda _: None)
    return number


def _account(accounts: Accounts, grant: Grant) -> int:
    with accounts.database.writing() as session:
        return account_for(session, "support@company.example", grant).number


def _row(accounts: Accounts, number: int) -> Account:
    with accounts.database.reading() as session:
        return session.get_one(Account, number)


def test_person_signs_in_with_a_code(accounts: Accounts, peer: Microsoft) -> None:
    """We ask until he has typed it in, and then know who he is and have a token without asking again."""
    number = _account(accounts, Grant.DEVICE)
    code = accounts.begin_sign_in(Purpose.SMTP)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            peer.has_signed_in.set()

    assert accounts.finish_sign_in(number, Purpose.SMTP, code, wait) == "support@company.example"
    assert len(waits) == 3
    assert peer.is_good(accounts.access_token(number, Purpose.SMTP))
    assert peer.asked("refresh_token") == 0


def test_server_that_wants_us_slower_is_obeyed(accounts: Accounts, peer: Microsoft) -> None:
    """`slow_down` makes every further wait five seconds longer. RFC 8628 section 3.5."""
    peer.has_signed_in.set()
    peer.script("token", Told(400, '{"error": "slow_down"}'))
    waits: list[float] = []
    accounts.finish_sign_in(
        _account(accounts, Grant.DEVICE), Purpose.SMTP, accounts.begin_sign_in(Purpose.SMTP), waits.append
    )
    assert waits == [0, 5]


def test_code_that_nobody_uses_ends(accounts: Accounts) -> None:
    """A code that is too old is no sign-in."""
    code = accounts.begin_sign_in(Purpose.SMTP)
    with pytest.raises(SignInNeeded):
        accounts.finish_sign_in(_account(accounts, Grant.DEVICE), Purpose.SMTP, _ended(code), lambda _: None)


def _ended(code: object) -> object:
    import msgspec

    return msgspec.structs.replace(code, expires_in=0)


def test_many_who_ask_at_once_make_one_refresh(accounts: Accounts, peer: Microsoft) -> None:
    """Eight threads want a token whose time is over: one question, one answer for all, and no token used twice."""
    peer.lifetime = 60  # as good as over
    number = _signed_in(accounts, peer)
    peer.lifetime = 3600
    start = threading.Barrier(8)

    def ask(_: int) -> str:
        start.wait()
        return accounts.access_token(number, Purpose.SMTP)

    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(ask, range(8)))
    assert len(tokens) == 1
    assert peer.asked("refresh_token") == 1


def test_new_tokens_are_stored_before_they_are_used(accounts: Accounts, peer: Microsoft) -> None:
    """The refresh token that is stored is the newest one, sealed, and the next refresh works with it."""
    number = _signed_in(accounts, peer)
    for purpose in (Purpose.IMAP, Purpose.GRAPH):
        accounts.access_token(number, purpose)
    assert peer.asked("refresh_token") == 2
    row = _row(accounts, number)
    assert "refresh-" not in row.tokens
    assert "refresh-" in accounts.seal.open(row.tokens, row.secret_purpose)


def test_process_that_died_while_it_refreshed_is_not_waited_for(accounts: Accounts, peer: Microsoft) -> None:
    """Its lease names a process that is gone: the next one refreshes at once."""
    peer.lifetime = 60
    number = _signed_in(accounts, peer)
    with accounts.database.writing() as session:
        row = session.get_one(Account, number)
        here, _, _ = owner_name("tokens").partition("/")
        # No process has a number so high.
        row.lease_owner, row.lease_until = f"{here}/4194305.boot-1/tokens-x", now() + timedelta(hours=1)
        session.add(row)
    assert peer.is_good(accounts.access_token(number, Purpose.SMTP))


def _ask_and_die(accounts: Accounts, settings: Settings, number: int, program: str) -> None:
    words = [settings.model_dump_json(), json.dumps(accounts.settings.model_dump(mode="json")), str(number)]
    here = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    killed = subprocess.run([sys.executable, "-c", program, *words], env=here, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL


@pytest.mark.parametrize("is_strict", [False, True])
def test_process_killed_between_a_refresh_and_its_save_loses_no_account(
    accounts: Accounts, peer: Microsoft, settings: Settings, *, is_strict: bool
) -> None:
    """The next process asks again with the token that is stored; a server that takes it only once wants a person."""
    peer.lifetime, peer.is_strict = 60, is_strict
    number = _signed_in(accounts, peer)
    _ask_and_die(accounts, settings, number, KILLED)
    assert peer.asked("refresh_token") == 1
    if is_strict:
        with pytest.raises(SignInNeeded, match="needs a new sign-in"):
            accounts.access_token(number, Purpose.SMTP)
    else:
        assert peer.is_good(accounts.access_token(number, Purpose.SMTP))
    assert peer.asked("refresh_token") == 2


def test_process_killed_after_the_save_has_left_the_new_tokens(
    accounts: Accounts, peer: Microsoft, settings: Settings
) -> None:
    """They are stored before anybody uses them, so the next process takes them and asks nobody."""
    peer.lifetime = 60
    number = _signed_in(accounts, peer)
    peer.lifetime = 3600
    after_the_save = KILLED.replace("oauth.keep_tokens = die", "oauth.Accounts._settle = settle_and_die")
    _ask_and_die(accounts, settings, number, after_the_save)
    assert peer.is_good(accounts.access_token(number, Purpose.SMTP))
    assert peer.asked("refresh_token") == 1


def test_grant_that_was_taken_back_needs_a_new_sign_in(accounts: Accounts, peer: Microsoft) -> None:
    """`invalid_grant`: noted on the account, and the server is not asked again until somebody has signed in."""
    peer.lifetime = 60
    number = _signed_in(accounts, peer)
    peer.revoke()
    for _ in range(3):
        with pytest.raises(SignInNeeded, match="needs a new sign-in: AADSTS50173"):
            accounts.access_token(number, Purpose.SMTP)
    assert peer.asked("refresh_token") == 1
    assert _row(accounts, number).state is AccountState.NEEDS_SIGN_IN
    accounts.finish_sign_in(number, Purpose.SMTP, accounts.begin_sign_in(Purpose.SMTP), lambda _: None)
    assert _row(accounts, number).state is AccountState.OK


@pytest.mark.parametrize("told", [Told(429, retry_after=17), Told(503), Told(200, "<html>"), Told(0)])
def test_token_server_in_trouble_costs_no_sign_in(accounts: Accounts, peer: Microsoft, told: Told) -> None:
    """Busy, broken or gone: an error with the wait that was asked for, and the next question is a fresh one."""
    peer.lifetime = 60
    number = _signed_in(accounts, peer)
    peer.script("token", told)
    with pytest.raises(TokenTrouble) as trouble:
        accounts.access_token(number, Purpose.SMTP)
    assert not isinstance(trouble.value, SignInNeeded)
    assert trouble.value.retry_after == told.retry_after
    assert peer.is_good(accounts.access_token(number, Purpose.SMTP))


def test_application_signs_in_with_its_own_secret(accounts: Accounts, peer: Microsoft) -> None:
    """No person is needed, and the scope is all that an administrator has granted."""
    token = accounts.access_token(_account(accounts, Grant.APPLICATION), Purpose.GRAPH)
    assert peer.is_good(token)
    assert peer.forms[-1]["scope"] == "https://graph.microsoft.com/.default"
    assert peer.asked(DEVICE_GRANT) == 0


def test_wrong_secret_is_said_and_needs_no_person(accounts: Accounts, peer: Microsoft) -> None:
    """The operator has to change his settings: no new sign-in would help."""
    wrong = replace(accounts, settings=Office365Settings.model_validate(peer.settings(client_secret="wrong")))
    number = _account(wrong, Grant.APPLICATION)
    with pytest.raises(TokenTrouble, match="AADSTS7000215"):
        wrong.access_token(number, Purpose.SMTP)
    assert _row(wrong, number).state is AccountState.OK


def test_sign_in_that_nobody_used_for_a_week_is_kept_alive(accounts: Accounts, peer: Microsoft) -> None:
    """A refresh token dies when it is not used: once a week it is."""
    number = _signed_in(accounts, peer)
    accounts.keep_alive()
    assert peer.asked("refresh_token") == 0
    with accounts.database.writing() as session:
        row = session.get_one(Account, number)
        row.refreshed_at = now() - timedelta(days=8)
        tokens = accounts._opened(row)
        ended = {name: type(one)(one.token, 0.0) for name, one in tokens.access.items()}
        row.tokens = accounts.seal.close(_text(_Tokens(tokens.refresh, ended)), row.secret_purpose)
        session.add(row)
    accounts.keep_alive()
    assert peer.asked("refresh_token") == 1


def _text(tokens: _Tokens) -> str:
    import msgspec

    return msgspec.json.encode(tokens).decode()


def test_another_way_to_sign_in_forgets_the_first(accounts: Accounts, peer: Microsoft) -> None:
    """An account that changes its grant has no tokens left from the other one."""
    number = _signed_in(accounts, peer)
    assert _account(accounts, Grant.APPLICATION) == number
    assert _row(accounts, number).tokens == ""


def test_lease_is_given_to_one_only(accounts: Accounts) -> None:
    """While one refreshes nobody else does, until the lease ends."""
    number = _account(accounts, Grant.DEVICE)
    with accounts.database.writing() as session:
        assert take_refresh(session, number, "here/1/a", 60, lambda _: False)
        assert take_refresh(session, number, "here/2/b", 60, lambda _: False) is None
        assert take_refresh(session, number, "here/2/b", 60, lambda _: True)
