"""Sockets that a service manager opened for us (sd_listen_fds(3)): the supervisor holds them, the listener takes mail.

They stay open while the listener is started again, so that who comes meanwhile waits and is not turned away.
Which of them is for what is the listener's question.
"""

import os

_FIRST_DESCRIPTOR = 3


def handed_descriptors() -> tuple[int, ...]:
    """The descriptors that were handed to this process; none when they were meant for another."""
    count = os.environ.get("LISTEN_FDS", "")
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal():
        return ()
    return tuple(range(_FIRST_DESCRIPTOR, _FIRST_DESCRIPTOR + int(count)))
