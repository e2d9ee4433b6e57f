"""Certificates of a throw-away authority, for peers that speak TLS."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate: its files, and the authority that a client must trust (SSL_CERT_FILE)."""

    authority: Path
    authority_key: Path
    chain: Path
    key: Path

    def sibling(self, folder: Path, *names: str, until: datetime) -> "Certificate":
        """Another one by the same authority, for these names, that ends at a time."""
        authority = trustme.CA.from_pem(self.authority.read_bytes(), self.authority_key.read_bytes())
        return _issued(authority, self.authority, folder, names, until)

    def server_context(self) -> ssl.SSLContext:
        """The server's side of TLS with it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context

    def client_context(self) -> ssl.SSLContext:
        """A client that trusts its authority alone."""
        return ssl.create_default_context(cafile=str(self.authority))


def make_certificate(folder: Path, *names: str) -> Certificate:
    """A certificate for these host names or addresses, by an authority that nobody else knows."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    authority.private_key_pem.write_to_path(folder / "authority-key.pem")
    return _issued(authority, folder / "authority.pem", folder, names or ("localhost", "127.0.0.1"))


def _issued(
    authority: trustme.CA, trusted: Path, folder: Path, names: tuple[str, ...], until: datetime | None = None
) -> Certificate:
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificate(trusted, trusted.with_name("authority-key.pem"), folder / "chain.pem", folder / "key.pem")
    server = authority.issue_cert(*names, not_after=until)
    server.private_key_pem.write_to_path(made.key)
    made.chain.write_bytes(b"".join(pem.bytes() for pem in server.cert_chain_pems))
    return made
