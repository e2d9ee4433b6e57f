"""Placeholder for the reading of delivery reports."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import Message

from gateway.reading.mail import Person, Report


def find_report(
    message: Message, subject: str, author: Person, text: str, headers: Sequence[tuple[str, str]]
) -> Report | None:
    """None."""
    return None
