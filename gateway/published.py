"""What has to stand in DNS for this installation and for the domains that it writes as, and whether it does.

`gateway dns` prints it and `gateway doctor` looks at it. Nothing is changed in DNS, and SPF of others is not
evaluated: our reverse-path is our own domain, so that SPF of the domain in From says nothing about us (RFC 7208
section 2.4).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlmodel import Session

from config.settings import Settings
from config.values import LOOPBACK
from gateway.reading.answers import Answer, Answers, Question
from gateway.reading.dmarc import walk_up
from storage.address import canonical_domain, domain_of
from storage.channels import Channel, ChannelKind
from storage.dkim_keys import list_dkim_keys, signing_keys
from storage.queues import Queue, list_queues, source_inboxes

_MAX_DOMAINS = 50


class Standing(StrEnum):
    """How DNS answers to what we want."""

    OK = "ok"
    MISSING = "missing"
    DIFFERENT = "different"  # there is one, and it says something else
    ADVISED = "advised"  # not there, and it works without
    UNKNOWN = "unknown"  # DNS was not asked, or did not answer


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record to publish. `value` is what to write, `why` what it is good for."""

    domain: str
    purpose: str  # mx | address | spf | dkim | dmarc | mta-sts | tls-rpt
    name: str
    type: str
    value: str
    why: str
    standing: Standing = Standing.UNKNOWN
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A domain in From that no key of ours signs for."""

    domain: str
    queues: tuple[str, ...]


def written_as(session: Session, settings: Settings) -> dict[str, list[str]]:
    """The foreign domains that stand in From on the default servers, and the queues that write so."""
    found: dict[str, list[str]] = {}
    for queue in list_queues(session):
        for address in _senders(session, queue):
            domain = domain_of(address)
            if domain and domain not in settings.own_domains and queue.name not in found.setdefault(domain, []):
                found[domain].append(queue.name)
    return dict(list(found.items())[:_MAX_DOMAINS])


def _senders(session: Session, queue: Queue) -> list[str]:
    channel = session.get(Channel, queue.answer_via) if queue.answer_via else None
    if channel and channel.kind is not ChannelKind.FOLDER:
        return []
    return (
        [queue.from_address] if queue.from_address else [one.address for one in source_inboxes(session, queue.number)]
    )


def unsigned_domains(session: Session, settings: Settings) -> list[Unsigned]:
    """The foreign domains in From that no key signs for: receivers doubt such mail. RFC 7489 section 3.1."""
    return [
        Unsigned(domain, tuple(queues))
        for domain, queues in written_as(session, settings).items()
        if not signing_keys(session, domain)
    ]


def wanted_records(session: Session, settings: Settings, domain: str = "") -> list[Wanted]:
    """What to publish: for one domain, or for the installation and every domain in From."""
    own = settings.own_domains
    if domain:
        return list(_of_own(session, settings, domain) if domain in own else _of_foreign(session, domain))
    records = [record for one in own for record in _of_own(session, settings, one)]
    return records + [record for one in written_as(session, settings) for record in _of_foreign(session, one)]


def _of_own(session: Session, settings: Settings, domain: str) -> Iterator[Wanted]:
    host = settings.hostname
    yield Wanted(domain, "mx", domain, "MX", f"10 {host}", "mail to creation addresses and answers comes to us")
    yield Wanted(domain, "address", host, "A", "", "the address of this gateway (or AAAA)")
    yield Wanted(domain, "spf", domain, "TXT", _spf(settings), "which servers send with our reverse-path")
    yield from _keys(session, domain)
    yield _dmarc(domain, "v=DMARC1; p=quarantine", "what receivers do with mail that only claims to be ours")
    yield Wanted(domain, "mta-sts", f"_mta-sts.{domain}", "TXT", "v=STSv1; id=1", _mta_sts(settings, domain))
    report = f"v=TLSRPTv1; rua=mailto:postmaster@{domain}"
    yield Wanted(domain, "tls-rpt", f"_smtp._tls.{domain}", "TXT", report, "senders report trouble with TLS (RFC 8460)")


def _of_foreign(session: Session, domain: str) -> Iterator[Wanted]:
    yield from _keys(session, domain)
    yield _dmarc(domain, "v=DMARC1; p=none", "the company's policy; with our DKIM key our answers pass it")


def _keys(session: Session, domain: str) -> Iterator[Wanted]:
    keys = list_dkim_keys(session, domain) or signing_keys(session, domain)
    for key in keys:
        yield Wanted(domain, "dkim", key.record_name, "TXT", key.record, "receivers check our signature with it")
    if not keys:
        why = f"nothing is signed: make keys with `gateway dkim new {domain}`"
        yield Wanted(domain, "dkim", f"SELECTOR._domainkey.{domain}", "TXT", "", why, Standing.MISSING)


def _spf(settings: Settings) -> str:
    servers = [server.host for server in settings.outbound.servers if server.host not in LOOPBACK]
    # A provider sends from more servers than the one that takes mail from us: it names an include of its own.
    return " ".join(["v=spf1", "mx", *(f"a:{host}" for host in servers), "~all"])


def _dmarc(domain: str, value: str, why: str) -> Wanted:
    return Wanted(domain, "dmarc", f"_dmarc.{domain}", "TXT", value, why)


def _mta_sts(settings: Settings, domain: str) -> str:
    policy = f"version: STSv1, mode: testing, mx: {settings.hostname}, max_age: 86400"
    where = f"https://mta-sts.{domain}/.well-known/mta-sts.txt"
    return f"senders insist on TLS (RFC 8461); needs a certificate and a file at {where}, a line each: {policy}"


def look_up(settings: Settings, records: Sequence[Wanted]) -> list[Wanted]:
    """The records with what DNS says, within `dns.timeout_seconds` for all of them."""
    from gateway.intake.dns import Lookups  # a slow import, and `gateway status` comes by here

    lookups = Lookups(settings.dns)
    if not lookups.is_on:
        return list(records)
    deadline = lookups.deadline()
    known: dict[Question, Answer] = {}
    answers = Answers(known)
    # A policy may stand on a domain above, which is asked for in the second round.
    for _ in range(2):
        for record in records:
            _ask(record, answers)
        known |= lookups.ask(sorted(answers.missing, key=str), deadline)
        answers = Answers(known)
    return [_judged(record, answers) for record in records]


def _ask(record: Wanted, answers: Answers) -> None:
    if record.purpose == "dmarc":
        walk_up(record.domain, answers)
    for type_ in ("A", "AAAA") if record.purpose == "address" else (record.type,):
        answers.ask(record.name, type_)


def _judged(record: Wanted, answers: Answers) -> Wanted:
    if record.purpose == "dkim" and not record.value:
        return record
    if record.purpose == "address":
        found = [answers.ask(record.name, type_) for type_ in ("A", "AAAA")]
        values = tuple(value for answer in found for value in answer.values)
        return _with(record, values, bool(values), is_trouble=all(answer.is_trouble for answer in found))
    if record.purpose == "dmarc":
        walk = walk_up(record.domain, answers)
        values = (f"_dmarc.{walk.record.domain}: p={walk.policy}",) if walk.record else ()
        return _with(record, values, walk.record is not None, is_trouble=walk.is_trouble and not walk.record)
    answer = answers.ask(record.name, record.type)
    values = _of_its_kind(record, answer.values)
    return _with(record, values, _says_it(record, values), is_trouble=answer.is_trouble)


def _of_its_kind(record: Wanted, values: Sequence[str]) -> tuple[str, ...]:
    """The values that speak of the same: a domain has TXT records of all kinds."""
    begin = {"spf": "v=spf1", "mta-sts": "v=stsv1", "tls-rpt": "v=tlsrptv1"}.get(record.purpose, "")
    return tuple(value[:2000] for value in values if value.lower().startswith(begin))


def _says_it(record: Wanted, values: tuple[str, ...]) -> bool:
    if record.purpose == "mx":
        wanted = canonical_domain(record.value.split()[1])
        return any(canonical_domain(value.rpartition(" ")[2]) == wanted for value in values)
    if record.purpose == "dkim":
        return any(_key_in(value) == _key_in(record.value) for value in values)
    # Several SPF records are as good as none (RFC 7208 section 4.5); what a single one says is the operator's matter.
    return len(values) == 1


def _key_in(record: str) -> str:
    """What stands behind p=."""
    tags = (part.partition("=") for part in record.split(";"))
    return next(("".join(value.split()) for name, _, value in tags if name.strip() == "p"), "")


def _with(record: Wanted, values: tuple[str, ...], is_right: bool, *, is_trouble: bool) -> Wanted:
    if is_right:
        standing = Standing.OK
    elif is_trouble:
        standing = Standing.UNKNOWN
    elif values:
        standing = Standing.DIFFERENT
    else:
        standing = Standing.ADVISED if record.purpose in ("mta-sts", "tls-rpt") else Standing.MISSING
    return replace(record, standing=standing, found=values)
