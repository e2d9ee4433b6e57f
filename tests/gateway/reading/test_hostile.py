"""Mails that were made to cost: the work grows as the mail does, counted and not timed."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from types import FrameType

import pytest
from fakes.hostile import FAMILIES

from gateway.reading.parse import read_mail

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SMALL, FACTOR = 1_000, 8


def calls_to_read(raw: bytes) -> int:
    """How many functions are called, ours and those of the libraries; what happens within a pattern is not counted."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        read_mail(raw, arrived=NOW)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("family", FAMILIES)
def test_work_grows_with_the_mail_when_it_was_made_to_cost(family: str) -> None:
    """Eight times the mail takes less than twice eight times the calls; looking back and forth takes 64 times."""
    make = FAMILIES[family]
    read_mail(make(SMALL), arrived=NOW)  # what is read once and kept does not count
    small, large = calls_to_read(make(SMALL)), calls_to_read(make(FACTOR * SMALL))
    assert large < 2 * FACTOR * small
