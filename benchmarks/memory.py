"""What the listener holds in memory: for thousands who are silent, and for ten large mails at once."""

import resource
import socket
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from peers.gatewayproc import GatewayProc
from peers.ports import LOOPBACK

from benchmarks.desk import new_desk
from benchmarks.machine import forget_peak, memory_kib, print_table, tree_of
from benchmarks.sending import Mail, send

_IDLE = 5000
_MAILS = 10
_MAIL_BYTES = 25_000_000
# What is free is given back within this time, or not at all.
_REST_SECONDS = 3.0


def main() -> None:
    """Print the table."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(_IDLE + 200, hard)), hard))
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        gateway, address = new_desk(Path(folder), connections=_IDLE + 100)
        gateway.start("--role", "listener")
        try:
            rows = [_silent(gateway), *_large(gateway, address)]
        finally:
            gateway.stop()
    print_table(("memory of the listener", "MiB before", "MiB with", "each KB"), rows)


def _silent(gateway: GatewayProc) -> Sequence[str]:
    listener = tree_of(gateway.pid)[-1]
    before = memory_kib(listener, "VmRSS")
    with ExitStack() as stack:
        for _ in range(_IDLE):
            connection = stack.enter_context(socket.create_connection((LOOPBACK, gateway.port)))
            connection.recv(100)
        return _told(f"{_IDLE} idle connections", before, memory_kib(listener, "VmRSS"), _IDLE)


def _large(gateway: GatewayProc, address: str) -> list[Sequence[str]]:
    listener = tree_of(gateway.pid)[-1]
    time.sleep(_REST_SECONDS)
    before = memory_kib(listener, "VmRSS")
    forget_peak(listener)
    mails = [_mail(number) for number in range(_MAILS)]
    with ThreadPoolExecutor(_MAILS) as pool:
        list(pool.map(lambda mail: send(gateway.port, address, [mail]), mails))
    peak = memory_kib(listener, "VmHWM")
    time.sleep(_REST_SECONDS)
    return [
        _told(f"{_MAILS} mails of {_MAIL_BYTES // 1_000_000} MB at once", before, peak, _MAILS),
        _told("the same, a moment later", before, memory_kib(listener, "VmRSS"), _MAILS),
    ]


def _mail(number: int) -> Mail:
    line = b"%076d\r\n" % number
    return Mail("large@client.example", b"Subject: large\r\n\r\n" + line * (_MAIL_BYTES // len(line)) + b".\r\n")


def _told(name: str, before: int, now: int, count: int) -> Sequence[str]:
    return (name, f"{before / 1024:.0f}", f"{now / 1024:.0f}", f"{(now - before) * 1.024 / count:.1f}")
