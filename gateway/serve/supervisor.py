"""Keep the parts running: start them, restart one that dies, pass signals on, drain at the end.

SIGTERM and SIGINT end the service in order (the listener first, so that nothing new comes in), a second one ends it
at once; either way nothing that was answered 250 is lost. SIGHUP makes every part read its settings again.
"""

import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from secrets import token_hex

from config import maillog
from config.errors import AskedWrongly, BadConfiguration, GatewayError
from config.files import Loaded
from gateway.listener.activation import handed_descriptors
from gateway.serve.child import Child, fork
from gateway.serve.first_steps import prepare_database, print_first_steps
from gateway.serve.notify import notify
from gateway.serve.part import Place, import_parts, run
from gateway.serve.roles import Role

_TICK_SECONDS = 0.2
_FIRST_BACKOFF = 0.5
_MAX_BACKOFF = 30.0
# A part that has lived so long is healthy again.
_HEALTHY_SECONDS = 60.0
_STOP_GRACE_SECONDS = 15.0


@dataclass(slots=True)
class Part:
    """One process of a role, through all its incarnations."""

    role: Role
    config: Path
    place: Place
    descriptors: tuple[int, ...] = ()
    process: Child | None = None
    is_ready: bool = False
    started_at: float = 0.0
    start_at: float = 0.0  # not before this, on the monotonic clock
    backoff: float = _FIRST_BACKOFF

    def start(self, lifeline: int) -> None:
        """Start a process for this part."""
        work = partial(run, self.role, self.config, self.place)
        self.is_ready = False
        self.process = fork(work, f"gw-{self.role}", lifeline=lifeline, keep=self.descriptors)
        self.started_at = time.monotonic()

    def listen(self) -> None:
        """Hear whether it says that it does its work now."""
        if self.process and self.process.status is None and self.process.says_ready():
            self.is_ready = True

    def send(self, number: signal.Signals) -> None:
        """Pass a signal on, if there is a process."""
        if self.process:
            self.process.send(number)

    def has_died(self) -> int | None:
        """The exit status of a process that ended and was not replaced yet."""
        return self.process.poll() if self.process else None

    def rest(self) -> None:
        """Wait before the next start, longer each time while it keeps dying."""
        if time.monotonic() - self.started_at > _HEALTHY_SECONDS:
            self.backoff = _FIRST_BACKOFF
        self.process, self.start_at = None, time.monotonic() + self.backoff
        self.backoff = min(self.backoff * 2, _MAX_BACKOFF)


class Supervisor:
    """The parent of all parts."""

    def __init__(self, loaded: Loaded, roles: Sequence[Role]) -> None:
        settings = loaded.settings
        counts = {Role.LISTENER: settings.listener_processes, Role.INTAKE: settings.intake.workers}
        config = loaded.path.resolve()
        # Only the listener: a socket that another part held would go on taking connections that nobody answers.
        sockets = {Role.LISTENER: handed_descriptors(os.getpid())}
        name = token_hex(8)
        self._parts = [
            Part(role, config, Place(name, number), sockets.get(role, ()))
            for role in roles
            for number in range(counts.get(role, 1))
        ]
        self._drain_seconds = settings.limits.drain_seconds + _STOP_GRACE_SECONDS
        self._signals: list[signal.Signals] = []
        # Nobody ever writes into it: it ends when we do, also after kill -9, and every part hears that.
        self._lifeline, self._our_end = os.pipe()

    def run(self, on_ready: Callable[[], None]) -> int:
        """Run until told to stop; returns the exit status. `on_ready` is called once, when every part works."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda received, _frame: self._signals.append(signal.Signals(received)))
        status, is_told = 0, False
        try:
            import_parts(list(dict.fromkeys(part.role for part in self._parts)))
            while not self._told_to_stop():
                status = self._watch()
                if status:
                    break
                if not is_told and all(part.is_ready for part in self._parts):
                    is_told = True
                    notify("READY=1")
                    on_ready()
                self._wait_for_news()
        finally:
            self._stop()
        return status

    def _wait_for_news(self) -> None:
        """Until a part says something, or a moment."""
        starting = [part.process.ready for part in self._parts if part.process and not part.is_ready]
        select.select(starting, (), (), _TICK_SECONDS)

    def _told_to_stop(self) -> bool:
        if signal.SIGHUP in self._signals:
            self._signals = [number for number in self._signals if number is not signal.SIGHUP]
            self._reload()
        return bool(self._signals)

    def _reload(self) -> None:
        maillog.started(reload="settings and certificates")
        for part in self._parts:
            # The listener keeps its sessions and reloads certificates; the others come back with new settings.
            part.send(signal.SIGHUP if part.role is Role.LISTENER else signal.SIGTERM)

    def _watch(self) -> int:
        """Start what is not running. Returns the status of a part that cannot ever run as configured."""
        for part in self._parts:
            status = part.has_died()
            if status == BadConfiguration.exit_status:
                return status
            if status is not None:
                if status:
                    maillog.trouble("a part died and is started again", died=part.role, status=status)
                part.rest()
            if part.process is None and time.monotonic() >= part.start_at:
                part.start(self._lifeline)
            part.listen()
        return 0

    def _stop(self) -> None:
        notify("STOPPING=1")
        first = [part for part in self._parts if part.role is Role.LISTENER]
        rest = [part for part in self._parts if part.role is not Role.LISTENER]
        for parts in (first, rest):
            for part in parts:
                part.send(signal.SIGTERM)
            self._wait(parts, time.monotonic() + self._drain_seconds)

    def _wait(self, parts: Sequence[Part], deadline: float) -> None:
        asked = len(self._signals)
        while any(part.process and part.has_died() is None for part in parts):
            if time.monotonic() > deadline or len(self._signals) > max(asked, 1):
                for part in parts:
                    part.send(signal.SIGKILL)
            time.sleep(_TICK_SECONDS / 4)


def serve(loaded: Loaded, names: Sequence[str], *, first_steps: bool) -> int:
    """Make or check the database, then run the named parts, or all, until a signal ends them; the exit status."""
    roles = _roles(names)
    settings = loaded.settings
    maillog.start_logging(settings.log, "serve")
    prepare_database(settings, first_steps=first_steps)
    maillog.started(pid=os.getpid(), roles=" ".join(roles), data_dir=str(settings.data_dir))
    status = Supervisor(loaded, roles).run(partial(_guide, loaded) if first_steps else _say_nothing)
    maillog.stopped()
    return status


def _guide(loaded: Loaded) -> None:
    # The service runs, whether or not we can say what to do with it.
    with suppress(GatewayError):
        print_first_steps(loaded)


def _say_nothing() -> None:
    """Nobody waits for the first steps."""


def _roles(names: Sequence[str]) -> list[Role]:
    unknown = [name for name in names if name not in set(Role)]
    if unknown:
        raise AskedWrongly(f"There is no role {unknown[0]!r}: choose from {', '.join(Role)}")
    return [role for role in Role if not names or role in names]
