"""Free ports on loopback, and whether somebody listens there."""

import socket
import time
from collections.abc import Callable

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port that was free a moment ago. Somebody else may take it first: who starts a server tries again."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def greeting(port: int, timeout: float = 5.0) -> bytes:
    """The first line that the server on this port says; empty when it closes without a word."""
    with socket.create_connection((LOOPBACK, port), timeout=timeout) as connection:
        said = b""
        while not said.endswith(b"\n") and len(said) < 1000 and (piece := connection.recv(1000)):
            said += piece
        return said


def until(fact: Callable[[], bool], timeout: float, what: str, every: float = 0.02) -> None:
    """Wait until the fact holds; TimeoutError names what we waited for."""
    end = time.monotonic() + timeout
    while not fact():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout:g} seconds")
        time.sleep(every)


def answers_220(port: int) -> bool:
    """An SMTP server greets on this port."""
    try:
        return greeting(port, timeout=2.0).startswith(b"220")
    except OSError:
        return False
