"""A real listener with every kind of socket, and what it has stored, byte for byte.

The listener runs alone, so that no mail is filed; the bytes are asked from storage, since no command shows them
without a ticket.
"""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from peers.certificates import Certificate, make_certificate
from peers.gatewayproc import GatewayProc, Setting
from peers.ports import LOOPBACK, free_port, until
from sqlmodel import col, select

from config.files import load
from config.settings import Settings
from storage.addresses import new_address
from storage.blobs import open_blobs
from storage.migrate import open_or_make, upgrade
from storage.queues import Queue, add_queue
from storage.spool import Acceptance, Raw, raw_bytes

WAIT_SECONDS = 60.0
BALANCER = "127.0.0.9"
# What a server on the way writes in front of a mail; it may change nothing else. RFC 5321 section 4.4.
TRACE = re.compile(
    rb"(?:(?:Received|Return-Path|Delivered-To):[^\r\n]*+\r\n(?:[ \t][^\r\n]*+\r\n)*+)*+",
)


@dataclass(frozen=True, slots=True)
class Received:
    """One accepted mail: its envelope and its bytes."""

    envelope: Acceptance
    raw: bytes

    def carries(self, mail: bytes) -> bool:
        """These are the bytes that were sent, with nothing but a trace in front."""
        return self.raw.endswith(mail) and TRACE.fullmatch(self.raw.removesuffix(mail)) is not None


class Front:
    """The listener; as a block it runs."""

    def __init__(self, folder: Path) -> None:
        self.certificate: Certificate = make_certificate(folder / "tls", "mx.desk.example", "localhost", LOOPBACK)
        # Other users' servers come to this socket, so it is in a folder that lets them.
        self._public = tempfile.TemporaryDirectory(prefix="gateway-front-")
        Path(self._public.name).chmod(0o755)
        self.lmtp_path = Path(self._public.name) / "lmtp"
        self.tls_port, self.lmtp_port, self.proxied_port = free_port(), free_port(), free_port()
        self.port = free_port()
        self.gateway = GatewayProc(folder / "gateway", sink_port=9, settings={"listener": self._listeners()})
        self.gateway.port = self.port
        self.address = ""

    def received(self, tag: str, count: int) -> list[Received]:
        """The mails that carry the tag, as soon as there are so many."""
        found: list[Received] = []

        def are_there() -> bool:
            found[:] = [one for one in self._all() if tag.encode() in one.raw[:4000]]
            return len(found) >= count

        until(are_there, WAIT_SECONDS, f"{count} mails with {tag}", every=0.2)
        return found

    def has_all(self, tag: str, mails: Mapping[str, bytes]) -> list[Received]:
        """Each mail arrived once and as it was; the difference is named when it did not."""
        arrived = self.received(tag, len(mails))
        carried = {name: sum(one.carries(mail) for one in arrived) for name, mail in mails.items()}
        assert carried == dict.fromkeys(mails, 1), f"copies that arrived as they were sent: {carried}"
        assert len(arrived) == len(mails), f"{len(arrived)} mails arrived of {len(mails)}"
        return arrived

    def __enter__(self) -> "Front":
        self._settings: Settings = load(self.gateway.settings_file).settings
        self._database = open_or_make(self._settings)
        self._seen: dict[str, bytes] = {}
        upgrade(self._database)
        with self._database.writing() as session:
            queue = add_queue(session, Queue(name="Support"))
            self.address = new_address(session, queue, self._settings.domain).address
        self.gateway.start("--role", "listener")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self.gateway.__exit__(kind, error, trace)
        self._public.cleanup()

    def _all(self) -> list[Received]:
        blobs = open_blobs(self._settings)
        with self._database.reading() as session:
            same = col(Raw.acceptance_id) == col(Acceptance.id)
            arrived = list(session.exec(select(Acceptance, Raw.sha256).join(Raw, same)).all())
            session.expunge_all()
            for digest in {digest for _, digest in arrived} - self._seen.keys():
                self._seen[digest] = raw_bytes(session, blobs, digest)
        return [Received(envelope, self._seen[digest]) for envelope, digest in arrived]

    def _listeners(self) -> list[dict[str, Setting]]:
        tls = {"tls_certificate": str(self.certificate.chain), "tls_key": str(self.certificate.key)}
        return [
            {"address": f"{LOOPBACK}:{self.port}"},
            {"address": f"{LOOPBACK}:{self.tls_port}", "require_tls": True, **tls},
            {"address": f"{LOOPBACK}:{self.lmtp_port}", "protocol": "lmtp"},
            {"address": f"unix:{self.lmtp_path}", "protocol": "lmtp"},
            {"address": f"{LOOPBACK}:{self.proxied_port}", "proxy_from": [f"{BALANCER}/32"]},
        ]
