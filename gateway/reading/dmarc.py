"""The DMARC policy of a domain and which domains belong to one organization: the tree walk of RFC 9989.

No list of public suffixes is asked: the records themselves say where an organization ends. What a policy wants done
with a mail is not done here: mail that was forwarded to us fails it through no fault of its author.
"""

import re
from dataclasses import dataclass
from typing import Final

from gateway.reading.answers import Answers

_MAX_LABELS: Final = 8
_TAG: Final = re.compile(r"\s*([a-z]{1,16})\s*=\s*([^\s;]{1,200})\s*", re.IGNORECASE)
_POLICIES: Final = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class Record:
    """What `_dmarc.domain` says (section 4.7)."""

    domain: str
    policy: str  # none | quarantine | reject, of the domain itself
    subdomain_policy: str
    nowhere_policy: str  # of subdomains that do not exist
    is_strict_dkim: bool
    is_strict_spf: bool
    psd: str  # y | n | u


@dataclass(frozen=True, slots=True)
class Walk:
    """What the way from a domain up the tree has shown."""

    domain: str
    organization: str
    record: Record | None
    is_trouble: bool  # a name on the way had no answer: the organization is not known
    is_nowhere: bool = False  # there is no such domain

    @property
    def policy(self) -> str:
        """The policy for mail of the domain; empty when it has published none."""
        if self.record is None:
            return ""
        if self.record.domain == self.domain:
            return self.record.policy
        return self.record.nowhere_policy if self.is_nowhere else self.record.subdomain_policy


def walk_up(domain: str, answers: Answers) -> Walk:
    """The policy that stands for this domain, and its organizational domain (section 4.10)."""
    found: list[Record] = []
    is_trouble = False
    for name in _names(domain):
        answer = answers.ask(f"_dmarc.{name}", "TXT")
        is_trouble |= answer.is_trouble
        record = _record(name, answer.values)
        if record:
            found.append(record)
    organization = _organization(domain, found)
    # Without a record of its own a domain has that of its organization, or of the suffix above it.
    own = next((record for record in found if record.domain in (domain, organization)), None)
    record = own or (found[-1] if found else None)
    return Walk(domain, organization, record, is_trouble, record is not None and _is_nowhere(domain, record, answers))


def _is_nowhere(domain: str, record: Record, answers: Answers) -> bool:
    """Asked only where the answer makes a difference; without an answer the domain is taken to exist."""
    if record.domain == domain or record.nowhere_policy == record.subdomain_policy:
        return False
    return answers.ask(domain, "A").is_no_name


def _names(domain: str) -> list[str]:
    """The domain and its parents; of a very long one only the last seven labels, so that a walk has an end."""
    labels = domain.split(".")
    first = max(1, len(labels) - _MAX_LABELS + 1)
    return [domain, *(".".join(labels[start:]) for start in range(first, len(labels)))]


def _organization(domain: str, found: list[Record]) -> str:
    for record in found:
        if record.psd == "n":
            return record.domain
        if record.psd == "y" and record.domain != domain:
            labels = domain.split(".")
            return ".".join(labels[len(labels) - record.domain.count(".") - 2 :])
    return found[-1].domain if found else domain


def _record(name: str, texts: tuple[str, ...]) -> Record | None:
    records = [text for text in texts if re.match(r"v\s*=\s*DMARC1\s*(;|$)", text)]
    if len(records) != 1:  # several are as good as none (section 4.7)
        return None
    tags: dict[str, str] = {}
    for part in records[0][:2000].split(";"):
        match = _TAG.fullmatch(part)
        if match:
            tags.setdefault(match[1].lower(), match[2].lower())
    policy = tags.get("p", "none")
    policy = policy if policy in _POLICIES else "none"
    below = tags.get("sp", policy)
    below = below if below in _POLICIES else policy
    nowhere = tags.get("np", below)
    return Record(
        domain=name,
        policy=_tested(policy, tags),
        subdomain_policy=_tested(below, tags),
        nowhere_policy=_tested(nowhere if nowhere in _POLICIES else below, tags),
        is_strict_dkim=tags.get("adkim") == "s",
        is_strict_spf=tags.get("aspf") == "s",
        psd=tags.get("psd", "u"),
    )


def _tested(policy: str, tags: dict[str, str]) -> str:
    """A policy that is only being tested counts one step less (tag t)."""
    return _POLICIES[max(0, _POLICIES.index(policy) - 1)] if tags.get("t") == "y" else policy


def is_aligned(domain: str, author: Walk, answers: Answers, *, is_strict: bool) -> bool | None:
    """Whether a domain that signed or sent speaks for the author's (section 4.4). None: DNS did not say."""
    if domain == author.domain:
        return True
    if is_strict or _common_labels(domain, author.domain) < 2:
        return False
    other = walk_up(domain, answers)
    if other.is_trouble or author.is_trouble:
        return None
    return other.organization == author.organization


def is_related(one: str, other: str) -> bool:
    """One domain lies under the other, or they are the same; a top-level domain is nobody's relative."""
    shorter = min(one, other, key=len)
    return "." in shorter and (one == other or one.endswith(f".{other}") or other.endswith(f".{one}"))


def _common_labels(one: str, other: str) -> int:
    pairs = zip(reversed(one.split(".")), reversed(other.split(".")), strict=False)
    count = 0
    for left, right in pairs:
        if left != right:
            break
        count += 1
    return count
