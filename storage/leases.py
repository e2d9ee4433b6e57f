"""Names of those who work under a lease, and which of them are surely dead.

A lease ends by time; on the same machine a dead process need not be waited for. A process id alone names
nobody: a container that is started again counts its processes from 1 again, and so does a machine.
"""

import os
import socket
from functools import cache
from pathlib import Path
from secrets import token_hex

# The namespace of host names that the kernel begins with: PROC_UTS_INIT_INO of linux/proc_ns.h.
_FIRST_UTS_NAMESPACE = "uts:[4026531838]"
_START_TIME = 19  # starttime of proc(5), counted behind the name of the command


def owner_name(part: str, supervisor: str = "") -> str:
    """A name for this process that no other one has or will have, with the name of him who restarts it."""
    return f"{_here()}/{os.getpid()}.{_birth(os.getpid())}/{part}-{token_hex(4)}@{supervisor}"


def supervisor_of(owner: str) -> str:
    """Who restarts this owner when it dies; empty when nobody does."""
    return owner.partition("@")[2]


def is_dead(owner: str) -> bool:
    """Whether this owner was a process of this machine that is gone. False when we cannot know."""
    host, _, rest = owner.partition("/")
    pid, _, birth = rest.partition("/")[0].partition(".")
    if host != _here() or not pid.isdigit() or not birth:
        return False
    known = _birth(int(pid))
    # What /proc does not show may be the process of another user.
    return known != birth if known else _is_gone(int(pid))


@cache
def _here() -> str:
    """The host name: our process ids mean something to all who bear it.

    Containers on the network of their host share its name; there the namespace of process ids belongs to it.
    """
    name = socket.gethostname()
    shares_name = _link("uts") == _FIRST_UTS_NAMESPACE
    return f"{name}+{_link('pid')}" if shares_name else name


def _link(namespace: str) -> str:
    try:
        return str(Path(f"/proc/self/ns/{namespace}").readlink())
    except OSError:  # no Linux
        return ""


def _birth(pid: int) -> str:
    """When this process began: the boot, and ticks of the clock since then. Empty when there is none to be seen."""
    try:
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[_START_TIME]
    except (OSError, IndexError):
        return ""
    return f"{_boot()}-{ticks}"


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


@cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]  # asked for only where /proc shows a process
