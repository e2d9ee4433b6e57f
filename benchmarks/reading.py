"""What reading costs: CPU time per mail, in this process and through the bounded child.

    python -m benchmarks.reading

The mails are made here: 2 KB of plain text, 57 KB of multipart (text, HTML, an inline picture), 5 MB with attachments.
CPU time is the process's own, so that other load on the machine hardly shows.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from gateway.reading.bounded import BoundedReader
from gateway.reading.parse import read_mail

_HEADER = "\r\n".join(
    [
        *(
            f"Received: from relay{number}.example.net (relay{number}.example.net [192.0.2.{number}])\r\n"
            f"\tby mx.example.org (Postfix) with ESMTPS id 4F{number}ABC for <help@example.org>;\r\n"
            "\tThu, 1 Jan 2026 10:00:00 +0100 (CET)"
            for number in range(6)
        ),
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=key; h=from:to:subject;\r\n\tbh="
        + "A" * 44
        + "=;\r\n\tb="
        + "B" * 340,
        "From: =?utf-8?q?Andr=C3=A9?= Example <andre@example.net>",
        "To: Support <help@example.org>, Someone Else <else@example.org>",
        "Subject: =?utf-8?q?Re=3A_Order_123_=E2=80=93_a_question?=",
        "Message-ID: <20260101.1@example.net>",
        "In-Reply-To: <20251231.7@example.org>",
        "References: <20251230.5@example.org> <20251231.7@example.org>",
        "Date: Thu, 1 Jan 2026 10:00:00 +0100",
        "MIME-Version: 1.0",
    ]
)
_WORDS = "Hello, the parcel has not come yet; could you please look where it is? Thank you very much.\r\n"
_QUOTED = "On Wed, 31 Dec 2025 at 09:00, Support <help@example.org> wrote:\r\n> We have sent it today.\r\n> Regards\r\n"


def _plain() -> bytes:
    return f"{_HEADER}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{_WORDS * 3}\r\n{_QUOTED}".encode()


def _html(paragraphs: int) -> str:
    row = '<tr><td style="color:#333;padding:4px">Order</td><td bgcolor="#eeeeee"><a href="https://example.net/o/1">123</a></td></tr>'
    style = 'style="margin:0;font-family:Arial,sans-serif;font-size:14px"'
    body = "".join(f"<p {style}>{_WORDS}<b>Number {one}</b></p>" for one in range(paragraphs))
    page = f'{body}<table>{row * 20}</table><img src="cid:logo">'
    return f"<html><head><style>p {{color:red}}</style></head><body>{page}</body></html>"


def _part(kind: str, content: bytes, more: str = "") -> str:
    encoded = base64.encodebytes(content).decode().replace("\n", "\r\n")
    return f"--b\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n{more}\r\n{encoded}\r\n"


def _multipart(paragraphs: int, attachments: Sequence[int]) -> bytes:
    parts = [
        "--b\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
        f"--a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{_WORDS * paragraphs}\r\n{_QUOTED}\r\n"
        f"--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{_html(paragraphs)}\r\n--a--\r\n",
        _part("image/png; name=logo.png", b"\x89PNG\r\n\x1a\n" + b"x" * 6000, "Content-ID: <logo>\r\n"),
        *(_part("application/pdf; name=file.pdf", b"%PDF" + bytes(range(256)) * (size // 256)) for size in attachments),
    ]
    return f"{_HEADER}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{''.join(parts)}--b--\r\n".encode()


def multipart_mail(number: int) -> bytes:
    """57 KB that differ from those of other numbers in their Message-ID alone."""
    return _multipart(110, [4000]).replace(b"<20260101.1@", b"<20260101.1.%d@" % number)


def _cpu(action: Callable[[], object], times: int) -> float:
    action()
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        for _ in range(times):
            action()
        best = min(best, (time.process_time() - start) / times)
    return best * 1000


def main() -> None:
    """Print the table."""
    now = datetime.now(UTC)
    mails = (
        ("2 KB plain", _plain(), 500, 0.8),
        ("57 KB multipart", _multipart(110, [4000]), 50, 6.0),
        ("5 MB multipart", _multipart(110, [1_900_000, 1_900_000]), 3, 200.0),
    )
    print(f"{'mail':18} {'octets':>9} {'CPU ms':>8} {'goal':>7} {'child, mails/s':>15}")
    with BoundedReader() as reader:
        reader.start()
        for name, raw, times, goal in mails:
            cpu = _cpu(lambda raw=raw: read_mail(raw, arrived=now), times)  # type: ignore[misc]
            reader.read([raw], now)
            start = time.perf_counter()
            reader.read([raw] * times, now)
            rate = times / (time.perf_counter() - start)
            print(f"{name:18} {len(raw):9} {cpu:8.2f} {goal:7.1f} {rate:15.0f}")


if __name__ == "__main__":
    main()
