"""Sockets that a service manager opened for us: sd_listen_fds(3), sd_listen_fds_with_names(3).

They stay open in the supervisor while the listener is started again, so that who comes meanwhile waits and is
not turned away. Each listener of the settings has its own: those of its name, or all that no other one names.
"""

import os
import socket
from collections.abc import Sequence

from config.errors import BadConfiguration
from config.receiving import ListenerSettings

_FIRST_DESCRIPTOR = 3


def handed_descriptors(to: int) -> tuple[int, ...]:
    """The descriptors that were handed to the process of this id; none when they were meant for another."""
    count = os.environ.get("LISTEN_FDS", "")
    if os.environ.get("LISTEN_PID") != str(to) or not count.isdecimal():
        return ()
    return tuple(range(_FIRST_DESCRIPTOR, _FIRST_DESCRIPTOR + int(count)))


def handed_sockets(listener: ListenerSettings, all_listeners: Sequence[ListenerSettings]) -> list[socket.socket]:
    """The sockets of one listener. Raises BadConfiguration with what to do."""
    others = {other.handed_name for other in all_listeners} - {""}
    sockets = [
        socket.socket(fileno=descriptor)
        for descriptor, name in _named_descriptors().items()
        if (name == listener.handed_name if listener.handed_name else name not in others)
    ]
    if not sockets:
        raise BadConfiguration(f'address = "{listener.address}": {_what_to_do(listener)}')
    for one in sockets:
        one.setblocking(False)
    return sockets


def _named_descriptors() -> dict[int, str]:
    # The supervisor passes on what was handed to it.
    handed = handed_descriptors(os.getpid()) or handed_descriptors(os.getppid())
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")
    return {descriptor: names[place] if place < len(names) else "" for place, descriptor in enumerate(handed)}


def _what_to_do(listener: ListenerSettings) -> str:
    names = sorted({name for name in _named_descriptors().values() if name})
    if not names or not listener.handed_name:
        return "no socket was handed over: start through a .socket unit"
    return (
        f"no socket of this name was handed over, but {', '.join(names)}: set FileDescriptorName={listener.handed_name}"
    )
