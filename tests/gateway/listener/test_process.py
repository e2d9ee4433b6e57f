"""The listener as a process of its own: signals, a port that is taken, a log that cannot be written."""

import subprocess
import sys
import time
from pathlib import Path
from signal import Signals

import pytest
from peers.ports import answers_220, free_port, until
from peers.rawsmtp import RawSmtp
from sqlmodel import select

from config.settings import Settings
from storage.addresses import new_address
from storage.migrate import open_or_make, upgrade
from storage.queues import Queue, add_queue
from storage.spool import Spool

PROJECT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys
from config import maillog
from config.errors import GatewayError
from config.settings import Settings
from gateway.listener.part import serve_listener

settings = Settings.model_validate_json(sys.argv[1])
maillog.start_logging(settings.log, "listener")
try:
    serve_listener(settings)
except GatewayError as error:
    sys.exit(error.exit_status)
"""
MAIL = b"Subject: hello\r\n\r\nhello\r\n"


@pytest.fixture
def settings(tmp_path):
    """An installation with the address support@, on a port of its own."""
    made = Settings.model_validate(
        {"data_dir": tmp_path, "listener": [{"address": f"127.0.0.1:{free_port()}"}], "limits": {"drain_seconds": 5}}
    )
    database = open_or_make(made)
    upgrade(database)
    with database.writing() as session:
        queue = add_queue(session, Queue(name="Support"))
        new_address(session, queue, made.domain, local_part="support")
    database.close()
    return made


def start(settings, stderr=None):
    """A listener that greets."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, settings.model_dump_json()], cwd=PROJECT, stderr=stderr)
    until(lambda: process.poll() is not None or answers_220(settings.listener[0].port), 20, "the listener greets")
    return process


def rows(settings):
    """How many recipients the spool has."""
    database = open_or_make(settings)
    with database.reading() as session:
        count = len(session.exec(select(Spool.id)).all())
    database.close()
    return count


def test_sigterm_ends_in_order_and_sighup_does_not_end(settings):
    """After SIGHUP the session goes on; after SIGTERM it hears 421 and the process ends with 0."""
    process = start(settings)
    with RawSmtp(settings.listener[0].port) as peer:
        process.send_signal(Signals.SIGHUP)
        assert peer.mails(["support@in.desk.example"], MAIL).startswith("250")
        process.send_signal(Signals.SIGTERM)
        assert peer.rest() == ["421 4.3.2 Service is shutting down, try again later"]
    assert process.wait(10) == 0
    assert rows(settings) == 1


def test_second_sigterm_does_not_wait_for_the_slow(settings):
    """Who is in the middle of a mail is sent away at once."""
    process = start(settings)
    with RawSmtp(settings.listener[0].port) as peer:
        peer.starts_mail(["support@in.desk.example"])
        peer.says("DATA")
        began = time.monotonic()
        process.send_signal(Signals.SIGTERM)
        time.sleep(0.3)
        process.send_signal(Signals.SIGTERM)
        assert peer.rest() == ["421 4.3.2 Service is shutting down, try again later"]
    assert process.wait(10) == 0
    assert time.monotonic() - began < 4


def test_killed_listener_has_stored_what_it_promised(settings):
    """kill -9 right behind a 250; a mail without its dot is not there."""
    process = start(settings)
    with RawSmtp(settings.listener[0].port) as peer, RawSmtp(settings.listener[0].port) as half:
        half.starts_mail(["support@in.desk.example"])
        half.says("DATA")
        half.sends(MAIL)
        assert peer.mails(["support@in.desk.example"], MAIL + b"whole\r\n").startswith("250")
        process.kill()
        process.wait(10)
    assert rows(settings) == 1


def test_full_log_does_not_stop_mail(settings):
    """Nothing can be written to standard error, and mail is taken and refused all the same."""
    with Path("/dev/full").open("w") as full:
        process = start(settings, stderr=full)
    with RawSmtp(settings.listener[0].port) as peer:
        assert peer.mails(["support@in.desk.example"], MAIL).startswith("250")
        assert peer.says("NONSENSE").startswith("500")
    process.terminate()
    assert process.wait(10) == 0


def test_port_in_use_ends_with_the_status_of_bad_configuration(settings):
    """The second listener on a port gives up with 78, the first one goes on."""
    process = start(settings)
    second = subprocess.run(
        [sys.executable, "-c", PROGRAM, settings.model_dump_json()], cwd=PROJECT, timeout=30, check=False
    )
    assert second.returncode == 78
    assert answers_220(settings.listener[0].port)
    process.terminate()
    assert process.wait(10) == 0
