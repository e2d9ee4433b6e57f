"""Names of those who work under a lease, and which of them are surely dead.

A lease ends by time; on the same machine a dead process need not be waited for.
"""

import os
import socket
from secrets import token_hex


def owner_name(part: str, supervisor: str = "") -> str:
    """A name for this process that no other one has or will have, with the name of him who restarts it."""
    return f"{socket.gethostname()}/{os.getpid()}/{part}-{token_hex(4)}@{supervisor}"


def supervisor_of(owner: str) -> str:
    """Who restarts this owner when it dies; empty when nobody does."""
    return owner.partition("@")[2]


def is_dead(owner: str) -> bool:
    """Whether this owner was a process of this machine that is gone. False when we cannot know."""
    host, _, rest = owner.partition("/")
    pid = rest.partition("/")[0]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
