"""SPF: may the peer send for the domain of the reverse-path? RFC 7208, by pyspf, from answers that are at hand.

It says nothing about a mail that was forwarded: there the peer is the forwarder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import spf

from gateway.reading.answers import Answers

_RESULTS: Final = frozenset({"pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"})
_MAX_QUESTIONS: Final = 60  # the RFC bounds them too, but pyspf counts mechanisms and not each host of an MX


@dataclass(frozen=True, slots=True)
class SenderPolicy:
    """The result word, and the domain that was asked: of the reverse-path, or of HELO when that is null."""

    result: str
    domain: str


def check_sender(peer: str, helo: str, reverse_path: str, answers: Answers) -> SenderPolicy:
    """What the domain says of this peer."""
    domain = (reverse_path.rpartition("@")[2] if reverse_path else helo).strip().rstrip(".").lower()
    if not peer or "." not in domain or not domain.isascii() or domain.startswith("["):
        return SenderPolicy("none", domain if domain.isascii() else "")
    try:
        result = str(_Query(peer, reverse_path, helo, answers).check()[0])
    except Exception:  # noqa: BLE001 - whatever the library makes of an envelope that a stranger wrote
        result = "permerror"
    return SenderPolicy(result if result in _RESULTS else "permerror", domain)


class _Query(spf.query):  # type: ignore[misc]  # pyspf has no types
    """A query of pyspf that takes its answers from us."""

    def __init__(self, peer: str, reverse_path: str, helo: str, answers: Answers) -> None:
        super().__init__(i=peer, s=reverse_path, h=helo)
        self._answers = answers
        self._questions = 0

    def dns(self, name: object, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:
        """The records in the form in which pyspf wants them; aliases are followed already."""
        text = str(name).rstrip(".").lower()
        if not text or len(text) > 253 or any(not 0 < len(label) < 64 for label in text.split(".")):
            return []
        self._questions += 1
        if self._questions > _MAX_QUESTIONS:
            raise spf.PermError("Too many DNS lookups")
        answer = self._answers.ask(text, qtype)
        if answer.is_trouble:
            raise spf.TempError("DNS did not answer")
        if not answer.values and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError("Too many DNS lookups without an answer")
        return [_as_pyspf(value, qtype) for value in answer.values]

    def get_explanation(self, spec: object) -> None:
        """Nobody reads it: a mail is never refused for SPF."""


def _as_pyspf(value: str, qtype: str) -> object:
    if qtype == "TXT":
        return (value.encode("latin-1", "replace"),)
    if qtype == "MX":
        preference, _, host = value.partition(" ")
        return (int(preference), host)
    return value
