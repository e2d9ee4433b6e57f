"""Judge the authenticity of a batch of mails before the database is locked.

The judging is `gateway.reading.authenticity`; here its questions are put to DNS, for all mails of a batch at once
and in rounds, since an answer may lead to the next question (SPF includes), until none is open or the time is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from config import maillog
from config.settings import Settings
from gateway.intake.dns import Lookups
from gateway.reading.answers import Answer, Question
from gateway.reading.authenticity import Authentication, Envelope, Evidence, Inquiry, Trust, assess, examine, inquire
from gateway.reading.mail import Mail
from storage.address import canonical_address, canonical_domain, domain_of
from storage.claims import Claimed

_MAX_ROUNDS: Final = 25


@dataclass(frozen=True, slots=True)
class Read:
    """A mail that was read, with its bytes."""

    claimed: Claimed
    raw: bytes
    mail: Mail


class Authenticator:
    """Looks at one batch after the other; used by one thread."""

    def __init__(self, settings: Settings) -> None:
        self._lookups = Lookups(settings.dns)
        sealers = {canonical_domain(domain) or "" for domain in settings.authenticity.trusted_sealers}
        self._trust = Trust(settings.authserv_id, frozenset(sealers - {""}))

    def authenticate(self, batch: Sequence[Read]) -> list[Authentication]:
        """The results, in order. It never raises: a mail that breaks it is of unknown authenticity."""
        if not self._lookups.is_on:
            return [Authentication(reason="DNS is never asked: dns.timeout_seconds is 0") for _ in batch]
        try:
            return self._authenticate(batch)
        except Exception as error:  # noqa: BLE001 - a word about a mail must not keep the mail from its ticket
            maillog.crashed("authenticity", error=error)
            return [Authentication(reason="it could not be judged") for _ in batch]

    def _authenticate(self, batch: Sequence[Read]) -> list[Authentication]:
        # The copies of one mail for several recipients are one mail here.
        mails = {one.claimed.acceptance_id: _evidence(one) for one in batch}
        inquiries, known = self._ask(mails)
        results = {id_: assess(one, inquiries[id_], known, self._trust) for id_, one in mails.items()}
        return [results[one.claimed.acceptance_id] for one in batch]

    def _ask(self, mails: dict[str, Evidence]) -> tuple[dict[str, Inquiry], dict[Question, Answer]]:
        known: dict[Question, Answer] = {}
        inquiries = {id_: inquire(one, known) for id_, one in mails.items()}
        deadline = self._lookups.deadline()
        for _ in range(_MAX_ROUNDS):
            questions = {question for inquiry in inquiries.values() for question in inquiry.questions}
            if not questions:
                break
            known |= self._lookups.ask(questions, deadline)
            inquiries |= {id_: inquire(mails[id_], known) for id_, inquiry in inquiries.items() if inquiry.questions}
        return inquiries, known


def _evidence(one: Read) -> Evidence:
    claimed = one.claimed
    author = domain_of(canonical_address(one.mail.author.email) or "")
    envelope = Envelope(claimed.peer, claimed.helo, claimed.reverse_path)
    return examine(one.raw, envelope, author, claimed.received_at)
