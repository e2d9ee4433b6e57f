"""The Received line of ours: what RFC 5321 section 4.4 wants, whatever a peer called himself."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes

import pytest

from storage.received import Hop, received_line

HOP = Hop(
    acceptance_id="0abcdefghijklmno",
    recipient="support@in.desk.example",
    peer="192.0.2.7",
    helo="mail.client.example",
    protocol="ESMTPS",
    tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
    received_at=datetime(2026, 11, 22, 7, 30, tzinfo=UTC),
)


def line(**changed: str) -> str:
    """The line of a hop that differs in these, unfolded."""
    return received_line(replace(HOP, **changed), "mx.desk.example").decode().replace("\r\n\t", " ")


def test_line_says_who_came_how_and_for_whom() -> None:
    """Name, address, TLS, protocol, id, recipient and time, in the order of the RFC."""
    assert line() == (
        "Received: from mail.client.example ([192.0.2.7]) (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384) "
        "by mx.desk.example with ESMTPS id 0abcdefghijklmno for <support@in.desk.example>; "
        "Sun, 22 Nov 2026 07:30:00 +0000\r\n"
    )


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"tls": ""}, "([192.0.2.7]) by mx"),
        ({"peer": "2001:db8::7"}, "([IPv6:2001:db8::7])"),
        ({"peer": "local"}, "from mail.client.example (local)"),
        ({"helo": "[192.0.2.9]"}, "from [192.0.2.9] ("),
        ({"helo": "my pc) by evil (x\\"}, "from unknown (helo my pc\\) by evil \\(x\\\\) ("),
        ({"helo": ""}, "from unknown (helo ) ("),
    ],
)
def test_line_is_well_formed_for_every_peer(changed: dict[str, str], part: str) -> None:
    """In clear, over IPv6, over a Unix socket, and with names that are no domain."""
    assert part in line(**changed)


def test_mail_below_the_line_stays_what_it_was() -> None:
    """A parser finds the line first, and all that was received behind it."""
    raw = b"Received: from a by b; today\r\nSubject: Hi\r\n\r\nHello\r\n"
    copy = message_from_bytes(received_line(HOP, "mx.desk.example") + raw)
    assert [value.split()[1] for value in copy.get_all("received", [])] == ["mail.client.example", "a"]
    assert (copy["subject"], copy.get_payload()) == ("Hi", "Hello\r\n")


def test_mail_that_came_through_no_door_gets_no_line() -> None:
    """A command brought it: there is no peer to name."""
    assert received_line(replace(HOP, peer="", protocol="inject"), "mx.desk.example") == b""
