"""The sockets of a listener, the watch over its conversations, and how it stops. The way in is `part`."""

import asyncio
import errno
import socket
import stat
from contextlib import suppress
from pathlib import Path

from config import maillog
from config.errors import BadConfiguration
from config.receiving import ListenerSettings
from gateway.listener.activation import handed_sockets
from gateway.listener.conversation import Common
from gateway.listener.dialogue import Dialogue

_BACKLOG = 1024
_WATCH_SECONDS = 1.0
_POLL_SECONDS = 0.02
_GOODBYE_SECONDS = 1.0


class Door:
    """One listener: its sockets and all who came in through them."""

    def __init__(self, common: Common) -> None:
        self.common = common
        self._servers: list[asyncio.Server] = []
        self._sockets: list[socket.socket] = []

    async def open(self) -> list[str]:
        """Listen. Returns the addresses. Raises BadConfiguration."""
        loop = asyncio.get_running_loop()
        implicit = self.common.listener.tls == "implicit" and self.common.certificates
        listener = self.common.listener
        handed = handed_sockets(listener, self.common.settings.listener) if listener.is_handed else None
        self._sockets = handed or bind(listener, shared=self.common.settings.listener_processes > 1)
        for bound in self._sockets:
            server = await loop.create_server(
                lambda: Dialogue(self.common, loop),
                sock=bound,
                backlog=_BACKLOG,
                ssl=implicit.context if implicit else None,
                ssl_handshake_timeout=self.common.settings.limits.handshake_seconds if implicit else None,
            )
            self._servers.append(server)
        return [name_of(bound) for bound in self._sockets]

    def check_time(self, now: float) -> None:
        """Ask each conversation whether its peer is too slow."""
        for conversation in list(self.common.conversations):
            conversation.check_time(now)

    def close(self) -> None:
        """Take no more connections, and send away who waits."""
        for server in self._servers:
            server.close()
        if self.common.listener.address.startswith("unix:"):
            Path(self.common.listener.address.removeprefix("unix:")).unlink(missing_ok=True)
        self.common.is_draining = True
        for conversation in list(self.common.conversations):
            conversation.drain()


async def watch(doors: list[Door]) -> None:
    """Look at all conversations about once a second: cheaper than a timer for each command of each."""
    limits = doors[0].common.settings.limits
    shortest = min(value for value in (_WATCH_SECONDS, limits.idle_seconds / 2, limits.session_seconds / 2) if value)
    disk = doors[0].common.handler.house.disk
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(shortest)
        for door in doors:
            door.check_time(loop.time())
        await asyncio.to_thread(disk.measure)


async def drain(doors: list[Door], seconds: float, hurry: asyncio.Event) -> None:
    """Wait for the mails that are being sent; those that are being committed are waited for by their writer."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    for door in doors:
        door.close()
    while any(door.common.conversations for door in doors) and loop.time() < end and not hurry.is_set():
        await asyncio.sleep(_POLL_SECONDS)
        for door in doors:
            door.check_time(loop.time())
    for door in doors:
        for conversation in list(door.common.conversations):
            conversation.drain(hurry=True)


async def say_goodbye(doors: list[Door]) -> None:
    """Let the replies to the last commits out, then close whatever is left."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _GOODBYE_SECONDS
    while any(door.common.conversations for door in doors) and loop.time() < end:  # noqa: ASYNC110 - sets tell nobody
        await asyncio.sleep(_POLL_SECONDS)
    for door in doors:
        for conversation in list(door.common.conversations):
            conversation.abort()


def bind(listener: ListenerSettings, *, shared: bool = False) -> list[socket.socket]:
    """The sockets that a listener opens itself; `shared` with other processes of ours.

    Raises BadConfiguration with what to do.
    """
    if listener.address.startswith("unix:"):
        return [_bind_unix(Path(listener.address.removeprefix("unix:")))]
    try:
        found = socket.getaddrinfo(listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return [_bind_tcp(family, address, shared) for family, _, _, _, address in dict.fromkeys(found)]
    except OSError as error:
        raise BadConfiguration(f"Cannot listen on {listener.address}: {_what_to_do(error)}") from error


def _bind_tcp(family: int, address: object, shared: bool) -> socket.socket:
    # IPPROTO_TCP named, since asyncio sets TCP_NODELAY only then.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            # The kernel deals out connections to all who have the port so; only processes of one user may.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)  # type: ignore[arg-type]  # as getaddrinfo gave it
        bound.setblocking(False)
        bound.listen(_BACKLOG)
    except BaseException:
        bound.close()
        raise
    return bound


def _bind_unix(path: Path) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # What a killed listener left behind; anything but a socket stays.
        with suppress(FileNotFoundError):
            if stat.S_ISSOCK(path.stat().st_mode):
                path.unlink()
        bound.bind(str(path))
        path.chmod(0o666)  # the folder decides who may come near
        bound.setblocking(False)
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise BadConfiguration(f"Cannot listen on unix:{path}: {_what_to_do(error)}") from error
    return bound


def _what_to_do(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is in use: stop the other server or change address in [[listener]]"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "not allowed: ports below 1024 need the capability CAP_NET_BIND_SERVICE, or a socket from systemd"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address: change address in [[listener]]"
    return f"{error.strerror or error}: change address in [[listener]]"


def name_of(bound: socket.socket) -> str:
    """An address as the settings write it."""
    address = bound.getsockname()
    if bound.family == socket.AF_UNIX:
        return f"unix:{address}"
    host = f"[{address[0]}]" if bound.family == socket.AF_INET6 else address[0]
    return f"{host}:{address[1]}"


def log_open(names: list[str]) -> None:
    """Say where we listen."""
    maillog.started(listening=", ".join(names))
