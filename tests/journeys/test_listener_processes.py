"""Several processes that take mail on one port: the way to use more than one processor for the door."""

import os
import smtplib
import socket
from contextlib import ExitStack
from pathlib import Path
from signal import Signals

import pytest
from journeys.parts import parts_of, sockets_of
from journeys.wild_mails import WildMails
from peers.gatewayproc import GatewayProc, Setting
from peers.ports import LOOPBACK, until

pytestmark = pytest.mark.journey

CONNECTIONS = 40


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_share_the_port_and_one_that_dies_is_replaced(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """Connections are dealt out to both, a Unix socket belongs to the first, and mail goes on when one is killed."""
    path = tmp_path / "lmtp"
    settings: dict[str, Setting] = {"listener_processes": 2, "limits": {"drain_seconds": 1}}
    url = request.getfixturevalue("postgres").create("listener_processes") if kind == "postgresql" else None
    gateway = GatewayProc(tmp_path / "gateway", 9, url, settings)
    _add_listener(gateway, path)
    with gateway:
        until(lambda: gateway.log().count("listening=") == 2, 60, "both listen")
        both = until_parts(gateway, 2)
        idle = {pid: len(sockets_of(pid)) for pid in both}
        with ExitStack() as stack:
            for _ in range(CONNECTIONS):
                held = stack.enter_context(socket.create_connection((LOOPBACK, gateway.port), timeout=30))
                assert held.recv(100).startswith(b"220")
            assert all(len(sockets_of(pid)) > idle[pid] for pid in both)
        assert path.is_socket()
        os.kill(both[0], Signals.SIGKILL)
        until(lambda: both[0] not in parts_of(gateway.pid, "listener"), 10, "the first one is gone")
        for mail in WildMails().lawful().values():
            with smtplib.SMTP(LOOPBACK, gateway.port, timeout=60) as client:
                assert client.sendmail("bob@client.example", ["postmaster@in.desk.example"], mail) == {}
        assert both[0] not in until_parts(gateway, 2)


def until_parts(gateway: GatewayProc, count: int) -> list[int]:
    """The listener's processes, once there are so many."""
    until(lambda: len(parts_of(gateway.pid, "listener")) == count, 30, f"{count} listeners")
    return parts_of(gateway.pid, "listener")


def _add_listener(gateway: GatewayProc, path: Path) -> None:
    with gateway.settings_file.open("a") as file:
        file.write(f'\n[[listener]]\naddress = "unix:{path}"\nprotocol = "lmtp"\n')
