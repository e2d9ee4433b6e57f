"""Collect what was wrong with a mail: each kind of defect once, in the order in which it was met."""

from __future__ import annotations

from gateway.reading.bounds import MAX_DEFECTS


class Defects:
    """A bounded list of short names such as `boundary-missing`, safe to store and to print."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[str, None] = {}

    def add(self, name: str) -> None:
        """Remember a defect; a second one of the same name says nothing new."""
        if len(self._found) < MAX_DEFECTS:
            self._found[name] = None

    def as_tuple(self) -> tuple[str, ...]:
        """The names, each once."""
        return tuple(self._found)
