"""A gateway in a folder of its own with one queue, and with no limit on what one peer may send."""

from pathlib import Path

from peers.gatewayproc import GatewayProc, Setting
from peers.ports import free_port

# A benchmark is one peer that writes to one recipient all the time.
_UNLIMITED: dict[str, Setting] = {
    "connections_per_network": 0,
    "connections_per_minute": 0,
    "mails_per_minute": 0,
    "session_seconds": 0,
}


def new_desk(
    folder: Path, database_url: str | None = None, *, connections: int = 1000, listener_processes: int = 1
) -> tuple[GatewayProc, str]:
    """An installation that does not run yet, and the creation address of its queue."""
    settings: dict[str, Setting] = {
        "limits": {**_UNLIMITED, "connections": connections},
        "listener_processes": listener_processes,
    }
    # Nobody answers mail in a benchmark, so no sink listens.
    gateway = GatewayProc(folder, free_port(), database_url, settings)
    gateway.upgrade()
    gateway.run("queue", "new", "Support", "--acknowledge", "never")
    made = gateway.run("address", "list", "--json")
    return gateway, str(made[0]["address"])
