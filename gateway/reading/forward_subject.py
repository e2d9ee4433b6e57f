"""What the prefixes of a subject say: Fwd, WG, TR, RV, ENC, 转发 ... for forwards, Re, AW, SV ... for answers."""

from __future__ import annotations

import re
from typing import Final

from gateway.reading.labels import FORWARD_PREFIXES, REPLY_PREFIXES, folded

_MAX_VS: Final = 50_000
_PREFIXES: Final = FORWARD_PREFIXES | REPLY_PREFIXES

_TAG: Final = re.compile(r"\s{0,20}[\[(][^\[\]()]{1,40}[\])]")
_PREFIX: Final = re.compile(r"\s{0,20}([^:：\[\]()\d]{1,20})(?:[\[(]?\d{1,3}[\])]?)?\s?[:：]")


def is_forward_subject(subject: str) -> bool:
    """Does the outermost prefix say that this was forwarded: Fwd, WG, TR, RV, ENC, 转发 ...?"""
    return prefix_of(subject)[0] in FORWARD_PREFIXES


def is_finnish_answer(subject: str, text: str) -> bool:
    """VS is a forward in Norwegian and an answer (vastaus) in Finnish: the header lines tell which."""
    return prefix_of(subject)[0] == "vs" and "lähettäjä:" in text[:_MAX_VS].lower()


def base_subject(subject: str) -> str:
    """The subject without the prefixes of answers and forwards."""
    for _ in range(20):
        prefix, rest = prefix_of(subject)
        if prefix not in _PREFIXES:
            break
        subject = rest
    return subject.strip()


def prefix_of(subject: str) -> tuple[str, str]:
    """The first prefix, folded, and what follows it; tags like [EXTERNAL] before it are passed."""
    rest = subject
    for _ in range(4):
        found = _PREFIX.match(rest)
        if found is not None and folded(found[1]) in _PREFIXES:
            return folded(found[1]), rest[found.end() :].strip()
        tag = _TAG.match(rest)
        if tag is None:
            break
        rest = rest[tag.end() :]
    return "", subject
