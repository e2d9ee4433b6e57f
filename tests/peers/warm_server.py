"""Run commands of the gateway in processes forked from this one, which has imported the whole program.

    python warm_server.py SOCKET

A command is a process of its own, with its own folder, environment, input and output; only the second of imports
that it would begin with is spent here, once. Each connection hands over one command: three descriptors and a line
of JSON. It is answered with the process id and, at the end, with the exit status. Ends when standard input does.
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
from importlib import import_module
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
_MAX_REQUEST = 1 << 20
_IMPORTED = (
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
    "gateway.intake.worker",
    "outbound.replies",
    "storage.migrate",
    "storage.models",
)


def main() -> None:
    """Serve until whoever started us is gone."""
    _import_everything()
    door = socket.socket(socket.AF_UNIX)
    door.bind(f"{sys.argv[1]}.new")
    door.listen(64)
    Path(f"{sys.argv[1]}.new").rename(sys.argv[1])  # it is there when it answers
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system forgets who has ended
    while True:
        readable, _, _ = select.select([door, 0], (), ())
        if 0 in readable and not os.read(0, 1):
            return
        if door in readable:
            _begin(door)


def _import_everything() -> None:
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    for name in _IMPORTED:
        import_module(name)
    from gateway.cli.manual import every_command

    every_command()
    gc.collect()
    gc.freeze()


def _begin(door: socket.socket) -> None:
    asked, _ = door.accept()
    with asked:
        if os.fork() == 0:
            door.close()
            try:
                _serve(asked)
            finally:
                os._exit(0)


def _serve(asked: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, streams, _, _ = socket.recv_fds(asked, _MAX_REQUEST, 3)
    while not request.endswith(b"\n"):
        request += asked.recv(_MAX_REQUEST)
    pid = os.fork()
    if pid == 0:
        status = 70  # EX_SOFTWARE
        try:
            status = _run(json.loads(request), streams)
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)
    for stream in streams:
        os.close(stream)
    asked.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    asked.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _run(command: dict[str, object], streams: list[int]) -> int:
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(str(command["folder"]))
    os.environ.clear()
    os.environ.update(command["environment"])  # type: ignore[call-overload]  # strings, by our own hand
    words = [str(word) for word in command["words"]]  # type: ignore[attr-defined]
    sys.argv = [str(PROJECT / "gateway" / "__main__.py"), *words]
    from gateway.cli.ending import run

    return run(words)


if __name__ == "__main__":
    main()
