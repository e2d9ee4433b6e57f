"""The processes of a gateway that runs, as the system sees them. Linux only."""

from contextlib import suppress
from pathlib import Path


def parts_of(pid: int, role: str) -> list[int]:
    """The parts of this role that live, below the supervisor of this process id."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if _name_of(child) == f"gw-{role}"]


def _name_of(pid: str) -> str:
    with suppress(OSError):  # it has ended meanwhile
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def sockets_of(pid: int) -> dict[int, str]:
    """The sockets that a process has open, by descriptor."""
    opened = {int(one.name): str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir()}
    return {descriptor: name for descriptor, name in opened.items() if name.startswith("socket:")}
