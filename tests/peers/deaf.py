"""A port where every packet is dropped, as behind a firewall that says no word. Linux only."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from peers.ports import LOOPBACK


@contextmanager
def deaf() -> Iterator[int]:
    """The port: its queue of connections is full, and nobody takes one out."""
    with socket.socket() as door, ExitStack() as waiting:
        door.bind((LOOPBACK, 0))
        door.listen(0)
        for _ in range(2):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(door.getsockname())
        yield door.getsockname()[1]
