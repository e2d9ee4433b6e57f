"""Names of workers: unlike each other, and known to be dead only when they surely are."""

import os
import socket
import subprocess
import sys

import pytest

from storage.leases import is_dead, owner_name, supervisor_of


def test_owner_names_differ_and_are_alive() -> None:
    """Two names of one process are two workers, and both live."""
    assert owner_name("intake") != owner_name("intake")
    assert not is_dead(owner_name("intake"))


def test_owner_names_who_restarts_it() -> None:
    """The supervisor stands in the name of its worker; a worker without one has none."""
    assert supervisor_of(owner_name("intake", "ab12")) == "ab12"
    assert supervisor_of(owner_name("intake")) == ""


def test_process_that_has_ended_is_dead() -> None:
    """The owner of a process of this machine that is gone is dead."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    owner = owner_name("intake").replace(f"/{os.getpid()}/", f"/{process.pid}/")
    process.wait()
    assert is_dead(owner)


@pytest.mark.parametrize("owner", ["", "nonsense", "elsewhere/1/intake-0", f"{socket.gethostname()}/x/intake-0"])
def test_owner_of_whom_we_know_nothing_is_not_dead(owner: str) -> None:
    """Another machine's worker, and a name that we do not understand, may be alive: their leases end by time."""
    assert not is_dead(owner)
