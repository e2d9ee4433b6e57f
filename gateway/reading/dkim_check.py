"""DKIM: which domains have signed a mail, with dkimpy and keys that were fetched before. RFC 6376, RFC 8301, RFC 8463.

Stricter than the RFC where attacks were seen: a signature that covers only a part of the body, that leaves From or
Subject open, that has expired, or that stands on a mail with a second From, Subject or Content-Type does not count:
it is as though it were not there.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import dkim
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gateway.reading.answers import Answers
from gateway.reading.signed import SignedMail

_MAX_SIGNATURES: Final = 6
_MAX_FIELD_BYTES: Final = 8192
_MAX_KEY_CHARS: Final = 1600  # 8192 bits; larger ones only cost time
_MIN_KEY_BITS: Final = 1024  # RFC 8301 section 3.2
_MAX_SIGNED_NAMES: Final = 200
# dkimpy's expressions are cubic in a run of white space.
_LONG_GAP: Final = re.compile(rb"\s{65}")
_ONCE: Final = (b"from", b"subject", b"content-type", b"content-transfer-encoding")
_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,250}[a-z0-9_])?")


@dataclass(frozen=True, slots=True)
class Signature:
    """What came of one signature. `is_header_intact`: only the body was changed on the way."""

    domain: str
    selector: str
    result: str  # pass | fail | permerror | temperror | none: it does not count
    reason: str = ""
    is_header_intact: bool = False


@dataclass(frozen=True, slots=True)
class SignatureField:
    """A DKIM-Signature or ARC-Message-Signature as it is written; `flaw` says why it does not count."""

    place: int  # among the fields of its name
    domain: str
    selector: str
    flaw: str = ""


class NoKeyYet(Exception):
    """DNS has not said which key there is."""


def signature_fields(mail: SignedMail, author_domain: str, at: datetime) -> list[SignatureField]:
    """The signatures to look at: those near the author's domain first, a few of the others."""
    values = mail.values(b"dkim-signature")[: 4 * _MAX_SIGNATURES]
    found = [read_field(mail, place, value, at) for place, value in enumerate(values)]
    found.sort(key=lambda one: (bool(one.flaw), not _is_near(one.domain, author_domain)))
    return found[:_MAX_SIGNATURES]


def _is_near(domain: str, author: str) -> bool:
    return domain == author or domain.endswith(f".{author}") or author.endswith(f".{domain}")


def read_field(mail: SignedMail, place: int, value: bytes, at: datetime) -> SignatureField:
    """What a signature claims, and whether it may count at all."""
    if len(value) > _MAX_FIELD_BYTES or _LONG_GAP.search(value):
        return SignatureField(place, "", "", "it is too long")
    try:
        tags = dkim.util.parse_tag_value(value.replace(b"\r\n", b""))
    except dkim.util.InvalidTagValueList:
        return SignatureField(place, "", "", "it is no list of tags")
    domain, selector = _text(tags.get(b"d", b"")), _text(tags.get(b"s", b""))
    if not _NAME.fullmatch(domain) or not _NAME.fullmatch(selector) or len(domain) + len(selector) > 230:
        return SignatureField(place, "", "", "it names no domain and selector")
    return SignatureField(place, domain, selector, _flaw(mail, tags, at))


def _flaw(mail: SignedMail, tags: dict[bytes, bytes], at: datetime) -> str:
    names = [name.strip().lower() for name in tags.get(b"h", b"").split(b":")]
    if mail.is_malformed:
        return "the header is malformed"
    if tags.get(b"a", b"").lower() == b"rsa-sha1":
        return "rsa-sha1 proves nothing (RFC 8301)"
    if len(names) > _MAX_SIGNED_NAMES:
        return "it signs too many fields"
    for name in _ONCE:
        if len(mail.values(name)) > 1:
            return f"the mail has several {_text(name)} fields"
    if b"from" not in names:
        return "From is not signed"
    if mail.values(b"subject") and b"subject" not in names:
        return "Subject is not signed"
    return _lifetime_flaw(tags, at) or _length_flaw(mail, tags)


def _lifetime_flaw(tags: dict[bytes, bytes], at: datetime) -> str:
    expires = tags.get(b"x", b"")
    if not expires:
        return ""
    if not expires.isdigit() or len(expires) > 12:
        return "its expiry is no time"
    return "it has expired" if int(expires) < at.timestamp() else ""


def _length_flaw(mail: SignedMail, tags: dict[bytes, bytes]) -> str:
    if b"l" not in tags:
        return ""
    length = mail.canonical_body(_body_form(tags)).length
    if not tags[b"l"].isdigit() or len(tags[b"l"]) > 12 or int(tags[b"l"]) != length:
        return f"it covers {_text(tags[b'l'])[:20]} of {length} octets of the body"
    return ""


def _body_form(tags: dict[bytes, bytes]) -> bytes:
    form = tags.get(b"c", b"simple/simple").partition(b"/")[2].strip()
    return b"relaxed" if form == b"relaxed" else b"simple"


def _text(octets: bytes) -> str:
    return octets.decode("ascii", "replace").strip().lower()


def key_of(answers: Answers, name: str) -> str:
    """The key record of this name. Raises NoKeyYet when DNS did not say; empty: there is none.

    Of several TXT records the one with a key is meant: other services leave theirs under the same name.
    """
    answer = answers.ask(name, "TXT")
    if answer.is_trouble:
        raise NoKeyYet
    return next((text for text in answer.values[:20] if re.search(r"(?:^|;)\s{0,20}p\s{0,20}=", text)), "")


class CheckedBody:
    """Mixed into the verifiers of dkimpy: the body is compared here, in linear time; the header is theirs."""

    def take(self, mail: SignedMail, answers: Answers) -> None:
        """Judge this mail by these answers."""
        self._mail, self._answers = mail, answers
        self.headers = list(mail.fields)
        self.body = b""
        self.has_key, self.is_header_intact = True, False

    def verify_sig(self, sig: dict[bytes, bytes], include_headers: list[bytes], sig_header: Any, _dns: Any) -> bool:
        """Whether the signature holds; the name is dkimpy's."""
        record = key_of(self._answers, f"{_text(sig[b's'])}._domainkey.{_text(sig[b'd'])}")
        self.has_key = bool(record)
        if not record or len(record) > _MAX_KEY_CHARS:
            return False
        claimed = sig.pop(b"bh", None)  # without it dkimpy leaves the body alone
        self.pk = _Key(_public_key(record))
        # By this name dkimpy asks the key itself, as it does for Ed25519, in place of its own slow arithmetic.
        self.ktag, self.keysize, self.seqtlsrpt = b"ed25519", 0, False
        named = {*include_headers, b"from"}
        fields, self.headers = self.headers, [one for one in self.headers if one[0].lower() in named]
        try:
            self.verify_sig_process(sig, include_headers, sig_header, None)  # type: ignore[attr-defined]
        finally:
            self.headers = fields
        self.is_header_intact = self.pk.holds
        return self.is_header_intact and (claimed is None or self._is_body(claimed, sig))

    def _is_body(self, claimed: bytes, sig: dict[bytes, bytes]) -> bool:
        return self._mail.canonical_body(_body_form(sig)).digest == base64.b64decode(re.sub(rb"\s+", b"", claimed))


class _Dkim(CheckedBody, dkim.DKIM):  # type: ignore[misc]  # dkimpy has no types
    pass


@dataclass(slots=True)
class _Key:
    """A public key as dkimpy asks it."""

    key: RSAPublicKey | Ed25519PublicKey
    holds: bool = False

    def verify(self, digest: bytes, signature: bytes) -> None:
        """Remember whether the signature holds; dkimpy takes silence for yes."""
        try:
            if isinstance(self.key, RSAPublicKey):
                self.key.verify(signature, digest, PKCS1v15(), Prehashed(SHA256()))
            else:
                self.key.verify(signature, digest)
        except InvalidSignature:
            return
        self.holds = True


@lru_cache(maxsize=1000)
def _public_key(record: str) -> RSAPublicKey | Ed25519PublicKey:
    """The key in a record (RFC 6376 section 3.6.1). Raises ValueError when there is none that may be used."""
    tags = dkim.util.parse_tag_value(record.encode("latin-1", "replace"))
    if tags.get(b"v", b"DKIM1") != b"DKIM1":
        raise ValueError("the key record is of another version")
    octets = base64.b64decode(re.sub(rb"\s", b"", tags.get(b"p", b"")))
    if not octets:
        raise ValueError("the key was revoked")
    if tags.get(b"k", b"rsa") == b"ed25519":
        return Ed25519PublicKey.from_public_bytes(octets)
    key = load_der_public_key(octets)
    if not isinstance(key, RSAPublicKey) or key.key_size < _MIN_KEY_BITS:
        raise ValueError("the key is too short or no RSA key")
    return key


def check_signature(mail: SignedMail, field: SignatureField, answers: Answers) -> Signature:
    """Whether this signature holds."""
    if field.flaw:
        return Signature(field.domain, field.selector, "none", field.flaw)
    verifier = _Dkim()
    verifier.take(mail, answers)
    try:
        holds = verifier.verify(field.place)
    except NoKeyYet:
        return Signature(field.domain, field.selector, "temperror", "DNS did not say its key")
    except (dkim.DKIMException, dkim.util.InvalidTagValueList, ValueError) as error:
        return Signature(field.domain, field.selector, "permerror", str(error)[:200])
    except Exception as error:  # noqa: BLE001 - a key or a signature of a stranger on which the library breaks
        return Signature(field.domain, field.selector, "permerror", type(error).__name__)
    if holds:
        return Signature(field.domain, field.selector, "pass", is_header_intact=True)
    if not verifier.has_key:
        return Signature(field.domain, field.selector, "permerror", "there is no such key")
    intact = verifier.is_header_intact
    reason = "the body was changed" if intact else "the header was changed, or the key is another"
    return Signature(field.domain, field.selector, "fail", reason, intact)
