"""A mail that was made to break its reader does not hold up the others, and is seen by somebody."""

import hashlib
import re
from datetime import datetime
from pathlib import Path

import pytest
from journeys.desk import Desk, mail_files
from journeys.load import start_sender

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

HEAD = (
    "From: Mallory <mallory@evil.example>\r\nTo: x\r\nSubject: bomb\r\nMessage-ID: <bomb@evil.example>\r\n"
    "MIME-Version: 1.0\r\n"
)


def nested(depth: int) -> bytes:
    """Multiparts inside multiparts, each with a boundary of its own."""
    lines = [HEAD]
    for level in range(depth):
        lines.append(f'Content-Type: multipart/mixed; boundary="b{level}"\r\n\r\n--b{level}\r\n')
    return "".join([*lines, "\r\nthe middle\r\n"]).encode()


def many_parts(count: int) -> bytes:
    """One multipart with very many empty parts."""
    return f'{HEAD}Content-Type: multipart/mixed; boundary="b"\r\n\r\n'.encode() + b"--b\r\n\r\n" * count + b"--b--\r\n"


@pytest.mark.parametrize("bomb", [nested(20_000), many_parts(500_000)], ids=["nested", "many_parts"])
def test_good_mail_is_filed_while_a_bomb_is_read(desk: Desk, tmp_path: Path, bomb: bytes) -> None:
    """A bomb and a hundred good mails behind it: all are filed in seconds, and the bomb has kept its raw bytes."""
    (tmp_path / "bomb.eml").write_bytes(bomb)
    good = mail_files(tmp_path / "good", 100, "parcel")
    with desk.gateway:
        load = start_sender(desk, tmp_path / "load", [tmp_path / "bomb.eml", *good], desk.gateway.port, connections=1)
        load.finish()
        audit = desk.audit()
        tickets = {ticket["subject"]: ticket["number"] for ticket in desk.tickets()}
        assert audit["ok"], audit
        assert len(tickets) == audit["accepted"] == 101
        assert {f"parcel {number}" for number in range(100)} < tickets.keys()
        [number] = [number for subject, number in tickets.items() if not subject.startswith("parcel")]
        assert hashlib.sha256(desk.raw(f"{number}.1")).digest() == hashlib.sha256(bomb).digest()
        # Less than what reading one mail may take: the bomb costs the others nothing near its limit.
        assert longest_wait(desk.gateway.log_file.read_text()) < 10


def longest_wait(log: str) -> float:
    """The seconds from accepted to filed of the mail that waited longest."""
    lines = re.findall(r"^(\S+)Z \[info +\] (accepted|filed) .*? id=(\w+)", log, re.MULTILINE)
    at = {(event, mail): datetime.fromisoformat(time) for time, event, mail in lines}
    return max((at["filed", mail] - at["accepted", mail]).total_seconds() for event, mail in at if event == "filed")
