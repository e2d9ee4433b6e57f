"""Who really wrote a mail: SPF, DKIM, ARC and DMARC in one word for people. RFC 8601 has the result words.

It is pure: it reads a mail with answers of DNS that were fetched before (`inquire` says which). The word only
informs: nearly all our mail was forwarded, which breaks SPF always and DKIM sometimes, so nothing is refused for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.reading.addresses import parse_mailboxes
from gateway.reading.answers import Answer, Answers, Question
from gateway.reading.arc_check import Chain, check_chain, key_names, vouches
from gateway.reading.dkim_check import Signature, SignatureField, check_signature, signature_fields
from gateway.reading.dmarc import Walk, is_aligned, is_related, walk_up
from gateway.reading.sender_policy import SenderPolicy, check_sender
from gateway.reading.signed import SignedMail, take_apart

_MAX_RESULT_FIELDS: Final = 20


class Identity(StrEnum):
    """How far we believe that the domain in From sent a mail."""

    VERIFIED = "verified"  # proven by an aligned signature, by DMARC, or by a sealer whom the operator trusts
    LIKELY = "likely"  # a domain of the same family, or a trusted server, stands for it
    UNKNOWN = "unknown"  # nothing tells, or DNS did not answer
    FAILED = "failed"  # the domain asks that such mail be doubted, and nothing speaks for it


@dataclass(frozen=True, slots=True)
class Envelope:
    """The facts of the session in which a mail came."""

    peer: str = ""
    helo: str = ""
    reverse_path: str = ""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the operator believes: our own name in result fields, and domains of sealers."""

    authserv_id: str = ""
    sealers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a mail brings with it, before DNS is asked."""

    mail: SignedMail
    envelope: Envelope
    author_domain: str  # empty: From does not name one address
    signatures: tuple[SignatureField, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Authentication:
    """The results and what they come to."""

    spf: str = "none"
    dkim: str = "none"
    dmarc: str = "none"
    arc: str = "none"
    identity: Identity = Identity.UNKNOWN
    reason: str = "not asked"  # why the identity is what it is
    details: tuple[tuple[str, str], ...] = ()  # for the trace: each result, and of whom or why
    signers: tuple[str, ...] = ()  # domains whose signatures hold

    @property
    def is_proven(self) -> bool:
        """The author is who he says."""
        return self.identity is Identity.VERIFIED

    def as_words(self) -> dict[str, str]:
        """The shape that is stored and shown."""
        return {
            "spf": self.spf,
            "dkim": self.dkim,
            "dmarc": self.dmarc,
            "arc": self.arc,
            "identity": str(self.identity),
        }


def examine(raw: bytes, envelope: Envelope, author_domain: str, at: datetime) -> Evidence:
    """What the bytes bring; `author_domain` is that of the address in From, in lower-case A-labels."""
    mail = take_apart(raw)
    domain = author_domain if _names_one_author(mail) else ""
    return Evidence(mail, envelope, domain, tuple(signature_fields(mail, domain, at)), at)


def _names_one_author(mail: SignedMail) -> bool:
    """Several From fields or addresses: which one a person sees is chance, so that none is proven."""
    values = mail.values(b"from")
    if len(values) != 1:
        return False
    people = parse_mailboxes(values[0].decode("utf-8", "replace").replace("\r\n", ""))
    return sum("@" in person.email for person in people) == 1


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What DNS must still be asked about a mail. Once that is nothing, SPF is settled too."""

    questions: frozenset[Question]
    spf: SenderPolicy


def inquire(evidence: Evidence, known: Mapping[Question, Answer]) -> Inquiry:
    """The open questions. Each round of answers may lead to further ones, until there are none."""
    answers = Answers(known)
    envelope = evidence.envelope
    spf = check_sender(envelope.peer, envelope.helo, envelope.reverse_path, answers)
    for one in evidence.signatures:
        if not one.flaw:
            answers.ask(f"{one.selector}._domainkey.{one.domain}", "TXT")
    for name in key_names(evidence.mail):
        answers.ask(name, "TXT")
    if evidence.author_domain:
        author = walk_up(evidence.author_domain, answers)
        for domain in {one.domain for one in evidence.signatures if not one.flaw} | {_sender_domain(envelope)}:
            is_aligned(domain, author, answers, is_strict=False)
    return Inquiry(frozenset(answers.missing), spf)


def _sender_domain(envelope: Envelope) -> str:
    domain = envelope.reverse_path.rpartition("@")[2] or envelope.helo
    return domain.strip().rstrip(".").lower() if domain.isascii() else ""


@dataclass(slots=True)
class _Findings:
    """Everything about one mail from which the word is made."""

    evidence: Evidence
    answers: Answers
    spf: SenderPolicy
    signatures: list[Signature]
    chain: Chain
    author: Walk | None

    def is_aligned(self, domain: str, *, is_strict: bool) -> bool | None:
        return is_aligned(domain, self.author, self.answers, is_strict=is_strict) if self.author else False

    @property
    def is_strict_dkim(self) -> bool:
        return bool(self.author and self.author.record and self.author.record.is_strict_dkim)

    @property
    def is_strict_spf(self) -> bool:
        return bool(self.author and self.author.record and self.author.record.is_strict_spf)

    def aligned_signatures(self) -> list[tuple[Signature, bool | None]]:
        """Each signature that was judged, with whether its domain speaks for the author's."""
        judged = [one for one in self.signatures if one.result != "none"]
        return [(one, self.is_aligned(one.domain, is_strict=self.is_strict_dkim)) for one in judged]


def assess(evidence: Evidence, inquiry: Inquiry, known: Mapping[Question, Answer], trust: Trust) -> Authentication:
    """The results for one mail. What has no answer in `known` is a temporary error, never a failure."""
    answers = Answers(known)
    found = _Findings(
        evidence,
        answers,
        inquiry.spf,
        [check_signature(evidence.mail, one, answers) for one in evidence.signatures],
        check_chain(evidence.mail, answers, evidence.at),
        walk_up(evidence.author_domain, answers) if evidence.author_domain else None,
    )
    dmarc = _dmarc(found)
    identity, reason = _identity(found, dmarc, trust)
    return Authentication(
        spf=found.spf.result,
        dkim=_best([one.result for one in found.signatures]),
        dmarc=dmarc,
        arc=found.chain.result,
        identity=identity,
        reason=reason,
        details=tuple(_details(found, dmarc, trust)),
        signers=tuple(sorted({one.domain for one in found.signatures if one.result == "pass"})),
    )


def _best(results: list[str]) -> str:
    return next((word for word in ("pass", "temperror", "fail", "permerror") if word in results), "none")


def _dmarc(found: _Findings) -> str:
    """RFC 9989 section 5.3: one aligned pass is enough; without a record there is nothing to pass."""
    author = found.author
    if author is None:
        return "none"
    if author.record is None:
        return "temperror" if author.is_trouble else "none"
    signatures = found.aligned_signatures()
    spf = found.is_aligned(found.spf.domain, is_strict=found.is_strict_spf)
    verdicts = [(one.result, aligned) for one, aligned in signatures] + [(found.spf.result, spf)]
    if ("pass", True) in verdicts:
        return "pass"
    in_doubt = (("pass", None), ("temperror", True), ("temperror", None))
    return "temperror" if any(doubt in verdicts for doubt in in_doubt) else "fail"


def _identity(found: _Findings, dmarc: str, trust: Trust) -> tuple[Identity, str]:
    author = found.author
    if author is None:
        return Identity.UNKNOWN, "From does not name one author"
    signatures = found.aligned_signatures()
    proof = next((one.domain for one, aligned in signatures if aligned and one.result == "pass"), "")
    if proof:
        return Identity.VERIFIED, f"signed by {proof}"
    if dmarc == "pass":
        return Identity.VERIFIED, f"sent by a server of {found.spf.domain}"
    sealer = vouches(found.chain, trust.sealers, author.domain)
    if sealer:
        return Identity.VERIFIED, f"{sealer} vouches for it"
    if dmarc == "fail" and author.policy in ("quarantine", "reject"):
        if any(aligned and one.is_header_intact for one, aligned in signatures):
            return Identity.UNKNOWN, "signed by its author, and its body was changed on the way"
        return Identity.FAILED, f"{author.domain} asks to {author.policy} what it did not sign or send"
    return _without_proof(found, author, dmarc, trust)


def _without_proof(found: _Findings, author: Walk, dmarc: str, trust: Trust) -> tuple[Identity, str]:
    passed = [one.domain for one in found.signatures if one.result == "pass"]
    family = next((domain for domain in passed if is_related(domain, author.domain)), "")
    if family:
        return Identity.LIKELY, f"signed by {family}, a domain of its family"
    if found.spf.result == "pass" and is_related(found.spf.domain, author.domain):
        return Identity.LIKELY, f"sent by a server of {found.spf.domain}"
    trusted = next((domain for domain in passed if domain in trust.sealers), "")
    if trusted:
        return Identity.LIKELY, f"signed by {trusted}, which is trusted"
    results = (dmarc, found.chain.result, found.spf.result, *(one.result for one in found.signatures))
    return Identity.UNKNOWN, "DNS did not answer" if "temperror" in results else "nothing proves it"


def _details(found: _Findings, dmarc: str, trust: Trust) -> list[tuple[str, str]]:
    """What an operator asks when he wonders about the word."""
    lines = [(f"spf={found.spf.result}", found.spf.domain)]
    aligned = {id(one): "aligned" if yes else "not aligned" for one, yes in found.aligned_signatures()}
    for one in found.signatures:
        remarks = [text for text in (one.domain, aligned.get(id(one), ""), one.reason) if text]
        lines.append((f"dkim={one.result}", ", ".join(remarks)))
    author = found.author
    policy = f", p={author.policy}" if author and author.record else ""
    lines.append((f"dmarc={dmarc}", f"{author.domain}{policy}" if author else ""))
    if found.chain.result != "none":
        lines.append((f"arc={found.chain.result}", found.chain.reason or f"sealed by {', '.join(found.chain.sealers)}"))
    if _is_forged(found.evidence.mail, trust.authserv_id):
        lines.append(("ignored", f"an Authentication-Results field that bears our name, {trust.authserv_id}"))
    return lines


def _is_forged(mail: SignedMail, authserv_id: str) -> bool:
    """RFC 8601 section 5: a field with our name that we did not write. We read none at all, whatever its name."""
    values = mail.values(b"authentication-results")[:_MAX_RESULT_FIELDS]
    names = [value.decode("latin-1").partition(";")[0].split()[:1] for value in values]
    return bool(authserv_id) and [authserv_id.lower()] in [[part.lower() for part in name] for name in names]
