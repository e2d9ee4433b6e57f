"""Sign what leaves: one DKIM signature for each key of the From domain.

A mail is signed once, when it is composed, so that its bytes are the same over all attempts. That happens in
commands and in intake, never in the loop of the relay; a signature costs half a millisecond. The form is our own few
lines, because dkimpy signs with RSA twenty times slower and its expressions are not linear; the tests let it verify.
RFC 6376 (relaxed/relaxed), RFC 8463 for Ed25519, RFC 8616 for addresses in other alphabets.
"""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from config.secrets import Seal
from storage.dkim_keys import Algorithm, DkimKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

RSA_BITS = 2048  # RFC 8301 section 3.2; longer ones do not fit into a DNS datagram
# Named once more than they stand there: nobody can add one without breaking the signature. RFC 6376 section 8.15.
_OVERSIGNED = ("from", "reply-to", "to", "cc", "subject", "date", "message-id")
_ONCE = ("in-reply-to", "references", "mime-version", "content-type", "content-transfer-encoding", "auto-submitted")
_WSP = re.compile(rb"[ \t]+")
_KEPT_OPEN = 64


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A key that signs for a domain, as it is stored."""

    domain: str
    selector: str
    algorithm: Algorithm
    secret: str = field(repr=False)
    purpose: str


def sealed_key(key: DkimKey) -> SealedKey:
    """The part of a stored key that signing needs."""
    return SealedKey(key.domain, key.selector, key.algorithm, key.secret, key.secret_purpose)


def make_key(seal: Seal, domain: str, selector: str, algorithm: Algorithm) -> DkimKey:
    """A new pair of keys, its private half sealed."""
    # A slow import (0.2 s), needed only where keys are touched.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    key = DkimKey(domain=domain, selector=selector, algorithm=algorithm, secret="", public="")
    encoding, no_encryption = serialization.Encoding, serialization.NoEncryption()
    if algorithm is Algorithm.RSA:
        private = rsa.generate_private_key(65537, RSA_BITS)
        secret = private.private_bytes(encoding.DER, serialization.PrivateFormat.PKCS8, no_encryption)
        public = private.public_key().public_bytes(encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    else:
        edwards = ed25519.Ed25519PrivateKey.generate()
        secret, public = edwards.private_bytes_raw(), edwards.public_key().public_bytes_raw()
    key.public = b64encode(public).decode()
    key.secret = seal.close(b64encode(secret).decode(), key.secret_purpose)
    return key


def sign(content: bytes, keys: tuple[SealedKey, ...], seal: Seal, at: datetime) -> bytes:
    """The mail with a signature of each key on top. Raises BadConfiguration when a key does not open."""
    if not keys:
        return content
    header, _, body = content.partition(b"\r\n\r\n")
    fields = _fields(header)
    body_hash = b64encode(sha256(_relaxed_body(body)).digest()).decode()
    return b"".join(_signature(key, seal, fields, body_hash, at) for key in keys) + content


def _signature(key: SealedKey, seal: Seal, fields: list[tuple[str, bytes]], body_hash: str, at: datetime) -> bytes:
    names = _names({name for name, _ in fields})
    value = (
        f"v=1; a={key.algorithm}-sha256; c=relaxed/relaxed; d={key.domain};\r\n"
        f" s={key.selector}; t={int(at.timestamp())};\r\n"
        f" h={_folded(names)};\r\n"
        f" bh={body_hash};\r\n b="
    )
    # Each name takes the lowest field of that name that is left; one too many takes nothing. Section 5.4.2.
    left = list(fields)
    signed = [_take(left, name) for name in names]
    own = _relaxed(b"dkim-signature", value.encode())
    digest = sha256(b"".join(one + b"\r\n" for one in signed if one) + own).digest()
    return f"DKIM-Signature: {value}{_wrapped(_sign_digest(key, seal, digest))}\r\n".encode()


def _names(present: set[str]) -> list[str]:
    once = [name for name in (*_OVERSIGNED, *_ONCE) if name in present]
    return [*once, *_OVERSIGNED]


def _take(left: list[tuple[str, bytes]], name: str) -> bytes:
    for place in range(len(left) - 1, -1, -1):
        if left[place][0] == name:
            return _relaxed(name.encode(), left.pop(place)[1])
    return b""


def _fields(header: bytes) -> list[tuple[str, bytes]]:
    """Names in lower case, and values as they stand there with their folds."""
    fields: list[tuple[str, bytes]] = []
    for line in header.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + b"\r\n" + line)
        else:
            name, _, value = line.partition(b":")
            fields.append((name.strip().lower().decode("ascii"), value))
    return fields


def _relaxed(name: bytes, value: bytes) -> bytes:
    """RFC 6376 section 3.4.2."""
    return name + b":" + _WSP.sub(b" ", value.replace(b"\r\n", b"")).strip(b" \t")


def _relaxed_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4."""
    lines = [_WSP.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def _folded(names: list[str]) -> str:
    lines, width = [""], 60
    for name in names:
        if len(lines[-1]) + len(name) > width:
            lines.append("")
        lines[-1] += f"{name}:"
    return "\r\n  ".join(lines).removesuffix(":")


def _wrapped(signature: bytes) -> str:
    text = b64encode(signature).decode()
    return "\r\n  ".join(text[start : start + 70] for start in range(0, len(text), 70))


def _sign_digest(key: SealedKey, seal: Seal, digest: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.hashes import SHA256

    private = _opened(key, seal)
    if isinstance(private, Ed25519PrivateKey):
        # PureEdDSA over the SHA-256 digest. RFC 8463 section 3.
        return private.sign(digest)
    return private.sign(digest, PKCS1v15(), Prehashed(SHA256()))


@lru_cache(maxsize=_KEPT_OPEN)
def _opened(key: SealedKey, seal: Seal) -> "RSAPrivateKey | Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    secret = b64decode(seal.open(key.secret, key.purpose))
    if key.algorithm is Algorithm.ED25519:
        return Ed25519PrivateKey.from_private_bytes(secret)
    # We made and sealed it ourselves; looking whether it is prime costs 50 ms.
    private = load_der_private_key(secret, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(private, RSAPrivateKey)
    return private
