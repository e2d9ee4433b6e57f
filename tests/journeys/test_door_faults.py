"""What a peer hears while the machine fails below a real listener: a full disk, a database away, no descriptors.

Each time it is a temporary reply, and the same sender gets through afterwards without anybody's help.
"""

import os
import shutil
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from errno import EIO
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import pytest
from journeys.wild_mails import WildMails
from peers.disk import Disk
from peers.faultproxy import Fault, FaultProxy, Side, Trouble
from peers.gatewayproc import GatewayProc, Setting
from peers.need import need, need_root
from peers.ports import LOOPBACK, greeting, until
from peers.postgres import private_cluster

pytestmark = pytest.mark.journey

POSTMASTER = "postmaster@in.desk.example"
SMALL = "24m"
RECOVERY_SECONDS = 30.0

Start = Callable[..., GatewayProc]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own, which is soon full."""
    need_root("mount")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"nothing may be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a gateway's listener."""
    with ExitStack() as stack:

        def started(
            data_dir: Path,
            database_url: str | None = None,
            *prefix: str,
            environment: Mapping[str, str] = MappingProxyType({}),
            **limits: Setting,
        ) -> GatewayProc:
            settings: dict[str, Setting] = {"data_dir": str(data_dir), "limits": {"drain_seconds": 1, **limits}}
            command = (*prefix, sys.executable, "-m", "gateway")
            gateway = GatewayProc(tmp_path / "gateway", 9, database_url, settings, command)
            gateway.environment |= environment
            gateway.start("--role", "listener")
            stack.callback(gateway.kill)
            return gateway

        yield started


def replies(port: int, mail: bytes) -> list[int]:
    """The codes of MAIL, RCPT, DATA and the dot, as far as it came, for a mail without dots at line starts."""
    codes = []
    with smtplib.SMTP(LOOPBACK, port, timeout=90) as client:
        client.ehlo()
        for command in ("MAIL FROM:<bob@client.example>", f"RCPT TO:<{POSTMASTER}>", "DATA"):
            codes.append(client.docmd(command)[0])
            if codes[-1] >= 400:
                return codes
        client.send(mail + b".\r\n")
        codes.append(client.getreply()[0])
    return codes


def gets_through(port: int, mail: bytes) -> Callable[[], bool]:
    """Whether a mail is accepted now."""
    return lambda: replies(port, mail) == [250, 250, 354, 250]


def fill(folder: Path, leave: int = 0) -> Path:
    """Use up the file system but for this much."""
    ballast = folder / "ballast"
    size = shutil.disk_usage(folder).free - leave
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    return ballast


def test_full_disk_is_said_before_the_mail_is_sent(small_disk: Path, start: Start) -> None:
    """Below the reserve MAIL hears 452; with space again mail is taken, by the same process."""
    mail = WildMails().lawful()["plain"]
    gateway = start(small_disk, free_bytes=4_000_000)
    assert gets_through(gateway.port, mail)()
    ballast = fill(small_disk, leave=3_000_000)
    until(lambda: replies(gateway.port, mail) == [452], RECOVERY_SECONDS, "MAIL hears 452")
    ballast.unlink()
    until(gets_through(gateway.port, mail), RECOVERY_SECONDS, "mail is taken again")


@pytest.mark.parametrize("name", ["plain", "2 MB"])
def test_disk_that_is_full_at_the_commit_is_a_temporary_reply(small_disk: Path, start: Start, name: str) -> None:
    """Without a reserve the database itself, or the file of a large mail, finds no room: 452, and later 250."""
    before, mail = WildMails().lawful()[name], WildMails().lawful()[name]
    gateway = start(small_disk, free_bytes=0)
    assert gets_through(gateway.port, before)()
    ballast = fill(small_disk)
    # A small mail may still fit into pages that the database has.
    until(lambda: replies(gateway.port, WildMails().lawful()[name])[-1] == 452, RECOVERY_SECONDS, "the dot hears 452")
    ballast.unlink()
    until(gets_through(gateway.port, mail), RECOVERY_SECONDS, "mail is taken again")


def test_postgres_that_is_stopped_and_started_again(tmp_path: Path, start: Start) -> None:
    """While it is away a sender hears 451; afterwards mail is taken without a restart of ours."""
    mails = WildMails().lawful()
    with private_cluster() as cluster:
        gateway = start(tmp_path / "var", f"{cluster.base}/postgres")
        assert gets_through(gateway.port, mails["plain"])()
        cluster.stop()
        assert replies(gateway.port, mails["spaces"])[-1] == 451
        cluster.start()
        until(gets_through(gateway.port, mails["spaces"]), RECOVERY_SECONDS, "mail is taken again")


def test_listener_outlives_the_end_of_its_descriptors(tmp_path: Path, start: Start) -> None:
    """More connections than open files are allowed: the next ones are sent away or wait, and then it goes on."""
    mail = WildMails().lawful()["plain"]
    gateway = start(tmp_path / "var", None, need("prlimit"), "--nofile=64:64", connections_per_network=0)
    assert "open files" in gateway.log()
    with ExitStack() as held:
        for _ in range(120):
            held.enter_context(socket.create_connection((LOOPBACK, gateway.port), timeout=10))
    until(lambda: greeting(gateway.port).startswith(b"220"), RECOVERY_SECONDS, "it greets again")
    until(gets_through(gateway.port, mail), RECOVERY_SECONDS, "mail is taken again")
    assert "died" not in gateway.log()


def test_failed_fsync_stops_the_door_until_the_database_is_open_again(tmp_path: Path, start: Start) -> None:
    """EIO: nothing is promised, the next MAIL hears 451 and the log says why; on a sound disk it goes on by itself."""
    disk, mails = Disk(tmp_path), WildMails().lawful()
    gateway = start(tmp_path / "var", environment=disk.environment)
    assert gets_through(gateway.port, mails["plain"])()
    disk.ails(error=EIO)
    assert replies(gateway.port, mails["spaces"]) == [250, 250, 354, 451]
    assert replies(gateway.port, mails["spaces"]) == [451]
    assert "no mail is taken until the database is open again" in gateway.log()
    disk.recovers()
    until(gets_through(gateway.port, mails["spaces"]), RECOVERY_SECONDS, "mail is taken again")
    assert "reopened after a failed write" in gateway.log()


def test_slow_disk_makes_senders_wait_and_nobody_fail(tmp_path: Path, start: Start) -> None:
    """Half a second for each fsync: ten senders share the commits, and who says nothing to the disk is not held up."""
    disk = Disk(tmp_path)
    gateway = start(tmp_path / "var", environment=disk.environment)
    disk.ails(delay_seconds=0.5)
    mails = [WildMails().lawful()["plain"] for _ in range(10)]
    began = time.monotonic()
    with ThreadPoolExecutor(len(mails)) as pool:
        sent = [pool.submit(replies, gateway.port, mail) for mail in mails]
        assert greeting(gateway.port).startswith(b"220")
        assert [one.result() for one in sent] == [[250, 250, 354, 250]] * len(mails)
    assert time.monotonic() - began < 0.5 * len(mails)


def test_connection_that_breaks_in_commit_is_asked_again(tmp_path: Path, start: Start) -> None:
    """PostgreSQL has committed and we have not heard it: the mail is looked up, its sender hears 250, and it is one."""
    mail = WildMails().lawful()["plain"]
    with private_cluster() as cluster, FaultProxy(urlsplit(cluster.base).port or 0) as proxy:
        direct = f"{cluster.base}/postgres"
        gateway = start(tmp_path / "var", direct.replace(f":{urlsplit(direct).port}/", f":{proxy.port}/"))
        # The answer to the one statement that stores a batch and commits by itself.
        proxy.next(Trouble(Fault.RESET, of=Side.SERVER, before=b"SELECT 1\0"))
        proxy.cut()  # so that the next connection is a new one
        assert gets_through(gateway.port, mail)()
        proxy.wait_for_strike()
        assert gateway.run("audit", "--json")["accepted"] == 1


def test_full_folder_for_temporary_files_stops_no_mail(small_disk: Path, tmp_path: Path, start: Start) -> None:
    """Neither the listener nor the database needs one."""
    gateway = start(tmp_path / "var", environment={"TMPDIR": str(small_disk), "SQLITE_TMPDIR": str(small_disk)})
    fill(small_disk)
    for name in ("plain", "2 MB"):
        assert gets_through(gateway.port, WildMails().lawful()[name])()
