"""The gateway's keeper, tried on a stand-in that listens and greets like one."""

import os
import sys
import tomllib
from pathlib import Path

import pytest
from peers.gatewayproc import CommandError, GatewayProc
from peers.ports import greeting, until

STAND_IN = """
import json, os, signal, socket, sys, tomllib
words = sys.argv[1:]
settings = tomllib.load(open(os.environ["GATEWAY_CONFIG"], "rb"))
if words == ["serve"]:
    if settings["hostname"] == "broken.example":
        sys.exit("gateway.toml: hostname: is broken")
    if os.fork() == 0:
        signal.pause()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    host, port = settings["listener"][0]["address"].split(":")
    door = socket.create_server((host, int(port)))
    while True:
        door.accept()[0].sendall(b"220 stand-in\\r\\n")
if words[-1] == "--json":
    print(json.dumps({"words": words, "stdin": sys.stdin.read(), "agent": os.environ.get("GATEWAY_AGENT")}))
else:
    sys.exit("no such thing")
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> list[str]:
    """A command that stands in for the gateway's."""
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    return [sys.executable, str(script)]


def test_settings_given_by_a_test_join_the_quick_ones(tmp_path: Path) -> None:
    """A table of the test's own keeps what it does not name."""
    gateway = GatewayProc(tmp_path, 2526, "sqlite:///x.db", settings={"outbound": {"undo_seconds": 3}})
    written = tomllib.loads(gateway.settings_file.read_text())
    assert written["outbound"]["undo_seconds"] == 3
    assert written["outbound"]["servers"] == [{"host": "127.0.0.1", "port": 2526, "security": "none"}]
    assert written["database"] == {"url": "sqlite:///x.db"}
    assert written["listener"] == [{"address": f"127.0.0.1:{gateway.port}"}]


def test_run_gives_json_and_names_what_failed(tmp_path: Path, stand_in: list[str]) -> None:
    """A command's JSON comes back as values; an unexpected exit raises with what stood on stderr."""
    gateway = GatewayProc(tmp_path, 2526, command=stand_in)
    gateway.environment["GATEWAY_AGENT"] = "ana@company.example"
    assert gateway.run("ticket", "list", "--json", stdin="olá") == {
        "words": ["ticket", "list", "--json"],
        "stdin": "olá",
        "agent": "ana@company.example",
    }
    with pytest.raises(CommandError, match="exit 1 instead of 0: no such thing"):
        gateway.run("ticket", "show", "9")
    assert gateway.run("ticket", "show", "9", exits=1) == ""


def test_start_waits_for_the_greeting_and_stop_ends_all(tmp_path: Path, stand_in: list[str]) -> None:
    """Within the block the port greets; after it nothing of the process group is left."""
    with GatewayProc(tmp_path, 2526, command=stand_in) as gateway:
        assert greeting(gateway.port) == b"220 stand-in\r\n"
        group = gateway.pid
        assert gateway.stop() == 0
    until(lambda: not _group_lives(group), 5, "the group ends")


def test_kill_ends_the_children_too(tmp_path: Path, stand_in: list[str]) -> None:
    """SIGKILL reaches the processes that the daemon started, and the gateway can be started again."""
    gateway = GatewayProc(tmp_path, 2526, command=stand_in)
    gateway.start()
    group = gateway.pid
    gateway.kill()
    until(lambda: not _group_lives(group), 5, "the group ends")
    with gateway:
        assert greeting(gateway.port).startswith(b"220")


def test_start_of_a_daemon_that_ends_says_what_it_wrote(tmp_path: Path, stand_in: list[str]) -> None:
    """A daemon that refuses its settings fails the start at once, with its own words."""
    gateway = GatewayProc(tmp_path, 2526, settings={"hostname": "broken.example"}, command=stand_in)
    with pytest.raises(CommandError, match="hostname: is broken"):
        gateway.start()


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
