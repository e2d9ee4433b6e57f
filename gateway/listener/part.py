"""The listener as a part of the gateway: put together, run until told to stop, drain."""

import asyncio
import resource
import signal
from collections.abc import Callable

from config import maillog
from config.settings import Settings
from gateway.listener.accept import GroupCommit
from gateway.listener.conversation import Common
from gateway.listener.directory import Directory
from gateway.listener.handler import Handler
from gateway.listener.limits import Budget, Connections, DiskReserve, MailRates, Networks
from gateway.listener.policy import House
from gateway.listener.server import Door, drain, log_open, say_goodbye, watch
from gateway.listener.tls import certificates_of
from outbound.marks import Marks
from storage.arrivals import open_packs
from storage.blobs import open_blobs
from storage.database import Database, open_database
from storage.installation import load_installation
from storage.waking import Waker

# Database, blobs, log and the like, beside one descriptor for each connection.
_OTHER_DESCRIPTORS = 200

Ready = Callable[[list[str]], None]


def serve_listener(settings: Settings, ready: Ready = lambda _: None, number: int = 0) -> None:
    """Run one of the listener's processes until SIGTERM. A second SIGTERM hurries; SIGHUP reads certificates again."""
    settings = _share_of(settings, number)
    _allow_descriptors(settings.limits.connections)
    database = open_database(settings)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_until_signalled(settings, database, ready))
    finally:
        database.close()


def _share_of(settings: Settings, number: int) -> Settings:
    """What this process listens on: several can share a port or a handed socket, but a path belongs to one."""
    if number == 0:
        return settings
    shared = tuple(listener for listener in settings.listener if not listener.address.startswith("unix:"))
    return settings.model_copy(update={"listener": shared})


async def run_listener(
    settings: Settings,
    database: Database,
    stop: asyncio.Event,
    ready: Ready,
    *,
    hurry: asyncio.Event | None = None,
    reload: asyncio.Event | None = None,
) -> None:
    """Listen until `stop`, then finish what has begun. Raises BadConfiguration, DatabaseUnavailable."""
    limits = settings.limits
    intake = Waker(settings.data_dir, "intake")
    commit = GroupCommit(database, open_blobs(settings), intake.wake, limits.commit_seconds, packs=open_packs(settings))
    with database.reading() as session:
        marks = Marks(load_installation(session), settings.own_domains)
    directory = Directory(database, marks, limits.lookup_seconds)
    disk = DiskReserve(settings.folders, limits.free_bytes)
    handler = Handler(House(settings, directory, commit, MailRates(limits), disk))
    doors = _doors(settings, handler)
    watching = reloading = None
    try:
        await directory.load()
        names = [name for door in doors for name in await door.open()]
        watching = asyncio.create_task(watch(doors))
        reloading = asyncio.create_task(_reload(doors, reload or asyncio.Event()))
        log_open(names)
        ready(names)
        await stop.wait()
    finally:
        await drain(doors, limits.drain_seconds, hurry or asyncio.Event())
        await commit.close()
        intake.close()
        await say_goodbye(doors)
        for task in (watching, reloading):
            if task is not None:
                task.cancel()
        directory.close()
        maillog.stopped()


def _doors(settings: Settings, handler: Handler) -> list[Door]:
    connections = Connections(settings.limits)
    budget = Budget(settings.limits.in_flight_bytes)
    return [
        Door(
            Common(
                settings,
                listener,
                handler,
                certificates_of(listener),
                connections,
                budget,
                Networks(listener.proxy_from),
            )
        )
        for listener in settings.listener
    ]


async def _reload(doors: list[Door], asked: asyncio.Event) -> None:
    for door in doors:
        if door.common.certificates is not None:
            door.common.certificates.warn_before_expiry()
    while True:
        await asked.wait()
        asked.clear()
        for door in doors:
            if door.common.certificates is not None:
                door.common.certificates.reload()


async def _until_signalled(settings: Settings, database: Database, ready: Ready) -> None:
    loop = asyncio.get_running_loop()
    stop, hurry, reload = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def end() -> None:
        (hurry if stop.is_set() else stop).set()

    loop.add_signal_handler(signal.SIGTERM, end)
    loop.add_signal_handler(signal.SIGINT, end)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    await run_listener(settings, database, stop, ready, hurry=hurry, reload=reload)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


def _allow_descriptors(connections: int) -> None:
    """Raise the limit of open files to what the connections need, as far as we may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_DESCRIPTORS
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        maillog.trouble("open files", allowed=allowed, wanted=wanted, what_to_do="raise LimitNOFILE")
