"""Commands of the gateway without the second of imports that each begins with: see `warm_server`."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from peers.ports import until

_SERVER = Path(__file__).with_name("warm_server.py")
_START_SECONDS = 60.0


def run_warm(
    words: Sequence[str], *, folder: Path, environment: Mapping[str, str], stdin: bytes, timeout: float
) -> subprocess.CompletedProcess[bytes]:
    """Run one command as `subprocess.run` would."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        command = {"words": list(words), "folder": str(folder), "environment": dict(environment)}
        status = _asked(json.dumps(command).encode() + b"\n", [given.fileno(), out.fileno(), err.fileno()], timeout)
        if status is None:
            raise subprocess.TimeoutExpired(list(words), timeout)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(list(words), status, out.read(), err.read())


def _asked(request: bytes, streams: list[int], timeout: float) -> int | None:
    """The exit status of a command; None when it took too long, and then it is killed."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(_server())
        server.settimeout(timeout)
        sent = socket.send_fds(server, [request], streams)
        server.sendall(request[sent:])
        answers = server.makefile("r")
        pid = int(answers.readline())
        try:
            return int(answers.readline())
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            return None


@cache
def _server() -> str:
    """The address of the one that serves this process; it ends with us."""
    folder = tempfile.TemporaryDirectory(prefix="warm-")
    address = f"{folder.name}/socket"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    process = subprocess.Popen(
        # -P: beside the file stand modules with the names of libraries.
        [sys.executable, "-P", _SERVER, address],
        stdin=subprocess.PIPE,
        env=environment | {"PYTHONPATH": str(_SERVER.parents[2])},
    )

    def end() -> None:
        process.communicate()
        folder.cleanup()

    atexit.register(end)
    until(lambda: Path(address).exists() or process.poll() is not None, _START_SECONDS, "the warm server is there")
    return address
