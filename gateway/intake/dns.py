"""Ask DNS for a batch of mails at once, within a time that no mail may exceed.

Mail is never refused, and waits only seconds, for what DNS does: no answer is a temporary error. What was answered is
kept for its time to live, what was not for a minute; a server that is silent altogether is left alone for a minute.
It serves authenticity, and `gateway.published`: how mail leaves is no matter of this module.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Collection
from typing import Final

import dns.exception
import dns.name
import dns.resolver
from dns.asyncresolver import Resolver
from dns.nameserver import Do53Nameserver
from dns.rdata import Rdata
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from config.receiving import DnsSettings
from gateway.reading.answers import NO_NAME, NOTHING, TROUBLE, Answer, Question

_MAX_KEPT: Final = 20_000
_MAX_AT_ONCE: Final = 64
_MAX_RECORDS: Final = 100
_MAX_SECONDS_KEPT: Final = 3600.0
_SECONDS_KEPT: Final = 60.0  # of what does not exist, and of trouble
_SILENT: Final = 3
_REST_SECONDS: Final = 60.0
_PROBE_SECONDS: Final = 1.0
# RFC 6761: these exist nowhere. `example` is asked only of servers that were named, which may be a test's own.
_NOWHERE: Final = ("invalid", "localhost", "local")


class Lookups:
    """Answers of DNS, kept for their time. Used by one thread."""

    def __init__(self, settings: DnsSettings) -> None:
        self._seconds = settings.timeout_seconds
        self._servers = [Do53Nameserver(*settings.host_and_port(text)) for text in settings.nameservers]
        self._kept: OrderedDict[Question, tuple[float, Answer]] = OrderedDict()
        self._silent = 0  # time-outs since the last answer of any kind
        self._rest_until = 0.0
        self._resolver: Resolver | None = None

    @property
    def is_on(self) -> bool:
        """Whether DNS may be asked at all."""
        return self._seconds > 0

    def deadline(self) -> float:
        """Until when (monotonic) a batch may ask that begins now."""
        return time.monotonic() + self._seconds

    def ask(self, questions: Collection[Question], deadline: float) -> dict[Question, Answer]:
        """An answer to each question, by the deadline."""
        answers = {question: answer for question in questions if (answer := self._recall(question))}
        unknown = [question for question in questions if question not in answers]
        if unknown and time.monotonic() >= self._rest_until:
            answers |= asyncio.run(self._fetch(unknown, deadline))
        return answers | {question: TROUBLE for question in unknown if question not in answers}

    def _recall(self, question: Question) -> Answer | None:
        until, answer = self._kept.get(question, (0.0, None))
        return answer if time.monotonic() < until else None

    def _keep(self, question: Question, answer: Answer, seconds: float) -> None:
        self._kept[question] = (time.monotonic() + min(seconds, _MAX_SECONDS_KEPT), answer)
        self._kept.move_to_end(question)
        while len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)

    async def _fetch(self, questions: list[Question], deadline: float) -> dict[Question, Answer]:
        if self._silent >= _SILENT and not await self._is_alive():
            self._rest_until = time.monotonic() + _REST_SECONDS
            return {}
        turn = asyncio.Semaphore(_MAX_AT_ONCE)
        answers = await asyncio.gather(*(self._one(question, deadline, turn) for question in questions))
        return dict(zip(questions, answers, strict=True))

    async def _is_alive(self) -> bool:
        """Silence may be that of a few dead domains: a server that is there knows the root."""
        self._silent = _SILENT
        await self._answer(Question(".", "NS"), _PROBE_SECONDS)
        return self._silent == 0

    async def _one(self, question: Question, deadline: float, turn: asyncio.Semaphore) -> Answer:
        async with turn:
            left = deadline - time.monotonic()
            if left <= 0:
                return TROUBLE
            answer, seconds = await self._answer(question, left)
        self._keep(question, answer, seconds)
        return answer

    async def _answer(self, question: Question, left: float) -> tuple[Answer, float]:
        name = _name(question.name)
        if name is None or self._is_nowhere(question.name):
            return NOTHING, _SECONDS_KEPT
        try:
            found = await self._ready().resolve(
                name, question.type, lifetime=left, raise_on_no_answer=False, search=False
            )
        except dns.resolver.NXDOMAIN:
            self._silent = 0
            return NO_NAME, _SECONDS_KEPT
        except (dns.exception.Timeout, OSError):
            self._silent += 1
            return TROUBLE, _SECONDS_KEPT
        except dns.exception.DNSException:  # SERVFAIL of all servers, or an answer that makes no sense
            self._silent = 0
            return TROUBLE, _SECONDS_KEPT
        self._silent = 0
        values = tuple(_values(found))
        return (Answer(values), found.ttl) if values else (NOTHING, _SECONDS_KEPT)

    def _is_nowhere(self, name: str) -> bool:
        top = name.rpartition(".")[2]
        return top in _NOWHERE or (top == "example" and not self._servers)

    def _ready(self) -> Resolver:
        """The resolver, made when it is first needed: without named servers it reads the host's file."""
        if self._resolver is None:
            self._resolver = Resolver(configure=not self._servers)
            if self._servers:
                self._resolver.nameservers = list(self._servers)
            self._resolver.timeout = min(2.0, self._seconds)
        return self._resolver


def _name(text: str) -> dns.name.Name | None:
    """The name to ask for; None when DNS has no such names, as mail may contain anything."""
    try:
        return dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError):
        return None


def _values(found: dns.resolver.Answer) -> list[str]:
    if found.rrset is None:
        return []
    return [_value(record) for record in list(found.rrset)[:_MAX_RECORDS]]


def _value(record: Rdata) -> str:
    if isinstance(record, TXT):
        return b"".join(record.strings).decode("latin-1")
    if isinstance(record, MX):
        return f"{record.preference} {record.exchange.to_text(omit_final_dot=True)}"
    return record.to_text().rstrip(".")
