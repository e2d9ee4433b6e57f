"""What a test needs from the machine: skip with the name of what is missing, or fail in CI.

`.ci/run` installs what it can and sets GATEWAY_CI, so that a test which it should have been
able to run cannot pass by being skipped.
"""

import importlib.util
import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

PROJECT = Path(__file__).resolve().parents[2]

# Command -> the Debian package that brings it.
PACKAGES = {
    "cc": "gcc libc6-dev",
    "dovecot": "dovecot-core dovecot-imapd dovecot-submissiond dovecot-lmtpd",
    "haproxy": "haproxy",
    "msmtp": "msmtp",
    "opendkim": "opendkim",
    "postfix": "postfix",
    "smtp-source": "postfix",
    "swaks": "swaks",
}

# Debian keeps what is for administrators in sbin, which is not on everybody's path.
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def command(name: str) -> str | None:
    """The full path of a command, looked for in sbin too."""
    return shutil.which(name) or shutil.which(name, path=SBIN)


def need(name: str) -> str:
    """The path of a command; without it the test is skipped (or fails in CI)."""
    found = command(name)
    if found is None:
        missing(f"{name} is not here: apt-get install {PACKAGES.get(name, name)}")
    return found


def need_module(name: str, distribution: str) -> None:
    """An importable module; without it the test is skipped (or fails in CI)."""
    if importlib.util.find_spec(name) is None:
        missing(f"{name} is not here: pip install {distribution}")


def need_root(why: str) -> None:
    """The test runs as root, for the reason given. Nobody can install that, so it is a skip in CI too."""
    if os.geteuid() != 0:
        pytest.skip(f"only root can do this: {why}")


def missing(reason: str) -> NoReturn:
    """Skip with the reason, or fail with it where GATEWAY_CI says that it could have been installed."""
    if os.environ.get("GATEWAY_CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
