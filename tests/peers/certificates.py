"""Certificates of a throw-away authority, for peers that speak TLS."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate: its files, and the authority that a client must trust (SSL_CERT_FILE)."""

    authority: Path
    chain: Path
    key: Path

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
    made = Certificate(folder / "authority.pem", folder / "chain.pem", folder / "key.pem")
    authority = trustme.CA()
    server = authority.issue_cert(*(names or ("localhost", "127.0.0.1")))
    authority.cert_pem.write_to_path(made.authority)
    server.private_key_pem.write_to_path(made.key)
    made.chain.write_bytes(b"".join(pem.bytes() for pem in server.cert_chain_pems))
    return made
