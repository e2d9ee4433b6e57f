"""TLS of a listener: its context, certificates that change while sessions go on, and a word before they expire."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from config import maillog
from config.errors import BadConfiguration
from config.receiving import ListenerSettings

_WARN_BEFORE = timedelta(days=14)


class Certificates:
    """The context of one listener. Reloading changes it for the handshakes to come; a bad file changes nothing."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate, self._key = certificate, key
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996
        self.context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        self._load()

    def reload(self) -> None:
        """Read the files again. What is wrong with them is logged, and the old certificate stays in use."""
        try:
            # A trial first: a chain and a key that do not belong together must not be half loaded.
            Certificates(self._certificate, self._key)
            self._load()
        except BadConfiguration as error:
            maillog.trouble("certificate", error=str(error))
        else:
            maillog.started(what="certificate", file=str(self._certificate))
            self.warn_before_expiry()

    def warn_before_expiry(self) -> None:
        """Say it in the log when the certificate ends soon, or has ended."""
        left = self._expires() - datetime.now(UTC)
        if left < _WARN_BEFORE:
            maillog.trouble("certificate expires", file=str(self._certificate), days=max(left.days, 0))

    def _load(self) -> None:
        try:
            self.context.load_cert_chain(self._certificate, self._key)
            self._expires()
        except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
            raise BadConfiguration(
                f"{self._certificate}: cannot be used with {self._key}: {error}: check tls_certificate and tls_key"
            ) from error

    def _expires(self) -> datetime:
        return x509.load_pem_x509_certificate(self._certificate.read_bytes()).not_valid_after_utc


def facts_of(transport: asyncio.BaseTransport) -> str:
    """Version and cipher of an encrypted connection, as TLSv1.3 TLS_AES_256_GCM_SHA384."""
    encrypted = transport.get_extra_info("ssl_object")
    cipher = encrypted.cipher() if encrypted is not None else None
    return f"{encrypted.version()} {cipher[0]}" if cipher else ""


def certificates_of(listener: ListenerSettings) -> Certificates | None:
    """What the listener's settings name, if they do. Raises BadConfiguration."""
    if listener.tls_certificate is None or listener.tls_key is None:
        return None
    return Certificates(listener.tls_certificate, listener.tls_key)
