"""Two gateways on one PostgreSQL, as on two machines behind one MX."""

from pathlib import Path

import pytest
from journeys.desk import Desk, mail_files
from journeys.load import SIZES, start_sender
from peers.gatewayproc import GatewayProc
from peers.postgres import PostgresServer
from peers.sender import read_ledger
from peers.sink import Sink

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


def test_same_mail_to_both_at_once_is_one_ticket(postgres: PostgresServer, sink: Sink, tmp_path: Path) -> None:
    """100 mails sent to both gateways at the same time: both answer 250 with the same id, and each is one ticket."""
    url = postgres.create("two_gateways")
    shared = {"blobs": {"url": f"file://{tmp_path}/blobs"}}
    desk = Desk(GatewayProc(tmp_path / "one", sink.port, url, shared)).open()
    other = GatewayProc(tmp_path / "two", sink.port, url, shared)
    files = mail_files(tmp_path / "mails", 100, "parcel", SIZES)
    with desk.gateway, other:
        loads = [
            start_sender(desk, tmp_path / f"sender{port}", files, port, connections=2)
            for port in (desk.gateway.port, other.port)
        ]
        for load in loads:
            load.finish()
        loads[0].judge(desk)
    first, second = ({entry.digest: entry.reply for entry in read_ledger(load.ledger)} for load in loads)
    assert first == second
    assert len(set(first.values())) == 100
