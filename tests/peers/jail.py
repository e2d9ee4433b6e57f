"""A folder that a mail server takes for the whole machine: chroot(2), for those whose paths are compiled in.

Debian's Exim and OpenSMTPD cannot be installed beside Postfix, and both insist on a configuration, a spool
and users at fixed places. So their packages are unpacked (`.ci/run`) and run where those places are theirs alone.
It keeps them from the tester's files by accident, not by force: they are root in there.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from peers.need import PROJECT, command, missing, need_root

# Where `.ci/run` unpacks what conflicts with what is installed, one folder a package.
UNPACKED = Path(os.environ.get("GATEWAY_TEST_PEERS") or PROJECT / ".venv" / "peers")
# Nobody on the machine has these ids by chance.
FIRST_ID = 64_900


def program_root(package: str, program: str) -> Path:
    """The root below which the program stands: the unpacked package, or the machine where it is installed."""
    need_root("chroot")
    root = next((root for root in (UNPACKED / package, Path("/")) if (root / program).exists()), None)
    if root is None:
        missing(f"{program} is not here: apt-get download {package} and dpkg -x it into {UNPACKED}/{package}")
    return root


class Jail:
    """One such folder."""

    def __init__(self, folder: Path, root: Path, files: Sequence[str], users: Sequence[str]) -> None:
        self._folder = folder
        for name in ("etc", "dev", "tmp", "var/spool", "run", "var/log"):
            self.path(name).mkdir(parents=True, mode=0o755)
        self.path("tmp").chmod(0o1777)
        self.path("var/run").symlink_to("/run")
        self._make_devices()
        for file in files:
            self._take(root / file, file)
        self.ids = self._make_users(users)
        self.write("etc/hosts", "127.0.0.1 localhost\n")
        self.write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")
        self.write("etc/resolv.conf", "")

    def path(self, inside: str) -> Path:
        """The path of a file of the jail, seen from outside."""
        return self._folder / inside.lstrip("/")

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        """Write a file of root's."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def folder_of(self, user: str, inside: str, mode: int = 0o750) -> None:
        """Make a folder that belongs to a user of the jail."""
        path = self.path(inside)
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, self.ids[user], self.ids[user])
        path.chmod(mode)

    def command(self, *words: str) -> list[str]:
        """The command that runs these words inside."""
        return [command("chroot") or "chroot", str(self._folder), *words]

    def _make_devices(self) -> None:
        for name, minor in (("null", 3), ("zero", 5), ("urandom", 9)):
            device = self.path("dev") / name
            try:
                os.mknod(device, 0o020666, os.makedev(1, minor))
                device.chmod(0o666)
                device.open("rb").close()
            except PermissionError:
                pytest.skip("a device file cannot be made or used here, and a jail needs /dev/null")

    def _take(self, source: Path, inside: str) -> None:
        """Copy a program, and the libraries that it is linked with."""
        target = self.path(inside)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
        listed = subprocess.run(["ldd", str(source)], capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines():
            if "not found" in line:
                missing(f"{inside} lacks a library: {line.strip()}")
            library = next((word for word in line.split() if word.startswith("/")), None)
            if library is not None and not self.path(library).exists():
                self.path(library).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(Path(library).resolve(), self.path(library))

    def _make_users(self, users: Sequence[str]) -> Mapping[str, int]:
        ids = {"root": 0, "nobody": 65534} | {user: FIRST_ID + number for number, user in enumerate(users)}
        self.write(
            "etc/passwd", "".join(f"{name}:x:{number}:{number}::/:/usr/sbin/nologin\n" for name, number in ids.items())
        )
        self.write("etc/group", "".join(f"{name}:x:{number}:\n" for name, number in ids.items()))
        return ids
