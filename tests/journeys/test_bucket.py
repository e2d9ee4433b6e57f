"""PostgreSQL and a bucket: what several machines share. A bucket that is down holds up filing, never the door."""

import secrets
from pathlib import Path

import pytest
from journeys.desk import Desk, mail_files
from journeys.load import start_sender
from peers.gatewayproc import GatewayProc
from peers.ports import free_port
from peers.postgres import PostgresServer
from peers.s3 import ACCESS_KEY, SECRET_KEY, s3_server
from peers.sink import Sink

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


def test_large_mail_waits_for_a_bucket_that_is_down(postgres: PostgresServer, tmp_path: Path) -> None:
    """While the bucket is down mail of any size is accepted; when it is back all is filed, and reads byte for byte."""
    port, url = free_port(), postgres.create(f"bucket_{secrets.token_hex(4)}")
    blobs = {
        "url": "s3://mails/desk",
        "endpoint": f"http://127.0.0.1:{port}",
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
        "timeout_seconds": 3,
    }
    mails = mail_files(tmp_path / "mails", 6, "crate", sizes=(2_000, 60_000, 900_000))
    with Sink() as sink:
        desk = Desk(GatewayProc(tmp_path / "gateway", sink.port, url, {"blobs": blobs})).open()
        with desk.gateway:
            load = start_sender(desk, tmp_path / "load", mails, desk.gateway.port, connections=2)
            load.finish()
            assert desk.gateway.run("audit", "--json")["accepted"] == len(mails)
            with s3_server(port):
                audit = desk.audit()
                assert audit["ok"], audit
                raws = [desk.raw(f"{ticket['number']}.1") for ticket in desk.tickets()]
        assert sorted(raws) == sorted(path.read_bytes() for path in mails)
