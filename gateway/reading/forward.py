"""Placeholder for the reading of manual forwards."""

from __future__ import annotations

from gateway.reading.mail import Forwarded, Mail


def find_forward(subject: str, text: str, embedded: Mail | None) -> Forwarded | None:
    """None."""
    return None
