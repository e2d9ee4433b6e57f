"""Limits on mails a minute."""

import asyncio
import time

import pytest

from outbound import pace
from outbound.pace import Pace


async def test_no_more_mails_in_a_window_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three may go at once; the fourth waits until the first is a window old, and so on, whoever asks."""
    monkeypatch.setattr(pace, "_WINDOW", 0.3)
    limit = Pace(3)
    started = time.monotonic()
    times: list[float] = []

    async def one() -> None:
        await limit.wait()
        times.append(time.monotonic() - started)

    await asyncio.gather(*(one() for _ in range(7)))
    times.sort()
    assert times[2] < 0.2
    assert times[3] >= 0.29
    assert times[6] >= 0.59


async def test_no_limit_never_waits() -> None:
    """0 is no limit."""
    started = time.monotonic()
    for _ in range(1000):
        await Pace(0).wait()
    assert time.monotonic() - started < 1
