"""One part, in a process that the supervisor has forked.

It says `ready` on standard output, ends in order on SIGTERM, and ends by itself when its supervisor is gone
(its standard input closes then, also after kill -9).
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from config import maillog
from config.errors import GatewayError
from config.files import load
from config.settings import Settings
from gateway.serve.child import CRASHED
from gateway.serve.roles import Role


@dataclass(frozen=True, slots=True)
class Place:
    """Which process of its role this is, and under which run of the supervisor."""

    supervisor: str
    number: int


def run(role: Role, path: Path, place: Place) -> int:
    """Run a part with the settings as they are now; returns the exit status."""
    # A Ctrl-C in the terminal reaches us too; the supervisor passes it on in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    try:
        settings = load(path).settings
        maillog.start_logging(settings.log, f"{role}-{place.number}" if place.number else role)
        PARTS[role](settings, place)
    except GatewayError as error:
        print(f"gateway {role}: {error}", file=sys.stderr)
        return error.exit_status
    except Exception as error:  # noqa: BLE001 - the outermost edge of the process
        maillog.crashed(role, error=error)
        return CRASHED
    return 0


def _end_with_supervisor() -> None:
    # Read on the descriptor itself: the buffered object would hold a lock that exit needs.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def say_ready() -> None:
    """Tell the supervisor that this part does its work from now on."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def import_parts(roles: Sequence[Role]) -> None:
    """Import what these parts are made of, so that the processes forked from this one need not."""
    for role in roles:
        import_module(_MADE_OF[role])
    # What is here now stays: a child that looked for garbage among it would copy every page.
    gc.collect()
    gc.freeze()


def _listener(settings: Settings, place: Place) -> None:
    from gateway.listener.part import serve_listener

    serve_listener(settings, ready=lambda _addresses: say_ready(), number=place.number)


def _mailbox(settings: Settings, _place: Place) -> None:
    from gateway.mailbox.poller import serve_mailboxes

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    say_ready()
    serve_mailboxes(settings, stop)


def _intake(settings: Settings, place: Place) -> None:
    from gateway.intake.worker import serve_intake

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    say_ready()
    serve_intake(settings, stop, supervisor=place.supervisor)


def _relay(settings: Settings, _place: Place) -> None:
    from outbound.worker import serve_relay

    say_ready()
    serve_relay(settings)


PARTS: dict[Role, Callable[[Settings, Place], None]] = {
    Role.LISTENER: _listener,
    Role.MAILBOX: _mailbox,
    Role.INTAKE: _intake,
    Role.RELAY: _relay,
}
_MADE_OF = {
    Role.LISTENER: "gateway.listener.part",
    Role.MAILBOX: "gateway.mailbox.poller",
    Role.INTAKE: "gateway.intake.worker",
    Role.RELAY: "outbound.worker",
}
