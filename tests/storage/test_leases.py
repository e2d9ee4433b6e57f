"""Names of workers: unlike each other, and known to be dead only when they surely are."""

import os
import re
import socket
import subprocess
import sys

import pytest

from storage.leases import is_dead, owner_name, supervisor_of

PRINT_NAME = "from storage.leases import owner_name; print(owner_name('intake'), flush=True); input()"


def test_owner_names_differ_and_are_alive() -> None:
    """Two names of one process are two workers, and both live."""
    assert owner_name("intake") != owner_name("intake")
    assert not is_dead(owner_name("intake"))


def test_owner_names_who_restarts_it() -> None:
    """The supervisor stands in the name of its worker; a worker without one has none."""
    assert supervisor_of(owner_name("intake", "ab12")) == "ab12"
    assert supervisor_of(owner_name("intake")) == ""


def test_process_that_has_ended_is_dead() -> None:
    """A worker of this machine is known to live while it does, and to be dead as soon as it is gone."""
    process = subprocess.Popen([sys.executable, "-c", PRINT_NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    owner = process.stdout.readline().decode().strip()
    assert not is_dead(owner)
    process.communicate()
    assert is_dead(owner)


@pytest.mark.parametrize("place", [1, 2], ids=["boot", "start"])
def test_process_with_the_number_of_a_living_one_is_dead(place: int) -> None:
    """After a restart a container or a machine gives the same numbers to other processes."""
    words = re.split(r"([.-])", owner_name("intake").split("/")[1])
    words[2 * place] = "0"
    assert is_dead(f"{owner_name('x').split('/')[0]}/{''.join(words)}/intake-0")


@pytest.mark.parametrize(
    "owner",
    [
        "",
        "nonsense",
        "elsewhere/1.b-1/intake-0",
        f"{socket.gethostname()}/x/intake-0",
        f"{socket.gethostname()}/{os.getpid()}/intake-0",
    ],
    # Not by their values: processes that share the tests must name them alike.
    ids=["empty", "nonsense", "another machine", "no process id", "no birth"],
)
def test_owner_of_whom_we_know_nothing_is_not_dead(owner: str) -> None:
    """Another machine's worker, and a name that we do not understand, may be alive: their leases end by time."""
    assert not is_dead(owner)
