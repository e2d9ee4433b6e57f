"""Speak with a token server of Microsoft: codes for a person, tokens for us. RFC 6749, RFC 8628.

Values only: what is stored and when is `outbound.oauth`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from config.errors import BadConfiguration, GatewayError
from config.sending import Office365Settings
from outbound.web import Unreachable, WebAnswer, WebConnection
from outbound.writing import one_line
from storage.accounts import Grant

_SECONDS = 30.0
_MAX_WORDS = 300
_SLOWER = 5.0  # RFC 8628 section 3.5
Shape = TypeVar("Shape")
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
# Only a person can cure these. RFC 6749 section 5.2, OpenID Connect Core section 3.1.2.6.
_SIGN_IN_AGAIN = ("invalid_grant", "interaction_required", "consent_required", "login_required")


class Purpose(StrEnum):
    """What a token is for; each has a scope of its own."""

    SMTP = "smtp"
    IMAP = "imap"
    GRAPH = "graph"


_SCOPES = {
    Purpose.SMTP: "https://outlook.office.com/SMTP.Send",
    Purpose.IMAP: "https://outlook.office.com/IMAP.AccessAsUser.All",
    Purpose.GRAPH: "https://graph.microsoft.com/Mail.Send",
}
# An application asks for all that an administrator has granted it.
_APPLICATION_SCOPES = {
    Purpose.SMTP: "https://outlook.office365.com/.default",
    Purpose.IMAP: "https://outlook.office365.com/.default",
    Purpose.GRAPH: "https://graph.microsoft.com/.default",
}


class TokenTrouble(GatewayError):
    """There is no token now."""

    def __init__(self, text: str, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class SignInNeeded(TokenTrouble):
    """Only a new sign-in by a person helps."""


class PersonalAccount(TokenTrouble):
    """Somebody has signed in, with an account that is of no use to us."""

    def __init__(self) -> None:
        super().__init__(
            "that is a personal Microsoft account (Outlook.com, Hotmail, Live), which lets no program in: it takes an "
            "account of a company or a school"
        )


class CodePending(TokenTrouble):
    """The person has not signed in yet; `retry_after` is by how much longer to wait between questions."""


class TokenReply(msgspec.Struct, frozen=True):
    """RFC 6749 section 5.1."""

    access_token: str
    expires_in: int = 3600
    refresh_token: str = ""
    id_token: str = ""


class DeviceCode(msgspec.Struct, frozen=True):
    """RFC 8628 section 3.2: a code that a person types in at an address."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: int = 900
    interval: int = 5


class _Refusal(msgspec.Struct, frozen=True):
    error: str = ""
    error_description: str = ""


def ask_for_code(settings: Office365Settings, purposes: Sequence[Purpose]) -> DeviceCode:
    """Begin the sign-in of a person, who agrees to all of this at once. Raises TokenTrouble."""
    scope = " ".join(["openid", "profile", "offline_access", *(_SCOPES[purpose] for purpose in purposes)])
    answer = _post(settings, "devicecode", {"client_id": _client_id(settings), "scope": scope})
    return _read(answer, DeviceCode)


def redeem_code(settings: Office365Settings, code: DeviceCode) -> TokenReply:
    """The tokens of a person who has typed in the code. Raises CodePending, SignInNeeded, TokenTrouble."""
    form = {"grant_type": _DEVICE_GRANT, "client_id": _client_id(settings), "device_code": code.device_code}
    return _read(_post(settings, "token", form), TokenReply)


def refresh(settings: Office365Settings, refresh_token: str, purpose: Purpose) -> TokenReply:
    """New tokens for a person who has signed in before. Raises SignInNeeded, TokenTrouble."""
    # No secret: who signs in with a code is a public client, which must not send one.
    form = {
        "grant_type": "refresh_token",
        "client_id": _client_id(settings),
        "refresh_token": refresh_token,
        "scope": f"offline_access {_SCOPES[purpose]}",
    }
    return _read(_post(settings, "token", form), TokenReply)


def application_token(settings: Office365Settings, purpose: Purpose) -> TokenReply:
    """A token for the registration itself. Raises TokenTrouble."""
    secret = settings.client_secret.get_secret_value()
    if not secret:
        raise BadConfiguration("The client credentials grant needs client_secret in the section [office365]")
    form = {
        "grant_type": "client_credentials",
        "client_id": _client_id(settings),
        "client_secret": secret,
        "scope": _APPLICATION_SCOPES[purpose],
    }
    return _read(_post(settings, "token", form), TokenReply)


def check_registration(settings: Office365Settings, grant: Grant) -> None:
    """Raise BadConfiguration when the settings have not what this grant needs."""
    _client_id(settings)
    if grant is Grant.APPLICATION and not settings.client_secret.get_secret_value():
        raise BadConfiguration("--sign-in application needs client_secret and tenant in the section [office365]")


def _client_id(settings: Office365Settings) -> str:
    if not settings.client_id:
        raise BadConfiguration(
            "Signing in to Microsoft needs an application of your own: set client_id in the section [office365] of "
            "gateway.toml (docs/accounts.md says how to register it)"
        )
    return settings.client_id


def _post(settings: Office365Settings, what: str, form: Mapping[str, str]) -> WebAnswer:
    url = f"{settings.authority}/{quote(settings.tenant, safe='')}/oauth2/v2.0/{what}"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    try:
        return WebConnection(url, _SECONDS).post(urlencode(form).encode(), headers)
    except Unreachable as error:
        raise TokenTrouble(str(error)) from error


def _read(answer: WebAnswer, shape: type[Shape]) -> Shape:
    if answer.status == 200:
        try:
            return msgspec.json.decode(answer.body, type=shape)
        except msgspec.DecodeError as error:
            raise TokenTrouble(f"the token server answered something else: {error}") from error
    raise _trouble(answer)


def _trouble(answer: WebAnswer) -> TokenTrouble:
    try:
        refusal = msgspec.json.decode(answer.body, type=_Refusal)
    except msgspec.DecodeError:
        refusal = _Refusal()
    words = one_line(refusal.error_description or refusal.error or "it gave no reason", _MAX_WORDS)
    if refusal.error == "authorization_pending":
        return CodePending(words)
    if refusal.error == "slow_down":
        return CodePending(words, _SLOWER)
    if refusal.error in _SIGN_IN_AGAIN:
        return SignInNeeded(words)
    if answer.status == 429 or answer.status >= 500:
        return TokenTrouble(f"the token server is busy: {answer.status} {words}", answer.retry_after)
    return TokenTrouble(f"the token server refused: {answer.status} {words}")
