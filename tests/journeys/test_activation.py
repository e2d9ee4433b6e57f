"""Sockets that were open before the gateway was: it takes them over from its service manager."""

import os
import smtplib
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import Signals

import pytest
from journeys.wild_mails import WildMails
from peers.gatewayproc import GatewayProc, Setting
from peers.ports import LOOPBACK, greeting, until

pytestmark = pytest.mark.journey

# What systemd does for two .socket units: their sockets are descriptors 3 and 4 of a process that it names.
LAUNCHER = """\
import os, socket, sys
family = {"tcp": socket.AF_INET, "unix": socket.AF_UNIX}
sockets = []
for kind, address in (("tcp", ("127.0.0.1", int(os.environ["TEST_PORT"]))), ("unix", os.environ["TEST_PATH"])):
    bound = socket.socket(family[kind])
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(address)
    bound.listen()
    sockets.append(os.dup2(bound.fileno(), 40 + len(sockets)))
for number, descriptor in enumerate(sockets):
    os.dup2(descriptor, 3 + number)
    os.close(descriptor)
os.environ.update(LISTEN_FDS="2", LISTEN_FDNAMES="gateway.socket:lmtp", LISTEN_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, "-m", "gateway", *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProc]:
    """A gateway that runs on handed sockets."""
    folder = tmp_path_factory.mktemp("activation")
    settings: dict[str, Setting] = {
        "listener": [{"address": "systemd:lmtp", "protocol": "lmtp"}, {"address": "systemd"}],
        "limits": {"drain_seconds": 2},
    }
    made = GatewayProc(folder, 9, settings=settings, command=(sys.executable, "-c", LAUNCHER))
    made.environment |= {"TEST_PORT": str(made.port), "TEST_PATH": str(folder / "socket")}
    with made:
        yield made


def test_each_handed_socket_belongs_to_the_listener_that_names_it(gateway: GatewayProc) -> None:
    """The one called lmtp speaks LMTP; the other one, which nobody names, speaks SMTP and takes a mail."""
    with socket.socket(socket.AF_UNIX) as other:
        other.settimeout(30)
        other.connect(str(gateway.folder / "socket"))
        assert other.recv(100) == b"220 mx.desk.example LMTP\r\n"
    with smtplib.SMTP(LOOPBACK, gateway.port, timeout=60) as client:
        mail = WildMails().lawful()["plain"]
        assert client.sendmail("bob@client.example", ["postmaster@in.desk.example"], mail) == {}


def test_other_parts_do_not_hold_the_handed_sockets(gateway: GatewayProc) -> None:
    """Intake and relay have none of them: nobody must be connected to a part that does not answer."""
    handed = {sockets_of(gateway.pid)[descriptor] for descriptor in (3, 4)}
    [listener] = children(gateway.pid, "listener")
    others = children(gateway.pid, "intake") + children(gateway.pid, "relay")
    assert handed <= set(sockets_of(listener).values())
    assert len(others) == 2
    assert all(handed.isdisjoint(sockets_of(other).values()) for other in others)


def test_clients_wait_while_a_killed_listener_is_started_again(gateway: GatewayProc) -> None:
    """The sockets outlive the listener: who connects meanwhile is greeted by the next one."""
    [listener] = children(gateway.pid, "listener")
    os.kill(listener, Signals.SIGKILL)
    until(lambda: listener not in children(gateway.pid, "listener"), 10, "the listener is gone")
    assert greeting(gateway.port, timeout=60).startswith(b"220 mx.desk.example")


def children(pid: int, role: str) -> list[int]:
    """The parts of this role that live."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if f"\0{role}\0" in Path(f"/proc/{child}/cmdline").read_text()]


def sockets_of(pid: int) -> dict[int, str]:
    """The sockets that a process has open, by descriptor."""
    opened = {int(one.name): str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir()}
    return {descriptor: name for descriptor, name in opened.items() if name.startswith("socket:")}
