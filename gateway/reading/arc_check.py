"""ARC: what the servers on the way saw before they changed a mail or passed it on. RFC 8617, with dkimpy.

A chain proves only who sealed it. Anybody can seal what he likes, so its words count only from sealers that the
operator trusts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import dkim

from gateway.reading.answers import Answers
from gateway.reading.dkim_check import CheckedBody, NoKeyYet, read_field
from gateway.reading.signed import SignedMail

_MAX_SETS: Final = 50  # RFC 8617 section 4.2.1
_MAX_FIELD_BYTES: Final = 16_384
_LONG_GAP: Final = re.compile(rb"\s{65}")
_SPECIAL: Final = re.compile(r'[()";\\]')
_NAMES: Final = (b"arc-seal", b"arc-message-signature", b"arc-authentication-results")
_PAIR: Final = re.compile(r"([a-z][a-z0-9._-]{0,40})=([^\s=;]{1,320})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Chain:
    """The result word and, the newest first, who sealed and what he says that he saw."""

    result: str  # pass | fail | none | temperror
    sealers: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    reason: str = ""


class _Arc(CheckedBody, dkim.ARC):  # type: ignore[misc]  # dkimpy has no types
    pass


def check_chain(mail: SignedMail, answers: Answers, at: datetime) -> Chain:
    """Whether the chain of a mail holds."""
    fields = [value for name in _NAMES for value in mail.values(name)]
    if not fields:
        return Chain("none")
    if mail.is_malformed or len(fields) > 3 * _MAX_SETS:
        return Chain("fail", reason="the header is malformed")
    if any(len(value) > _MAX_FIELD_BYTES or _LONG_GAP.search(value) for value in fields):
        return Chain("fail", reason="a field is too long")
    verifier = _Arc()
    verifier.take(mail, answers)
    try:
        word, sets, reason = verifier.verify()
    except NoKeyYet:
        return Chain("temperror", reason="DNS did not say a key")
    except Exception as error:  # noqa: BLE001 - a chain of a stranger on which the library breaks
        return Chain("fail", reason=type(error).__name__)
    if word != dkim.CV_Pass:
        return Chain("fail", reason=str(reason)[:200])
    flaw = _flaw(mail, sets[0]["instance"], at)
    if flaw:
        return Chain("fail", reason=flaw)
    sealers = tuple(_text(one["as-domain"]) for one in sets)
    return Chain("pass", sealers, tuple(_text(one["aar-value"]) for one in sets))


def _flaw(mail: SignedMail, instance: int, at: datetime) -> str:
    """Why the newest signature of the chain does not count, by the rules for any other signature."""
    wanted = re.compile(rb"(?:^|[;\s])i\s{0,9}=\s{0,9}%d\b" % instance)
    for place, value in enumerate(mail.values(b"arc-message-signature")):
        if wanted.search(value):
            return read_field(mail, place, value, at).flaw
    return "the newest set has no signature"


def key_names(mail: SignedMail) -> set[str]:
    """Where the keys of a chain stand, so that all can be asked for at once."""
    names = set()
    for field in (b"arc-seal", b"arc-message-signature"):
        for value in mail.values(field)[:_MAX_SETS]:
            tags = dict(_PAIR.findall(_text(value[:_MAX_FIELD_BYTES])))
            if tags.get("s") and tags.get("d"):
                names.add(f"{tags['s']}._domainkey.{tags['d']}")
    return names


def vouches(chain: Chain, trusted: frozenset[str], author_domain: str) -> str:
    """The trusted sealer who saw proof that the author's domain sent the mail, or an empty string.

    From the newest set on, as long as each sealer is trusted: what stands before a stranger's seal is his word.
    """
    if chain.result != "pass":
        return ""
    for sealer, statement in zip(chain.sealers, chain.statements, strict=True):
        if sealer not in trusted:
            return ""
        if _says_proven(statement, author_domain):
            return sealer
    return ""


def _says_proven(statement: str, author_domain: str) -> bool:
    """DMARC passed for this author, or a signature of his very domain held."""
    methods = [dict(_PAIR.findall(part)) for part in _split(statement)]
    dmarc = [one for one in methods if "dmarc" in one]
    if len(dmarc) > 1:  # one of them may be a stranger's words that the sealer has quoted badly
        return False
    if dmarc and dmarc[0]["dmarc"] == "pass":
        return dmarc[0].get("header.from") == author_domain
    if dmarc and dmarc[0]["dmarc"] not in ("none", "bestguesspass"):
        return False
    return any(one.get("dkim") == "pass" and one.get("header.d") == author_domain for one in methods)


def _split(statement: str) -> list[str]:
    """The results of an ARC-Authentication-Results field (RFC 8601 section 2.2), without comments and quotes."""
    parts, depth, is_quoted, position = [""], 0, False, 0
    while match := _SPECIAL.search(statement, position):
        if not depth and not is_quoted:
            parts[-1] += statement[position : match.start()]
        position = match.end()
        mark = match.group()
        if mark == "\\":
            position += 1
        elif mark == '"' and not depth:
            is_quoted = not is_quoted
        elif not is_quoted:
            depth = max(0, depth + {"(": 1, ")": -1}.get(mark, 0))
            if mark == ";" and not depth:
                parts.append("")
    return [*parts[:-1], parts[-1] + ("" if depth or is_quoted else statement[position:])]


def _text(octets: bytes) -> str:
    return octets.decode("latin-1").replace("\r\n", "").strip().lower()
