"""Look for what keeps a gateway from working, and say what to do. Changes nothing, sends nothing.

Each check is a function that yields findings; the order stands in `examine`. A check that cannot be made
because another one failed says nothing.
"""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.errors import GatewayError
from config.files import Loaded
from config.receiving import ListenerSettings
from config.sending import ServerSettings
from config.settings import Settings
from config.values import LOOPBACK
from gateway.doctor_desk import examine_desk
from gateway.doctor_dns import due_in_dns, examine_dns
from gateway.doctor_looks import examine_looks
from gateway.findings import Finding, Findings, State
from storage.blobs import open_blobs
from storage.database import Database, open_database, sqlite_module
from storage.schema import check_schema_quickly

_CONNECT_SECONDS = 5.0
_GREETING_SECONDS = 2.0
_LOW_SPACE = 1 << 30
_CERTIFICATE_DAYS = 21
_ANYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound


@dataclass(frozen=True, slots=True)
class Listening:
    """Whether an SMTP server greets on one of our addresses."""

    address: str
    answers: bool


def examine(loaded: Loaded) -> Findings:
    """Everything, in order."""
    settings = loaded.settings
    yield Finding(State.OK, "settings", f"{loaded.path} is right")
    for look in (_data_dir, _space, _bucket, _key_file, _listeners, _certificates, _servers):
        yield from look(settings)
    yield from _database(settings)


def _data_dir(settings: Settings) -> Findings:
    folder = settings.data_dir
    if not folder.is_dir():
        yield Finding(State.FAIL, "data_dir", f"{folder} does not exist", "run `gateway database upgrade`")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(State.FAIL, "data_dir", f"{folder} cannot be written", "give it to the user of the gateway")
        return
    if folder.stat().st_mode & 0o007:
        yield Finding(State.WARN, "data_dir", f"{folder} is open to everybody", f"chmod 0700 {folder}")
        return
    yield Finding(State.OK, "data_dir", str(folder))


def _space(settings: Settings) -> Findings:
    for folder in settings.folders:
        if not folder.is_dir():
            continue
        free = shutil.disk_usage(folder).free
        state = State.WARN if free < _LOW_SPACE else State.OK
        advice = "make room: with a full disk mail is refused for the time being" if state is State.WARN else ""
        yield Finding(state, f"space in {folder}", f"{free / (1 << 30):.1f} GiB free", advice)


def _bucket(settings: Settings) -> Findings:
    if settings.blob_dir is not None:
        return
    try:
        open_blobs(settings).has("0" * 64)
    except GatewayError as error:
        yield Finding(State.FAIL, "bucket", str(error), "check [blobs]: endpoint, region and keys")
    else:
        yield Finding(State.OK, "bucket", f"{settings.blobs.url} answers")


def _key_file(settings: Settings) -> Findings:
    key = settings.key_file
    if key.exists() and key.stat().st_mode & 0o077:
        yield Finding(State.WARN, "key file", f"{key} can be read by others", f"chmod 0600 {key}")


def _listeners(settings: Settings) -> Findings:
    for listener in settings.listener:
        subject = f"listener {listener.address}"
        if who_listens(listener).answers:
            yield Finding(State.OK, subject, "answers")
            continue
        trouble = _why_not_bound(listener)
        if trouble:
            advice = "change [[listener]] address, or allow it: see docs/install.md on ports below 1024"
            yield Finding(State.FAIL, subject, trouble, advice)
        else:
            yield Finding(State.WARN, subject, "is free: the gateway is not running", "start it with `gateway serve`")


def who_listens(listener: ListenerSettings) -> Listening:
    """Whether somebody greets there as an SMTP server does."""
    host = "127.0.0.1" if listener.host in _ANYWHERE else listener.host
    try:
        return Listening(listener.address, _greeting(host, listener.port).startswith(b"220"))
    except OSError:
        return Listening(listener.address, False)


def _greeting(host: str, port: int) -> bytes:
    with socket.create_connection((host, port), timeout=_GREETING_SECONDS) as connection:
        return connection.recv(512)


def _why_not_bound(listener: ListenerSettings) -> str:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listener.host, listener.port))
        except OSError as error:
            return f"cannot be opened: {error.strerror or error}"
    return ""


def _certificates(settings: Settings) -> Findings:
    for listener in settings.listener:
        subject = f"certificate of {listener.address}"
        if listener.tls_certificate and listener.tls_key:
            yield _certificate(subject, listener.tls_certificate, listener.tls_key)
        elif listener.host not in LOOPBACK:
            yield Finding(
                State.WARN, subject, "none: mail comes in clear", "set tls_certificate and tls_key of the listener"
            )


def _certificate(subject: str, chain: Path, key: Path) -> Finding:
    import ssl

    from cryptography import x509

    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(chain, key)
        ends = x509.load_pem_x509_certificate(chain.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        return Finding(State.FAIL, subject, f"{chain}: {error}", "name a PEM chain and its key")
    left = ends - datetime.now(UTC)
    if left < timedelta(0):
        return Finding(State.FAIL, subject, f"expired on {ends:%Y-%m-%d}", "renew it, then send SIGHUP to the gateway")
    state = State.WARN if left < timedelta(days=_CERTIFICATE_DAYS) else State.OK
    return Finding(state, subject, f"good until {ends:%Y-%m-%d}", "renew it" if state is State.WARN else "")


def _servers(settings: Settings) -> Findings:
    if not settings.outbound.servers:
        where = settings.data_dir / "outgoing"
        yield Finding(
            State.WARN,
            "default servers",
            f"none: answers become files in {where}",
            "name one in [[outbound.servers]]",
        )
    for server in settings.outbound.servers:
        yield _server(server)


def _server(server: ServerSettings) -> Finding:
    subject = f"server {server.host}:{server.port}"
    try:
        with socket.create_connection((server.host, server.port), timeout=_CONNECT_SECONDS) as connection:
            # With implicit TLS the client speaks first; only a connection is asked for then.
            greeting = b"220" if server.security == "tls" else connection.recv(512)
    except OSError as error:
        return Finding(State.FAIL, subject, f"cannot be reached: {error}", "check host, port and firewall")
    if not greeting.startswith(b"220"):
        said = greeting.decode("ascii", "replace").strip()[:100]
        return Finding(State.FAIL, subject, f"does not greet: {said!r}", "check host and port")
    return Finding(State.OK, subject, "can be reached; try signing in with `gateway channel test default`")


def _database(settings: Settings) -> Findings:
    if settings.is_sqlite:
        version = ".".join(str(part) for part in sqlite_module().sqlite_version_info)
        yield Finding(State.OK, "SQLite", f"version {version}")
    try:
        with _opened(settings) as database:
            check_schema_quickly(database)
            _try_to_write(database)
            yield Finding(State.OK, "database", "has this version's schema and can be written")
            with database.reading() as session:
                yield from examine_desk(session)
                yield from examine_looks(session, settings)
                due = due_in_dns(session, settings)
            yield from examine_dns(settings, due)
    except GatewayError as error:
        yield Finding(State.FAIL, "database", str(error))


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()


def _try_to_write(database: Database) -> None:
    with database.writing() as session:
        # A write that changes nothing: it takes the locks and touches the file.
        session.connection().exec_driver_sql("UPDATE counter SET value = value WHERE name = 'filing'")
