"""Keys made for the test run, and mails signed and sealed with them."""

import base64
from datetime import datetime
from functools import cache
from hashlib import sha256

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from dkim.canonicalization import Relaxed
from peers.dns import Zone

_PRIVATE = (
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
)
_PUBLIC = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
SIGNED = [b"from", b"to", b"subject", b"message-id"]


@cache
def _key(domain: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def key_record(domain: str) -> str:
    """The TXT value of a domain's key."""
    return "v=DKIM1; k=rsa; p=" + base64.b64encode(_key(domain).public_key().public_bytes(*_PUBLIC)).decode()


def key_zone(*domains: str) -> Zone:
    """The keys of domains, each under the selector `s`."""
    return {f"s._domainkey.{domain}": {"TXT": [key_record(domain)]} for domain in domains}


def sign(
    raw: bytes,
    domain: str,
    *,
    fields: list[bytes] | None = None,
    length: bool = False,
    expires: datetime | None = None,
    simple: bool = False,
) -> bytes:
    """The mail with a signature of the domain on top; `length` limits it to the body as it is now."""
    signer = _Expiring(raw)
    signer.expires = expires
    form = (b"simple", b"simple") if simple else (b"relaxed", b"relaxed")
    private = _key(domain).private_bytes(*_PRIVATE)
    line = signer.sign(
        b"s", domain.encode(), private, canonicalize=form, include_headers=fields or SIGNED, length=length
    )
    return bytes(line) + raw


def short_record() -> str:
    """A key of 768 bits, which no library makes nowadays."""
    public = rsa.RSAPublicNumbers(65537, (1 << 767) + 1).public_key()
    return "v=DKIM1; p=" + base64.b64encode(public.public_bytes(*_PUBLIC)).decode()


_EDWARDS = ed25519.Ed25519PrivateKey.generate()


def edwards_record() -> str:
    """The TXT value of an Ed25519 key."""
    return "v=DKIM1; k=ed25519; p=" + base64.b64encode(_EDWARDS.public_key().public_bytes_raw()).decode()


def sign_with_edwards(raw: bytes, domain: str) -> bytes:
    """The mail signed by RFC 8463, relaxed; From and Subject must stand on one line each."""
    header, _, body = raw.partition(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in header.split(b"\r\n"))
    body_hash = base64.b64encode(sha256(Relaxed.canonicalize_body(body)).digest())
    value = b"v=1; a=ed25519-sha256; c=relaxed/relaxed; d=%s; s=s; h=from:subject; bh=%s; b=" % (
        domain.encode(),
        body_hash,
    )
    signed = b"from:%s\r\nsubject:%s\r\ndkim-signature:%s" % (fields[b"From"], fields[b"Subject"], value)
    signature = base64.b64encode(_EDWARDS.sign(sha256(signed).digest()))
    return b"DKIM-Signature: " + value + signature + b"\r\n" + raw


class _Expiring(dkim.DKIM):  # type: ignore[misc]  # dkimpy has no types
    """A signer that also writes x=, which dkimpy's own does not."""

    expires: datetime | None = None

    def gen_header(self, fields: list[tuple[bytes, bytes]], *arguments: object, **named: object) -> object:
        """The signature; the expiry must be in it when it is made."""
        if self.expires:
            fields = [one for one in fields if one[0] != b"t"]
            fields.insert(-1, (b"x", str(int(self.expires.timestamp())).encode()))
        return super().gen_header(fields, *arguments, **named)


def seal(raw: bytes, domain: str, results: str) -> bytes:
    """The mail with a further ARC set of the domain, which says that it saw these results."""
    with_results = f"Authentication-Results: {domain}; {results}\r\n".encode() + raw
    private = _key(domain).private_bytes(*_PRIVATE)
    lines = dkim.ARC(with_results).sign(b"s", domain.encode(), private, domain.encode(), include_headers=SIGNED)
    return b"".join(lines) + raw
