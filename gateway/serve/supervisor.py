"""Keep the parts running: start them, restart one that dies, pass signals on, drain at the end.

SIGTERM and SIGINT end the service in order (the listener first, so that nothing new comes in), a second one ends it
at once; either way nothing that was answered 250 is lost. SIGHUP makes every part read its settings again.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from config import maillog
from config.errors import AskedWrongly, BadConfiguration
from config.files import Loaded
from gateway.listener.activation import handed_descriptors
from gateway.serve.first_steps import prepare_database, print_first_steps
from gateway.serve.notify import notify
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
    supervisor: str  # the name of this run of the supervisor, unlike that of any other
    descriptors: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0  # not before this, on the monotonic clock
    backoff: float = _FIRST_BACKOFF
    ready: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start a process for this part."""
        self.ready.clear()
        self.process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "gateway.serve.part", self.role, str(self.config), self.supervisor],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=self.descriptors,
        )
        self.started_at = time.monotonic()
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        for line in process.stdout or ():
            if line.strip() == b"ready":
                self.ready.set()

    def send(self, number: signal.Signals) -> None:
        """Pass a signal on, if there is a process."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

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
        counts = {Role.INTAKE: settings.intake.workers}
        config = loaded.path.resolve()
        # Only the listener: a socket that another part held would go on taking connections that nobody answers.
        sockets = {Role.LISTENER: handed_descriptors(os.getpid())}
        name = token_hex(8)
        self._parts = [
            Part(role, config, name, sockets.get(role, ())) for role in roles for _ in range(counts.get(role, 1))
        ]
        self._drain_seconds = settings.limits.drain_seconds + _STOP_GRACE_SECONDS
        self._signals: list[signal.Signals] = []

    def run(self, on_ready: threading.Event) -> int:
        """Run until told to stop; returns the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda received, _frame: self._signals.append(signal.Signals(received)))
        status = 0
        try:
            while status == 0 and not self._told_to_stop():
                status = self._watch(on_ready)
                time.sleep(_TICK_SECONDS)
        finally:
            self._stop()
        return status

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

    def _watch(self, on_ready: threading.Event) -> int:
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
                part.start()
        if not on_ready.is_set() and all(part.ready.is_set() for part in self._parts):
            on_ready.set()
            notify("READY=1")
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
        while any(part.process and part.process.poll() is None for part in parts):
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
    ready = threading.Event()
    if first_steps:
        threading.Thread(target=_guide, args=(ready, loaded), daemon=True).start()
    maillog.started(pid=os.getpid(), roles=" ".join(roles), data_dir=str(settings.data_dir))
    status = Supervisor(loaded, roles).run(ready)
    maillog.stopped()
    return status


def _guide(ready: threading.Event, loaded: Loaded) -> None:
    ready.wait()
    print_first_steps(loaded)


def _roles(names: Sequence[str]) -> list[Role]:
    unknown = [name for name in names if name not in set(Role)]
    if unknown:
        raise AskedWrongly(f"There is no role {unknown[0]!r}: choose from {', '.join(Role)}")
    return [role for role in Role if not names or role in names]
