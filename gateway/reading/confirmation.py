"""Know the mails in which a provider asks whether mail may be forwarded to us, and read what they ask.

The class, and the code, link and inbox that stand in it, are read here. Who may open the link, and whether the
provider's signature holds, is the set-up's question. The sender's address must fit exactly: everybody can write such
a subject.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from gateway.reading.mail import Mail


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider's confirmation looks: who sends it, and what its subject or text must hold.

    `domains` sign it, and its link leads to one of `hosts`, or below one that begins with a dot.
    """

    name: str
    sender: re.Pattern[str]
    sign: re.Pattern[str]
    domains: tuple[str, ...]
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a provider wants to have confirmed. Each of code, link and addresses may be empty."""

    provider: str
    domains: tuple[str, ...]  # one of them has signed it, if it is the provider's
    code: str = ""
    link: str = ""  # https, and to a host of the provider
    addresses: tuple[str, ...] = ()  # which it names, the subject's first: the asking inbox is one of them


def _provider(name: str, sender: str, sign: str, domains: str, hosts: str = "") -> Provider:
    signers = tuple(domains.split())
    below = tuple(hosts.split()) or tuple(f".{domain}" for domain in signers)
    return Provider(name, re.compile(sender, re.IGNORECASE), re.compile(sign, re.IGNORECASE), signers, below)


_FORWARD: Final = (
    r"forward|weiterleit|transfer|transfér|reenv|encaminh|inoltr|doorst|przekaz|пересыл|転送|转发|轉寄|전달"
)
_CONFIRM: Final = r"confirm|verif|bestätig|bevestig|potwierd|подтвер|確認|确认|確認|확인"
PROVIDERS: Final = (
    _provider(
        "Gmail",
        r"forwarding-noreply@google\.com",
        r"mail(?:-settings)?\.google\.com/mail/|#\d{6,}|\b\d{8,9}\b",
        "google.com",
        "mail-settings.google.com mail.google.com isolated.mail.google.com",
    ),
    _provider(
        "Zoho",
        r"(?:no-?reply|support|notification[a-z-]*)@(?:mail\.)?zoho(?:mail|corp)?\.(?:com|eu|in)",
        _FORWARD,
        "zoho.com zoho.eu zoho.in zohomail.com zohomail.eu zohomail.in zohocorp.com",
    ),
    _provider("Yahoo", r"[a-z.\-]*no-?reply@(?:[a-z.\-]+\.)?yahoo(?:-inc)?\.com", _FORWARD, "yahoo.com yahoo-inc.com"),
    _provider("iCloud", r"no_?reply@(?:[a-z.\-]+\.)?(?:apple|icloud)\.com", _FORWARD, "apple.com icloud.com"),
    _provider(
        "Fastmail",
        r"(?:no-?reply|support|do-not-reply)@(?:[a-z.\-]+\.)?fastmail(?:team)?\.(?:com|fm)",
        _FORWARD,
        "fastmail.com fastmail.fm fastmailteam.com",
    ),
    _provider(
        "Yandex",
        r"(?:no-?reply|hello|help)@(?:[a-z.\-]+\.)?(?:yandex\.(?:ru|com)|yandex-team\.ru)",
        _FORWARD,
        "yandex.ru yandex.com yandex-team.ru",
    ),
    _provider(
        "GMX",
        r"(?:no-?reply|mailings?|service)@(?:[a-z.\-]+\.)?(?:gmx\.(?:net|de|com)|web\.de|mail\.com)",
        _FORWARD,
        "gmx.net gmx.de gmx.com web.de mail.com",
    ),
    _provider("Mail.ru", r"(?:no-?reply|welcome|support)@(?:[a-z.\-]+\.)?(?:corp\.)?mail\.ru", _FORWARD, "mail.ru"),
    _provider(
        "Proton",
        r"no-?reply@(?:[a-z.\-]+\.)?proton(?:mail)?\.(?:com|me|ch)",
        _FORWARD,
        "proton.me protonmail.com protonmail.ch",
    ),
    _provider(
        "Cloudflare", r"no-?reply@(?:[a-z.\-]+\.)?cloudflare\.com", r"email routing|" + _FORWARD, "cloudflare.com"
    ),
)
_CONFIRMING: Final = re.compile(_CONFIRM, re.IGNORECASE)
_LINK: Final = re.compile(r"https://[^\s<>\"'\x00-\x20]{1,2000}")
_TAIL: Final = ".,;:!?)]}"
_NUMBER: Final = re.compile(r"#\s?(\d{6,10})\b")
_CODE: Final = re.compile(
    r"(?:code|código|codigo|codice|kode|kod\b|код|代码|代碼|コード|코드)[^\d\n]{0,60}(\d{4,10})\b", re.IGNORECASE
)
_ADDRESS: Final = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}", re.IGNORECASE
)
# Gmail's mail has a link that confirms (/vf-) and, below it, one that takes the request back (/uf-).
_CONFIRMS: Final = re.compile(r"/vf-|confirm|verif|activat|optin|accept", re.IGNORECASE)
_TAKES_BACK: Final = re.compile(r"/uf-|cancel|unsubscribe|reject|deny|decline|/help|/support|privacy", re.IGNORECASE)
_ROBOT: Final = re.compile(r"no[-_.]?reply|^(?:support|help|service|abuse|security|postmaster)$")
_MAX_TEXT, _MAX_LINKS, _MAX_ADDRESSES = 20_000, 100, 8


def is_confirmation(sender: str, subject: str, text: str) -> str:
    """The provider's name, or an empty string."""
    provider = _provider_of(sender, subject, text)
    return provider.name if provider else ""


def read_confirmation(mail: Mail) -> Confirmation | None:
    """What a mail of kind confirmation asks; None when it is none."""
    text = mail.text[:_MAX_TEXT]
    provider = _provider_of(mail.author.email, mail.subject, text)
    if provider is None:
        return None
    return Confirmation(
        provider.name, provider.domains, _code(mail.subject, text), _link(provider, text), _addresses(mail, provider)
    )


def _provider_of(sender: str, subject: str, text: str) -> Provider | None:
    for provider in PROVIDERS:
        if provider.sender.fullmatch(sender):
            head = f"{subject}\n{text[:4000]}"
            is_meant = provider.name == "Gmail" or _CONFIRMING.search(head) is not None
            return provider if is_meant and provider.sign.search(head) else None
    return None


def _code(subject: str, text: str) -> str:
    found = _NUMBER.search(subject) or _CODE.search(subject) or _CODE.search(text)
    return found[1] if found else ""


def _link(provider: Provider, text: str) -> str:
    """The link that confirms. A link that leads elsewhere is none, whatever it says of itself."""
    found = [match[0].rstrip(_TAIL) for match, _ in zip(_LINK.finditer(text), range(_MAX_LINKS), strict=False)]
    good = [link for link in found if is_link_of(provider, link) and not _TAKES_BACK.search(link)]
    return next((link for link in good if _CONFIRMS.search(link)), "")


def is_link_of(provider: Provider, link: str) -> bool:
    """Whether a link is https and leads to a host of this provider, on the usual port."""
    try:
        parts = urlsplit(link)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    is_plain = parts.scheme == "https" and parts.username is None and port in (None, 443)
    known = any(f".{host}".endswith(one) if one.startswith(".") else host == one for one in provider.hosts)
    return is_plain and known


def is_known_link(name: str, link: str) -> bool:
    """Whether a stored link may be opened: asked again before it is, since rows may be older than the rules."""
    return any(provider.name == name and is_link_of(provider, link) for provider in PROVIDERS)


def _addresses(mail: Mail, provider: Provider) -> tuple[str, ...]:
    found = [*_ADDRESS.findall(mail.subject[:1000]), *_ADDRESS.findall(mail.text[:_MAX_TEXT])]
    people = [one for one in found if not _is_own_robot(one.lower(), provider)]
    return tuple(dict.fromkeys(people))[:_MAX_ADDRESSES]


def _is_own_robot(address: str, provider: Provider) -> bool:
    """The provider's own address, not one of his customers' (somebody@yahoo.com may be the inbox)."""
    local, _, domain = address.rpartition("@")
    is_his = f".{domain}".endswith(tuple(f".{one}" for one in provider.domains))
    return is_his and _ROBOT.search(local) is not None
