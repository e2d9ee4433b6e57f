"""Know the mails in which a provider asks whether mail may be forwarded to us.

Only the class is decided here. Who may open the link, and whether the provider's signature holds, is the set-up's
question. The sender's address must fit exactly: everybody can write such a subject.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider's confirmation looks: who sends it, and what its subject or text must hold."""

    name: str
    sender: re.Pattern[str]
    sign: re.Pattern[str]


def _provider(name: str, sender: str, sign: str) -> Provider:
    return Provider(name, re.compile(sender, re.IGNORECASE), re.compile(sign, re.IGNORECASE))


_FORWARD: Final = (
    r"forward|weiterleit|transfer|transfér|reenv|encaminh|inoltr|doorst|przekaz|пересыл|転送|转发|轉寄|전달"
)
_CONFIRM: Final = r"confirm|verif|bestätig|bevestig|potwierd|подтвер|確認|确认|確認|확인"
PROVIDERS: Final = (
    _provider("Gmail", r"forwarding-noreply@google\.com", r"mail(?:-settings)?\.google\.com/mail/|#\d{6,}|\b\d{8,9}\b"),
    _provider(
        "Zoho", r"(?:no-?reply|support|notification[a-z-]*)@(?:mail\.)?zoho(?:mail|corp)?\.(?:com|eu|in)", _FORWARD
    ),
    _provider("Yahoo", r"[a-z.\-]*no-?reply@(?:[a-z.\-]+\.)?yahoo(?:-inc)?\.com", _FORWARD),
    _provider("iCloud", r"no_?reply@(?:[a-z.\-]+\.)?(?:apple|icloud)\.com", _FORWARD),
    _provider(
        "Fastmail", r"(?:no-?reply|support|do-not-reply)@(?:[a-z.\-]+\.)?fastmail(?:team)?\.(?:com|fm)", _FORWARD
    ),
    _provider("Yandex", r"(?:no-?reply|hello|help)@(?:[a-z.\-]+\.)?(?:yandex\.(?:ru|com)|yandex-team\.ru)", _FORWARD),
    _provider(
        "GMX", r"(?:no-?reply|mailings?|service)@(?:[a-z.\-]+\.)?(?:gmx\.(?:net|de|com)|web\.de|mail\.com)", _FORWARD
    ),
    _provider("Mail.ru", r"(?:no-?reply|welcome|support)@(?:[a-z.\-]+\.)?(?:corp\.)?mail\.ru", _FORWARD),
    _provider("Proton", r"no-?reply@(?:[a-z.\-]+\.)?proton(?:mail)?\.(?:com|me|ch)", _FORWARD),
    _provider("Cloudflare", r"no-?reply@(?:[a-z.\-]+\.)?cloudflare\.com", r"email routing|" + _FORWARD),
)
_CONFIRMING: Final = re.compile(_CONFIRM, re.IGNORECASE)


def is_confirmation(sender: str, subject: str, text: str) -> str:
    """The provider's name, or an empty string."""
    for provider in PROVIDERS:
        if provider.sender.fullmatch(sender):
            head = f"{subject}\n{text[:4000]}"
            is_meant = provider.name == "Gmail" or _CONFIRMING.search(head) is not None
            return provider.name if is_meant and provider.sign.search(head) else ""
    return ""
