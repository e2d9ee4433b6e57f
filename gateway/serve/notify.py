"""Tell systemd how the service is doing (sd_notify(3)); nothing happens when it did not start us."""

import os
import socket
from contextlib import suppress


def notify(state: str) -> None:
    """Send one state, like `READY=1` or `STOPPING=1`."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(address)
        sender.sendall(state.encode())
