"""Placeholder for the view of what is new in a reply."""

from __future__ import annotations


def reply_text(text: str, html: str | None) -> str:
    """The whole text."""
    return text
