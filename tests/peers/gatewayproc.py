"""A real gateway in a folder of its own: settings, commands, and a daemon to stop or to kill.

    gateway = GatewayProc(tmp_path, sink.port)
    gateway.upgrade()
    gateway.run("queue", "new", "Support")
    with gateway:
        ... tickets = gateway.run("ticket", "list", "--json")

It knows the gateway by its commands, its settings and its port only, and imports none of it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from signal import Signals
from types import TracebackType
from typing import Any

import tomlkit
from peers.lastwill import LastWill
from peers.ports import LOOPBACK, answers_220, free_port, until
from peers.warm import run_warm

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0
DRAIN_SECONDS = 40.0
COMMAND_SECONDS = 60.0
GATEWAY = (sys.executable, "-m", "gateway")

Setting = str | int | float | bool | Sequence["Setting"] | Mapping[str, "Setting"]


class CommandError(AssertionError):
    """A command of the gateway ended otherwise than the test said."""


class GatewayProc:
    """One installation: its folder, its settings file, its commands and its daemon."""

    def __init__(
        self,
        folder: Path,
        sink_port: int,
        database_url: str | None = None,
        settings: Mapping[str, Setting] | None = None,
        command: Sequence[str] = GATEWAY,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.settings_file = folder / "gateway.toml"
        self.log_file = folder / "serve.log"
        self.environment: dict[str, str] = {}
        self._command = list(command)
        self._daemon: subprocess.Popen[bytes] | None = None
        self._will: LastWill | None = None
        folder.mkdir(parents=True, exist_ok=True)
        written = _merged(_quick_settings(self.port, sink_port, database_url), settings or {})
        self.settings_file.write_text(tomlkit.dumps(written))

    def run(self, *words: str, stdin: str | bytes = b"", exits: int = 0) -> Any:
        """Run a command: what it printed, read as JSON when the words ask for `--json`."""
        finished = self.attempt(*words, stdin=stdin)
        printed = finished.stdout.decode("utf-8", "replace")
        if finished.returncode != exits:
            complaint = finished.stderr.decode("utf-8", "replace").strip()
            raise CommandError(
                f"gateway {' '.join(words)}: exit {finished.returncode} instead of {exits}: {complaint or printed}"
            )
        return json.loads(printed) if "--json" in words else printed

    def attempt(self, *words: str, stdin: str | bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command, whatever comes of it."""
        given = stdin.encode() if isinstance(stdin, str) else stdin
        if self._is_plain():
            return run_warm(
                words, folder=self.folder, environment=self._whole_environment(), stdin=given, timeout=COMMAND_SECONDS
            )
        return subprocess.run(
            [*self._command, *words],
            input=given,
            cwd=self.folder,
            env=self._whole_environment(),
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def _is_plain(self) -> bool:
        """Our own program, without a variable that it may read while it is imported."""
        return tuple(self._command) == GATEWAY and not self.environment

    def upgrade(self) -> None:
        """Make the database, or bring it to this version's schema."""
        self.run("database", "upgrade")

    def start(self, *words: str) -> None:
        """Start the daemon, as `serve` with these words, and wait until it greets."""
        assert self._daemon is None, "the gateway runs already"
        with self.log_file.open("ab") as log:
            self._daemon = subprocess.Popen(
                [*self._command, "serve", *words],
                cwd=self.folder,
                env=self._whole_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A process group of its own, so that one signal reaches all of its parts and none of ours.
                start_new_session=True,
            )
        self._will = LastWill(["/bin/sh", "-c", f"kill -s KILL -- -{self._daemon.pid}"])
        try:
            until(self._is_settled, START_SECONDS, "the gateway greets")
        except TimeoutError as late:
            self.kill()
            raise TimeoutError(f"{late}: {self.log()}") from None
        if self._daemon.poll() is not None:
            code = self._daemon.returncode
            self.kill()
            raise CommandError(f"gateway serve: exit {code}: {self.log()}")

    def stop(self) -> int:
        """End the daemon with SIGTERM, as an init system does, and give its exit code."""
        assert self._daemon is not None, "the gateway does not run"
        self._daemon.send_signal(Signals.SIGTERM)
        try:
            code = self._daemon.wait(DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"the gateway did not end on SIGTERM: {self.log()}") from None
        self.kill()
        return code

    def kill(self) -> None:
        """End every process of the gateway with SIGKILL: what a power cut leaves, but for the disk's cache."""
        if self._daemon is None:
            return
        if self._will is not None:
            self._will.dismiss()
        # Nobody of the group may be left.
        with suppress(ProcessLookupError):
            os.killpg(self._daemon.pid, Signals.SIGKILL)
        self._daemon.wait()
        self._daemon = None

    @property
    def pid(self) -> int:
        """The daemon's process id, which is the id of its process group too."""
        assert self._daemon is not None, "the gateway does not run"
        return self._daemon.pid

    def log(self) -> str:
        """The last of what the daemon wrote."""
        return self.log_file.read_text(errors="replace")[-6000:] if self.log_file.exists() else ""

    def __enter__(self) -> "GatewayProc":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._daemon is None:
            return
        if kind is not None:
            print(self.log())
            self.kill()
            return
        self.stop()

    def _is_settled(self) -> bool:
        assert self._daemon is not None
        return self._daemon.poll() is not None or answers_220(self.port)

    def _whole_environment(self) -> dict[str, str]:
        """Ours without what speaks to a gateway of the tester's own."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        ours = {"GATEWAY_CONFIG": str(self.settings_file), "PYTHONPATH": str(PROJECT), "NO_COLOR": "1"}
        return inherited | ours | self.environment


def _quick_settings(port: int, sink_port: int, database_url: str | None) -> dict[str, Setting]:
    """The least that a gateway needs, with retries in seconds where people wait for minutes."""
    settings: dict[str, Setting] = {
        "data_dir": "var",
        "hostname": "mx.desk.example",
        "domain": "in.desk.example",
        "listener": [{"address": f"{LOOPBACK}:{port}"}],
        "outbound": {
            "servers": [{"host": LOOPBACK, "port": sink_port, "security": "none"}],
            "retry_seconds": [1, 1, 2, 2, 4],
        },
    }
    if database_url is not None:
        settings["database"] = {"url": database_url}
    return settings


def _merged(below: Mapping[str, Setting], above: Mapping[str, Setting]) -> dict[str, Setting]:
    """Both, table by table; what stands above wins."""
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[name] = _merged(old, value)
        else:
            merged[name] = value
    return merged
